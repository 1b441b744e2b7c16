// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/reconstruction/beam.h"

namespace gantry {

/// Reconstructs activity from counts by expectation maximisation over ordered subsets of views (Hudson and Larkin 1994); with one subset it
/// is MLEM (Shepp and Vardi 1982). The model of a count is the line integral of activity, times exp(-attenuation) of the whole line for
/// coincidences (PET), by a projector and its exact adjoint. Axes of `projections`: detector column, view, slice; each slice on its own.
/// f32 result, not negative. Cost: some copies of one slice a thread. Reference page: reconstruction.osem.
struct OrderedSubsets {
  reconstruction::BeamParameters scan;
  std::optional<double> centre;  ///< detector column of the axis
  int size = 0;                  ///< pixels a side; 0: as many as columns, or those of `attenuation`
  double pixel = 0;              ///< mm; 0: a detector element, or that of `attenuation`
  int subsets = 1;
  int iterations = 10;

  Image operator()(const Image& projections, const Image* angles, const Image* attenuation, Run& run) const;
  Cost cost(const Image& projections, const Image* angles, const Image* attenuation) const;
  static void describe(Description<OrderedSubsets>& d);
};

}  // namespace gantry
