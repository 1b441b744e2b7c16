// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <span>

#include "gantry/analysis/ct_nodules.h"

namespace gantry::analysis {

/// Looks at the surroundings of `at` (voxel of `hu`, about `radius_mm` wide) along rays in all directions. Returns the nodule when what
/// lies there is closed on all sides but a few, round enough and of the wanted size.
std::optional<Nodule> measure_nodule(const VoxelView<float>& hu, const MaskView& inside, Vec3 at, double radius_mm, double background_hu,
                                     const NoduleSearch& search);

/// Distance of a nodule's boundary from its centre in the direction `from_centre` (not normalised): inverse-distance mean of nearby rays.
double ray_radius(std::span<const float> ray_mm, Vec3 from_centre);

}  // namespace gantry::analysis
