// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>

#include "gantry/volume/filters.h"

namespace gantry::quality {

// Figures of quality that analysis and the operation quality.study share. What cannot be measured in an image is absent.

/// Standard deviation of noise as the 15th percentile of the standard deviations in squares of about 9 mm (in the plane of the slices) that
/// lie wholly in `mask` and whose mean lies in [low, high]. Nothing when fewer than 30 such squares exist. For CT, whose noise differs
/// from place to place and is correlated.
std::optional<double> local_noise(const Image& image, const MaskView& mask, double low, double high, const Run& run);

/// Standard deviation of white noise: 1.4826 x median absolute second difference over sqrt(6), the largest of the three axes, at voxels of
/// `inside` whose six neighbours are inside. Slopes cancel, edges are few. Nothing with fewer than 200 places (every fourth is looked at).
std::optional<double> difference_noise(const VoxelView<float>& image, const MaskView& inside, const Run& run);

/// Signal that lies beside an object in line with it.
struct Ghosting {
  std::optional<double> percent;  ///< of twice the signal; the largest of the axes
  bool blanked = false;           ///< background set to zero: it cannot be judged
};
/// Mean background in line with the object along one axis, less the background in line with it along none, over twice `signal` (after NEMA
/// MS 1's idea for phantoms). The object is what exceeds `threshold`; background lies 12 mm from it. Background is taken to be near 0.
Ghosting background_ghosting(const VoxelView<float>& image, double threshold, double signal, const Run& run);

/// Full width at half maximum in mm of the blur of the object's outer edge, the worst axis: 0.94 x step height / steepest slope where rays
/// from both ends of every fourth line first exceed `threshold`, lower quartile of each axis (an edge seen obliquely looks wider). The
/// step is looked for within 5 mm. Nothing with fewer than 50 rays an axis. Background is taken to be near 0.
std::optional<double> edge_width_mm(const VoxelView<float>& image, double threshold);

}  // namespace gantry::quality
