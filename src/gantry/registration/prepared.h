// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string_view>

#include "gantry/image/labels.h"
#include "gantry/volume/filters.h"

namespace gantry {

/// A volume made ready to be registered: evenly spaced slices, values from 0 to 1 between two quantiles (clamped), NaN where nothing is
/// known: not finite, outside its mask, or padding.
struct Prepared {
  Voxels<float> values;
  double low = 0, high = 1;  ///< the values that became 0 and 1
  Vec3 centre_mm{};          ///< of the box of the grid
};

/// Padding is the smallest value when it lies below -1024 (no CT number), at least one voxel in 10,000 has it, and a tenth of the range
/// between the 1st and 99th percentile lies empty above it. `subject` names the image in messages: "fixed image". Throws
/// Error(not_possible) for several components or frames, fewer than 4 voxels along an axis, a mask on another grid or without voxels, no
/// finite value, and a constant image.
Prepared prepare(const Image& image, const Labels* mask, std::string_view subject, Run& run);

/// Means over blocks of whole voxels, as near to `spacing_mm` along each axis as whole numbers allow (never finer than the image); NaN
/// where less than half of a block is known.
Voxels<float> coarser(const VoxelView<float>& values, double spacing_mm, const Run& run);

}  // namespace gantry
