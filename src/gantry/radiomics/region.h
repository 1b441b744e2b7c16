// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>

#include "gantry/radiomics/feature.h"
#include "gantry/volume/filters.h"
#include "gantry/volume/resample.h"

namespace gantry::radiomics {

/// How intensities become grey levels 1 to N.
struct Discretisation {
  std::optional<double> bin_width;  ///< a fixed width, in units of the image; bins begin at the lower end of the range
  int bins = 0;                     ///< else a fixed number between lowest and highest intensity
  std::optional<double> begin;      ///< where the first bin of a fixed width begins; none: at the lowest intensity
};

/// What is done to image and mask before anything is counted, in this order.
struct Processing {
  std::optional<Vec3> spacing_mm;  ///< of the voxels to compute on; 0 along k keeps the slices
  Interpolation interpolation = Interpolation::linear;
  bool round = false;                     ///< to whole numbers after interpolation (Hounsfield units)
  std::optional<double> lowest, highest;  ///< intensities that belong to the region
  std::optional<double> outliers;         ///< standard deviations about the mean that belong to the region
};

/// An image and the voxels that count, on a grid of equal voxels cut to the mask.
struct Region {
  Grid grid;
  Mask morphological;       ///< the mask; shape is measured on it
  Mask intensity;           ///< those of its voxels whose intensity is in range; all else is measured on them
  Voxels<float> values;     ///< on `grid`
  Voxels<float> surrounds;  ///< the same with a margin, NaN where there is no image
  Size3 margin{};           ///< voxels of `surrounds` before voxel 0 of `grid`
  std::int64_t voxels = 0;  ///< of the intensity mask
  /// Intensities of the intensity mask in the order of its voxels.
  std::vector<float> intensities() const;
};

/// Throws Error(not_possible) for a mask without a voxel, voxels of it that are not finite, unevenly spaced slices without a new spacing,
/// a range that leaves nothing, and a grid above 2^31 voxels.
Region prepare_region(const VoxelView<float>& image, const MaskView& mask, const Processing& processing, double margin_mm, const Run& run);

/// Grey level of each voxel of the intensity mask, 0 elsewhere.
struct Levels {
  Voxels<std::int32_t> level;
  int count = 0;  ///< the highest level: N_g
};
/// Throws Error(not_possible) for more than `most` levels.
Levels discretise(const Region& region, const Discretisation& discretisation, int most);

}  // namespace gantry::radiomics
