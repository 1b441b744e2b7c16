// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <string>

#include "gantry/analysis/head_mr_tissue.h"

namespace gantry::analysis {

/// Measured quality of a head MR. What cannot be measured in this image is absent.
struct HeadMrQuality {
  std::optional<double> noise;              ///< standard deviation in white matter, image units
  std::optional<double> signal_to_noise;    ///< mean of white matter / noise
  std::optional<double> contrast_to_noise;  ///< (white - grey) / noise
  std::optional<double> ghosting_percent;   ///< excess of background signal in line with the head, of white matter's signal
  std::optional<double> edge_width_mm;      ///< full width at half maximum of the blur of the skin's edge, worst axis
  bool background_blanked = false;          ///< background set to zero: ghosting cannot be judged
};

/// Measures quality in the original voxels of `image` (canonical axes not needed) with the measures of quality/measures.h: noise in white
/// matter whose neighbours are white matter, ghosting against the mean of white matter, the width of the skin's edge.
HeadMrQuality measure_head_quality(const VoxelView<float>& image, const TissueInput& input, const TissueMaps& tissue, const Run& run);

}  // namespace gantry::analysis
