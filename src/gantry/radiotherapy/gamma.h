// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"

namespace gantry {

/// Compares two dose distributions by the gamma index. Reference page: radiotherapy.gamma.
struct DoseGamma {
  double dose_percent = 3;
  double distance_mm = 3;
  double threshold_percent = 10;
  bool local = false;
  std::optional<double> normalization;
  double maximum = 2;

  struct Result {
    /// {"pass_rate_percent", "judged", "below_threshold", "outside", "mean", "median", "percentile_95", "maximum", "criteria": {...}}
    Json result;
    Image map;     ///< gamma on the grid of the reference; NaN where not judged
    Image figure;  ///< RGB: both doses and the map, in the slice with the most failing points
  };
  /// Throws Error(not_possible) for planes that do not fit, several frames, doses that are not finite, and when no point can be judged.
  Result operator()(const Image& reference, const Image& evaluated, Run& run) const;
  static void describe(Description<DoseGamma>& d);
};

}  // namespace gantry
