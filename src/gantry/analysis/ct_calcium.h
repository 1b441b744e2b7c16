// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/analysis/ct_heart.h"
#include "gantry/analysis/ct_maps.h"

namespace gantry::analysis {

/// HU from which on a voxel counts as calcium (Agatston et al. 1990).
constexpr float calcium_hu = 130;
/// Least area in mm^2 of a lesion in one slice.
constexpr double least_calcium_mm2 = 1.0;

/// Agatston score of the voxels under `mask`: in each slice (axis k) the areas of the lesions, groups of pixels of `calcium_hu` and more
/// that touch by edge or corner and cover at least `least_calcium_mm2`, times 1, 2, 3 or 4 for a maximum from 130, 200, 300 or 400 HU on;
/// the sum over the slices times slice spacing / 3 mm, because the score was defined on contiguous slices of 3 mm (Agatston et al. 1990,
/// doi:10.1016/0735-1097(90)90282-T; scaled as by Ohnesorge et al. 2002, doi:10.1007/s00330-002-1394-2, and McCollough et al. 2007,
/// doi:10.1148/radiol.2432050808). Throws Error(not_possible) for unevenly spaced slices or a mask on another grid.
double agatston_score(const Image& image, const MaskView& mask, const Run& run);

/// One calcification.
struct CalciumLesion {
  Vec3 position_mm;
  double volume_ml = 0;  ///< of its voxels of `calcium_hu` and more
  float peak_hu = 0;
};

/// What was found in the heart.
struct Calcium {
  std::vector<CalciumLesion> lesions;  ///< largest first
  Mask mask;                           ///< on the grid of the image
  double volume_ml = 0, half_voxel_ml = 0;
};

/// Calcifications of a located heart: groups of voxels (touching by face, edge or corner) of 130 HU and more, two thirds of which lie
/// inside `heart` (a mask on the grid of the image) and which cover `least_calcium_mm2` in a slice. Bone and the walls of vessels outside
/// belong to groups that lie elsewhere for the most part. A group must also exceed the blood by four times the noise somewhere. Cost: one
/// pass over the heart's box.
Calcium find_calcium(const Image& image, const MaskView& heart, double blood_hu, double noise_hu, const Run& run);

/// Whether calcium can be measured in this scan, and whether the Agatston score can be given; otherwise why not.
struct CalciumProtocol {
  bool volume = false, score = false;
  Words volume_reason, score_reason;
  bool gated = false;
};
/// `protocol` as in the header; `blood_hu` and `noise_hu` measured. A score needs a scan without contrast agent, 120 kVp, axial slices
/// of 2.5 to 3 mm and noise of at most 30 HU.
CalciumProtocol calcium_protocol(const CtProtocol& protocol, const Grid& grid, double blood_hu, double noise_hu);

}  // namespace gantry::analysis
