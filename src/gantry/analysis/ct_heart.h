// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/ct_structures.h"
#include "gantry/report/document.h"

namespace gantry::analysis {

/// The heart with its pericardium and the fat inside, or why it was not located.
struct Heart {
  bool found = false;
  Words reason;            ///< when it was not found
  Voxels<float> field;     ///< on the working grid: mm inside the surface, negative outside; empty when it was not found
  Vec3 center_mm;          ///< world
  double blood_hu = 0;     ///< median of the inner half: about 40 without contrast agent
  double seen_share = 0;   ///< share of the surface that borders on lung and so was seen, the rest is its smooth continuation
  bool incomplete = false; /* the field of view cuts it */
};

/// Where the tracheal lumen divides, as a working slice; -1 when it is not in view.
std::int64_t carina_slice(const MaskView& lumen, const Run& run);

/// Bone as parts above 200 HU on the working grid that come near the skin or the border of the image somewhere: chambers and vessels
/// full of contrast agent do not; nor is there bone in the middle of the space between the lungs.
Mask find_bone(const WorkingVolume& volume, const MaskView& body, const Lungs& lungs, const Run& run);

/// Locates the heart between both lungs. Its centre is the point farthest from lung, airway and bone between the dome of the diaphragm and
/// the carina; from there 2000 rays run to the lungs. Its surface is the smooth star-shaped one (least squares with the second difference
/// on the sphere) that passes through the ends of those rays that stop near their neighbours; where lungs do not border on it (diaphragm,
/// great vessels, chest wall, spine) it is their smooth continuation, short of bone and 15 mm below the carina, no higher
/// above the centre than 1.1 times its median radius, and what is thinner than 32 mm is cut off. Needs both lungs. Cost: one distance
/// transform of the working grid, well under a second.
Heart find_heart(const WorkingVolume& volume, const MaskView& body, const Airways& airways, const Lungs& lungs, const Run& run);

}  // namespace gantry::analysis
