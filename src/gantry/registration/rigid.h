// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/volume/resample.h"

namespace gantry {

/// Brings a moving volume into place by a rotation and a shift. Reference page: registration.rigid.
struct RigidRegistration {
  double finest = 1;
  int samples = 200000;
  bool far = true;
  Interpolation interpolation = Interpolation::linear;
  std::optional<double> outside;

  struct Result {
    Image registered;     ///< the moving image on the fixed grid
    Transform transform;  ///< moving_from_fixed
    /// {"rotation_degrees", "shift_mm", "mutual_information", "first_mutual_information", "overlap", "evaluations"}
    Json report;
  };
  /// Throws Error(not_possible) for what is no volume, constant images, masks that do not fit and images that do not overlap.
  Result operator()(const Image& fixed, const Image& moving, const Labels* fixed_mask, const Labels* moving_mask, const Transform* initial,
                    Run& run) const;
  Cost cost(const Image& fixed, const Image& moving, const Labels* fixed_mask, const Labels* moving_mask, const Transform* initial) const;
  static void describe(Description<RigidRegistration>& d);
};

}  // namespace gantry
