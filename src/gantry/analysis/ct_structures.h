// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/ct_working.h"

namespace gantry::analysis {

/// The patient without table, clothes and air around: largest parts above -300 HU after an opening of 3 mm, holes filled slice by slice.
/// `hu` on working axes. An air region at the border of a cropped image that looks like lung is added.
Mask find_body(const WorkingVolume& volume, const Run& run);

/// Trachea and bronchi, grown from a chain of round, dark, nearly vertical spots at or above the lungs; the threshold rises until the
/// region explodes into the lung. Empty mask when no trachea is in view.
struct Airways {
  Mask lumen;
  double threshold_hu = 0;
  bool found = false;
};
Airways find_airways(const WorkingVolume& volume, const MaskView& body, const Run& run);

/// The two lungs on working axes.
struct Lungs {
  Voxels<std::uint8_t> side;  ///< 0 none, 1 left, 2 right: air-filled tissue, vessels and nodules inside, bronchi of the lung inside
  Mask air_filled;            ///< what of it lies below the threshold
  double threshold_hu = -400;
  bool left = false, right = false;
  bool left_incomplete = false, right_incomplete = false;  ///< reaches the edge of what was measured
  bool side_certain = true;                                ///< false when only one lung is in view and nothing tells its side
};
Lungs find_lungs(const WorkingVolume& volume, const MaskView& body, const Airways& airways, const Run& run);

/// One lung with its vessels, nodules and bronchi: closing by a ball of `radius_mm`, with the holes of the dilated lung filled too.
Mask closed_lung(const MaskView& lung, double radius_mm, const Run& run);

/// Zero crossing field of one label for `mask_from_field`: positive inside. Boundaries between lung and soft tissue lie where the HU cross
/// the threshold between voxels; filled vessels and nodules keep the boundary half way to the next voxel outside.
Voxels<float> lung_field(const WorkingVolume& volume, const Lungs& lungs, int side);
/// The same for a mask whose boundary is a crossing of `threshold_hu`; `inside_below` tells on which side of it the structure lies.
Voxels<float> threshold_field(const WorkingVolume& volume, const MaskView& mask, double threshold_hu, bool inside_below);

}  // namespace gantry::analysis
