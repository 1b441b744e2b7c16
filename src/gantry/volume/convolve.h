// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <vector>

namespace gantry {

/// Samples of a Gaussian and its derivatives at whole voxels 0 to r, r = ceil(4 sigma): smoothing sums to 1 over -r..r; the
/// derivatives give the exact first and second derivative of a quadratic. The smoothing and second taps are even, the first odd.
struct GaussianTaps {
  std::vector<float> smooth, first, second;
  std::int64_t radius() const { return static_cast<std::int64_t>(smooth.size()) - 1; }
};
GaussianTaps gaussian_taps(double sigma_voxels);

/// out[i] = taps[0] rows[0][i] + sum_t taps[t] (rows[-t][i] + rows[t][i]) for i in [0, n); `rows` points at the centre row.
void convolve_even(const float* const* rows, const float* taps, std::int64_t radius, float* out, std::int64_t n);
/// out[i] = sum_t taps[t] (rows[-t][i] - rows[t][i]): a convolution with odd taps.
void convolve_odd(const float* const* rows, const float* taps, std::int64_t radius, float* out, std::int64_t n);

}  // namespace gantry
