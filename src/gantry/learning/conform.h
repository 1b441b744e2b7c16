// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/run.h"
#include "gantry/bundle/network.h"
#include "gantry/image/image.h"

namespace gantry::learning {

/// The grid on which networks for heads expect an image: `size` voxels of 1 mm about the middle of `grid`, axes i to the patient's left, j
/// to inferior, k to anterior, as FreeSurfer's `mri_convert --conform` has it.
Grid conformed_grid(const Grid& grid, const Size3& size);

/// The image on its conformed grid, in whole numbers 0 to 255: linear interpolation, 0 outside; the lowest value becomes 0 and the one that
/// a thousandth of the voxels that are not 0 exceed becomes 255 (FreeSurfer's histogram of 1000 bins). An 8-bit image that has such a grid
/// already is taken as it is. Values that are not finite count as 0. Throws Error(not_possible) for several components or frames, for an
/// image without contrast and for one of which less than a thousandth lies within the grid.
Voxels<float> conformed(const Image& image, const Size3& size, const Run& run);

/// Brings the values to the range that a network was trained with: (value - low) / (high - low), where low and high are the stated
/// quantiles (linear interpolation between neighbours in order). Throws Error(not_possible) when they are equal.
void scale_to_range(Voxels<float>& volume, const bundle::InputRange& range, const Run& run);

/// The value below which the fraction `share` of the values lie, between neighbours in order linearly; 0 for no values.
double quantile(std::span<const float> values, double share);

}  // namespace gantry::learning
