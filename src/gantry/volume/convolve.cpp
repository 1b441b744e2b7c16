// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/convolve.h"

#include "gantry/compute/simd.h"
#include "gantry/compute/vector.h"

namespace gantry {

GaussianTaps gaussian_taps(double sigma_voxels) {
  const auto radius = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(4 * sigma_voxels)));
  const auto count = static_cast<std::size_t>(radius + 1);
  std::vector<double> g(count), first(count), second(count);
  const double variance = sigma_voxels * sigma_voxels;
  double sum = 0;
  for (std::size_t t = 0; t < count; ++t) {
    const auto x = static_cast<double>(t);
    g[t] = t == 0 ? 1.0 : std::exp(-x * x / (2 * variance));
    sum += t == 0 ? g[t] : 2 * g[t];
  }
  double first_moment = 0, second_sum = 0, second_moment = 0;
  for (std::size_t t = 0; t < count; ++t) {
    const auto x = static_cast<double>(t);
    g[t] /= sum;
    first[t] = x * g[t];
    first_moment += 2 * x * first[t];
    second[t] = (x * x - variance) * g[t];
    second_sum += t == 0 ? second[t] : 2 * second[t];
  }
  for (std::size_t t = 0; t < count; ++t) {
    const auto x = static_cast<double>(t);
    second[t] -= second_sum * g[t];
    second_moment += x * x * second[t];  // both sides, halved
  }
  if (!(first_moment > 1e-12)) {  // narrower than the grid can show: central differences
    first.assign(count, 0);
    second.assign(count, 0);
    first[1] = 1;
    second[0] = -2;
    second[1] = 1;
    first_moment = 2;
    second_moment = 1;
  }
  GaussianTaps taps{std::vector<float>(count), std::vector<float>(count), std::vector<float>(count)};
  for (std::size_t t = 0; t < count; ++t) {
    taps.smooth[t] = static_cast<float>(g[t]);
    taps.first[t] = static_cast<float>(-first[t] / first_moment);
    taps.second[t] = static_cast<float>(second[t] / second_moment);
  }
  return taps;
}

GANTRY_SIMD void convolve_even(const float* const* rows, const float* taps, std::int64_t radius, float* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const float* c = rows[0] + i;
    Float8 a = load8(c) * taps[0], b = load8(c + 8) * taps[0], d = load8(c + 16) * taps[0], e = load8(c + 24) * taps[0];
    for (std::int64_t t = 1; t <= radius; ++t) {
      const float* l = rows[-t] + i;
      const float* r = rows[t] + i;
      const Float8 w = fill8(taps[t]);
      a += w * (load8(l) + load8(r));
      b += w * (load8(l + 8) + load8(r + 8));
      d += w * (load8(l + 16) + load8(r + 16));
      e += w * (load8(l + 24) + load8(r + 24));
    }
    store8(out + i, a);
    store8(out + i + 8, b);
    store8(out + i + 16, d);
    store8(out + i + 24, e);
  }
  for (; i < n; ++i) {
    float sum = rows[0][i] * taps[0];
    for (std::int64_t t = 1; t <= radius; ++t) sum += taps[t] * (rows[-t][i] + rows[t][i]);
    out[i] = sum;
  }
}

GANTRY_SIMD void convolve_odd(const float* const* rows, const float* taps, std::int64_t radius, float* out, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    Float8 a{}, b{};
    for (std::int64_t t = 1; t <= radius; ++t) {
      const float* l = rows[-t] + i;
      const float* r = rows[t] + i;
      const Float8 w = fill8(taps[t]);
      a += w * (load8(l) - load8(r));
      b += w * (load8(l + 8) - load8(r + 8));
    }
    store8(out + i, a);
    store8(out + i + 8, b);
  }
  for (; i < n; ++i) {
    float sum = 0;
    for (std::int64_t t = 1; t <= radius; ++t) sum += taps[t] * (rows[-t][i] - rows[t][i]);
    out[i] = sum;
  }
}

}  // namespace gantry
