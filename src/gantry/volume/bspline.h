// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>

#include "gantry/volume/filters.h"

namespace gantry {

/// Coefficients of the cubic B-spline that passes through every sample, whole-sample symmetric ends (pole sqrt(3) - 2, gain 6 per axis;
/// Unser, Aldroubi and Eden 1993). One volume.
Voxels<float> bspline_coefficients(const VoxelView<float>& image, const Run& run);

/// Weights of the coefficients at floor(p) - 1 to floor(p) + 2 for the fraction f = p - floor(p).
template <class T>
std::array<T, 4> bspline_weights(T f) {
  const T g = 1 - f;
  return {g * g * g / 6, (4 - 6 * f * f + 3 * f * f * f) / 6, (4 - 6 * g * g + 3 * g * g * g) / 6, f * f * f / 6};
}

/// Index inside [0, n) of sample i of a line that is reflected about its end samples: c b | a b c | b a.
inline std::int64_t whole_sample_index(std::int64_t i, std::int64_t n) {
  if (n == 1) return 0;
  const std::int64_t period = 2 * n - 2;
  const std::int64_t m = ((i % period) + period) % period;
  return m < n ? m : period - m;
}

}  // namespace gantry
