// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/reconstruction/filtered_backprojection.h"

namespace gantry {

/// Takes parallel or fan-beam projections of a volume, slice by slice: line integrals of attenuation, the axis of rotation in the middle of
/// the slice; with `photons`, the counts of each ray are drawn from Poisson's distribution and turned back into line integrals. Axes of the
/// f32 result: detector column, view, slice. Cost: the projections. Reference page: simulation.project.
struct ProjectionScan {
  reconstruction::BeamParameters scan{.angle_range = 180};
  int views = 360;
  int columns = 0;     ///< 0: as many as pixels along the slice's diagonal
  double element = 0;  ///< mm; 0: a pixel, scaled to the detector
  AttenuationUnit unit = AttenuationUnit::hu;
  double water = 0.0193;  ///< 1/mm, at 70 keV
  double photons = 0;     ///< of a ray without attenuation; 0: no noise

  Image operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<ProjectionScan>& d);
};

}  // namespace gantry
