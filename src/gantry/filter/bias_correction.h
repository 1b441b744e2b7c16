// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/filter/bias_field.h"
#include "gantry/operation/description.h"

namespace gantry {

/// Takes the smooth multiplicative field off an MR image by N4. Reference page: filter.n4.
struct BiasCorrection {
  int levels = 4;
  int iterations = 50;
  double convergence = 1e-3;
  double working_spacing = 4;

  struct Result {
    Image corrected;  ///< f32
    Image field;      ///< the factor by which each voxel was too bright; mean of its logarithm over the mask 0
    Json result;      ///< {"iterations", "field_minimum", "field_maximum", "mask_voxels"}
  };
  /// Without a mask, what is brighter than Otsu's threshold. Throws Error(not_possible) for colour, several frames, values that are not
  /// finite, fewer than 64 usable voxels and a constant image, Error(parameter) for a mask on another grid.
  Result operator()(const Image& image, const Labels* mask, Run& run) const;
  Cost cost(const Image& image, const Labels* mask) const;
  static void describe(Description<BiasCorrection>& d);
};

}  // namespace gantry
