// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/volume/resample.h"

namespace gantry {

/// Brings a moving volume into place by a free-form deformation of cubic B-splines. Reference page: registration.bspline.
struct SplineRegistration {
  double spacing = 8;
  std::optional<double> finest;
  double bending = 3;
  int iterations = 40;
  Interpolation interpolation = Interpolation::linear;
  std::optional<double> outside;

  struct Result {
    Image registered;     ///< the moving image on the fixed grid
    Transform transform;  ///< moving_from_fixed: the linear part and a field
    /// {"correlation", "first_correlation", "bending_energy", "smallest_jacobian", "folded_percent", "largest_displacement_mm",
    /// "linear": {...}, "levels", "evaluations"}
    Json report;
    Image figure;  ///< RGB: before, after, and the deformed lattice on the fixed image
  };
  /// Throws Error(not_possible) as rigid registration does.
  Result operator()(const Image& fixed, const Image& moving, const Labels* fixed_mask, const Labels* moving_mask, const Transform* initial,
                    Run& run) const;
  Cost cost(const Image& fixed, const Image& moving, const Labels* fixed_mask, const Labels* moving_mask, const Transform* initial) const;
  static void describe(Description<SplineRegistration>& d);
};

}  // namespace gantry
