// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <span>

#include "gantry/analysis/ct_nodules.h"

namespace gantry::analysis {

/// One lung on cubes.
struct LungCube {
  Voxels<float> hu;
  Mask inside;                  ///< 1 in the lung and in what a closing adds
  double background_hu = -850;  ///< median of the lung
  Vec3 sample_mm{1, 1, 1};      ///< distance of the original samples along each axis of the cubes
};

/// The lung of `side` (1 left, 2 right) on cubes of about 1 mm; `hu` is empty when there is none.
LungCube lung_cube(const Image& image, const WorkingVolume& volume, const Lungs& lungs, int side, const Run& run);

/// What was found around a proposed centre before it is measured.
struct NoduleShape {
  Vec3 centre_voxel;
  double radius_mm = 0, threshold_hu = 0, core_hu = 0, background_hu = 0;
  bool halo = false;      ///< a shell of intermediate density around a denser core
  double wall_share = 0;  ///< of the directions that end at the pleura
  std::vector<float> ray_mm;
};

/// The boundary of what lies around `at` (voxel of the cube, about `radius_mm` wide), by rays in all directions; where a vessel enters it
/// goes on as its neighbours do. Nothing when it stands out from the lung by less than 100 HU.
std::optional<NoduleShape> nodule_shape(const LungCube& cube, Vec3 at, double radius_mm, const NoduleSearch& search);

/// Diameters, volume and density of a shape; nothing when they are outside what is searched.
std::optional<Nodule> measure_nodule(const LungCube& cube, const NoduleShape& shape, const NoduleSearch& search, const Run& run);

/// 48 directions, evenly spread.
const std::vector<Vec3>& few_directions();

/// Distance of a nodule's boundary from its centre in the direction `from_centre` (not normalised): inverse-distance mean of nearby rays.
double ray_radius(std::span<const float> ray_mm, Vec3 from_centre);

}  // namespace gantry::analysis
