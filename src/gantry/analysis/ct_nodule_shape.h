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

/// What was found around a proposed centre before it is measured.
struct NoduleShape {
  Vec3 centre_voxel;
  double radius_mm = 0, threshold_hu = 0, core_hu = 0, background_hu = 0;
  bool halo = false;  ///< a shell of intermediate density around a denser core
  double open_share = 0, wall_share = 0, flatness = 1, score = 0;
  double through = 0, one_side = 0;  ///< as `Continuation`
  std::vector<float> ray_mm;
};

/// Looks at the surroundings of `at` (voxel of the cube, about `radius_mm` wide) along rays in all directions. Returns the shape when what
/// lies there is closed on all sides but a few and round enough. Few rays decide about most proposals.
std::optional<NoduleShape> nodule_shape(const LungCube& cube, Vec3 at, double radius_mm, const NoduleSearch& search);

/// Diameters, volume and density of a shape; nothing when they are outside what is searched.
std::optional<Nodule> measure_nodule(const LungCube& cube, const NoduleShape& shape, const NoduleSearch& search, const Run& run);

/// 48 directions, evenly spread.
const std::vector<Vec3>& few_directions();

/// Distance of a nodule's boundary from its centre in the direction `from_centre` (not normalised): inverse-distance mean of nearby rays.
double ray_radius(std::span<const float> ray_mm, Vec3 from_centre);

}  // namespace gantry::analysis
