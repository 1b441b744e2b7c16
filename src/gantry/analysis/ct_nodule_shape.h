// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <span>

#include "gantry/analysis/ct_nodules.h"

namespace gantry::analysis {

/// What was found around a proposed centre before it is measured.
struct NoduleShape {
  Vec3 centre_voxel;
  double radius_mm = 0, threshold_hu = 0, core_hu = 0, background_hu = 0;
  bool halo = false;  ///< a shell of intermediate density around a denser core
  double open_share = 0, wall_share = 0, flatness = 1, score = 0;
  std::vector<float> ray_mm;
};

/// Looks at the surroundings of `at` (voxel of `hu`, about `radius_mm` wide) along rays in all directions. Returns the shape when what
/// lies there is closed on all sides but a few and round enough. Few rays decide about most proposals.
std::optional<NoduleShape> nodule_shape(const VoxelView<float>& hu, const MaskView& inside, Vec3 at, double radius_mm, double background_hu,
                                        const NoduleSearch& search);

/// Diameters, volume and density of a shape; nothing when they are outside what is searched.
std::optional<Nodule> measure_nodule(const VoxelView<float>& hu, const MaskView& inside, const NoduleShape& shape,
                                     const NoduleSearch& search);

/// Distance of a nodule's boundary from its centre in the direction `from_centre` (not normalised): inverse-distance mean of nearby rays.
double ray_radius(std::span<const float> ray_mm, Vec3 from_centre);

}  // namespace gantry::analysis
