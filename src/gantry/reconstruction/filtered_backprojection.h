// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/reconstruction/beam.h"
#include "gantry/reconstruction/ramp.h"

namespace gantry {

/// What the values of a CT slice mean: linear attenuation in 1/mm, or Hounsfield units.
enum class AttenuationUnit { attenuation, hu };
constexpr std::array<std::pair<AttenuationUnit, std::string_view>, 2> choices_of(AttenuationUnit) {
  return {{{AttenuationUnit::attenuation, "attenuation"}, {AttenuationUnit::hu, "hu"}}};
}

/// Reconstructs slices from their projections by filtered back-projection: parallel rays, or a fan beam on a flat detector over a full
/// turn. Axes of `projections`: detector column, view, slice; values: line integrals. f32 result in 1/mm or HU. Cost: the slices, and one
/// filtered copy of the projections. Reference page: reconstruction.fbp.
struct FilteredBackprojection {
  reconstruction::BeamParameters scan;
  reconstruction::RampWindow filter = reconstruction::RampWindow::ram_lak;
  std::optional<double> centre;  ///< detector column of the axis
  bool find_centre = false;      ///< by the centres of mass of the views, instead
  int size = 0;                  ///< pixels a side; 0: as many as columns
  double pixel = 0;              ///< mm; 0: a detector element scaled to the axis
  AttenuationUnit unit = AttenuationUnit::attenuation;
  double water = 0.0193;  ///< 1/mm, at 70 keV

  Image operator()(const Image& projections, const Image* angles, Run& run) const;
  Cost cost(const Image& projections, const Image* angles) const;
  static void describe(Description<FilteredBackprojection>& d);
};

}  // namespace gantry
