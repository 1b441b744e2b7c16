// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/ct_maps.h"

namespace gantry::analysis {

/// Where a voxel of the body lies.
enum class BodyZone : std::uint8_t {
  outside,       ///< of the body
  subcutaneous,  ///< skin and what lies between it and the muscles
  wall,          ///< muscles and bones of the trunk and the fat between them
  inner          ///< inside the wall: chest and belly
};

/// The wall of the trunk on the working grid.
struct BodyWall {
  Voxels<std::uint8_t> zone;         ///< BodyZone; of slices without a closed wall `outside` or `subcutaneous` alone count
  Mask bone;                         ///< bones with marrow and spinal canal
  std::vector<std::uint8_t> closed;  ///< by working slice: whether the wall was found all around
  bool found() const;                ///< in at least 20 mm of the scan
};

/// Finds the wall of the trunk. Its outer surface closes muscles and bones over gaps of up to 24 mm, slice by slice with the holes filled.
/// Its inner surface, a distance from the middle by level and direction, passes through the inner side of ribs, sternum and spine, the
/// outer side of the lungs where they lie against it, and the border between a layer of muscle and fat inside it; between these it is their
/// Gaussian mean (5 degrees and 6 mm, or 12 degrees and 24 mm where evidence is sparse). A slice is closed when four fifths of the
/// directions have such evidence near by, it is at least 200 mm broad and lies more than 50 mm below the apex of the lungs, where the
/// shoulders begin. `bone` as of find_bone. Cost: four morphological passes over the working grid.
BodyWall find_body_wall(const WorkingVolume& volume, const MaskView& body, const Airways& airways, const Lungs& lungs, const MaskView& bone,
                        const Run& run);

/// HU of muscle (Aubrey et al. 2014, doi:10.1111/apha.12224).
constexpr float muscle_from_hu = -29, muscle_to_hu = 150;

/// Areas in cm^2 of one working slice.
struct SliceComposition {
  double z_mm = 0;
  bool closed = false, lung = false;  ///< lung: not below the base of the lungs
  double fat = 0, soft_tissue = 0, bone = 0;
  double muscle = 0, subcutaneous_fat = 0, inner_fat = 0;  ///< where the wall is closed
};
std::vector<SliceComposition> body_composition(const WorkingVolume& volume, const MaskView& body, const Lungs& lungs, const BodyWall& wall,
                                               const Run& run);

}  // namespace gantry::analysis
