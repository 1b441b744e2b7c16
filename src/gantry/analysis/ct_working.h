// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/volume/filters.h"

namespace gantry::analysis {

/// HU at or below this are no measurement: what scanners write outside the reconstructed circle.
constexpr float padding_hu = -1500;

/// A CT on the grid on which structures are found: axes i, j, k towards +L, +P, +S (within 15 degrees), block means of the original.
struct WorkingVolume {
  Voxels<float> hu;   ///< padding replaced by -1000
  Mask padding;       ///< 1 where the scanner measured nothing
  double air_hu = 0;  ///< median of the air around the patient; -1000 where there is none in view
};

/// Shrinks by whole factors until voxels are as near to `target_mm` as they get without exceeding it; strongly oblique volumes are
/// resampled to world axes. Cost: one pass over the image; scratch of 8 bytes a working voxel.
WorkingVolume working_volume(const Image& image, double target_mm, const Run& run);

/// Where `field` (on a working grid) interpolates linearly to more than 0, as a mask on `target`; 0 outside the field's grid (half a
/// working voxel beyond its outermost centres still belongs to it).
Mask mask_from_field(const VoxelView<float>& field, const Grid& target, const Run& run);

/// Box of voxels [begin, end) of `target` that covers the world box of working voxels [begin, end) of `grid`.
struct VoxelBox {
  Size3 begin{0, 0, 0}, end{0, 0, 0};
  bool empty() const { return begin[0] >= end[0] || begin[1] >= end[1] || begin[2] >= end[2]; }
};
VoxelBox box_on(const Grid& target, const Grid& grid, const VoxelBox& box);
/// Bounding box of the voxels that are not 0, widened by `margin` voxels inside the grid; empty for an empty mask.
VoxelBox bounding_box(const MaskView& mask, std::int64_t margin);

/// Volume of a mask in mL, non-uniform slices honoured by their mean step.
double volume_ml(const MaskView& mask);

}  // namespace gantry::analysis
