// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>

#include "gantry/analysis/ct_nodule_sampler.h"

namespace gantry::analysis {

/// How much of a bright spot goes on beyond its ends. A vessel carries the same mass (contrast times area of the cross-section) all along;
/// partial volume in thick slices breaks it into beads but keeps that mass, while a nodule ends or goes on as a thinner vessel.
struct Continuation {
  double through = 0;   ///< of the weaker of two sides that lie more than 100 degrees apart, relative to the spot's own cross-section
  double one_side = 0;  ///< of the strongest side
};

/// `centre` in voxels; `ray_mm` as `Nodule::ray_mm`; `sample_mm`: spacing of the original samples along the axes of the cubes.
/// Voxels that are not inside the lung carry nothing. Cost: about 20,000 samples.
Continuation continuation(const CubeSampler& sampler, Vec3 centre, std::span<const float> ray_mm, double radius_mm, double core_hu,
                          double background_hu, Vec3 sample_mm);

}  // namespace gantry::analysis
