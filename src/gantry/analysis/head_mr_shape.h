// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/head_mr_tissue.h"

namespace gantry::analysis {

/// The plane about which the head mirrors itself best. `normal` points to the patient's left.
struct MidPlane {
  Vec3 point_mm;
  Vec3 normal{1, 0, 0};
  double correlation = 0;  ///< of the image with its mirror image, 0 to 1
  /// Signed distance: positive on the patient's left.
  double side_mm(Vec3 world_mm) const { return dot(world_mm - point_mm, normal); }
};

/// Finds the mid-sagittal plane by the correlation of the evened image inside the intracranial space with its mirror image: rotations
/// up to 24 degrees and shifts up to 12 mm from the middle of the space, on a grid and then refined. About half a second.
MidPlane find_mid_plane(const BrainExtraction& brain, const Run& run);

/// Fluid of the lateral and third ventricles: wide fluid deep inside the brain on both sides of the mid-plane and what hangs on it there.
/// The fourth ventricle and the cisterns are not part of it. Empty when there is none.
Mask find_ventricles(const TissueMaps& tissue, const MaskView& space, const MidPlane& plane, const Run& run);

/// Volumes on the two sides of the mid-plane in mL.
struct Sides {
  double left_ml = 0, right_ml = 0;
  /// 100 (left - right) / mean of both; 0 when both are empty.
  double asymmetry_percent() const;
};
/// Shares from 0 to 255 (or a mask of 0 and 1 with `full` 1), summed on each side.
Sides split_sides(const VoxelView<std::uint8_t>& shares, double full, const MidPlane& plane, const Run& run);

/// Surface of a mask in mm^2: faces between inside and outside, times 2/3 for the staircase (exact on average over directions).
double surface_mm2(const MaskView& mask);

}  // namespace gantry::analysis
