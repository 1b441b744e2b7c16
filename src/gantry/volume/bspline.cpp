// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/bspline.h"

#include "gantry/compute/simd.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/lines.h"

namespace gantry {

namespace {

constexpr double pole = -0.26794919243112270647;  // sqrt(3) - 2
constexpr std::int64_t horizon = 24;              // pole^24 is below 2e-14

GANTRY_SIMD void add_multiple(const float* row, float factor, float* sum, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sum[i] += factor * row[i];
}

/// out = 6 in + pole before
GANTRY_SIMD void causal_step(const float* in, const float* before, float* out, std::int64_t n) {
  constexpr auto z = static_cast<float>(pole);
  for (std::int64_t i = 0; i < n; ++i) out[i] = 6.0F * in[i] + z * before[i];
}

/// out = pole (after - out)
GANTRY_SIMD void anticausal_step(const float* after, float* out, std::int64_t n) {
  constexpr auto z = static_cast<float>(pole);
  for (std::int64_t i = 0; i < n; ++i) out[i] = z * (after[i] - out[i]);
}

GANTRY_SIMD void anticausal_start(const float* before, float* out, std::int64_t n) {
  constexpr auto z = static_cast<float>(pole);
  constexpr auto factor = static_cast<float>(pole / (pole * pole - 1));
  for (std::int64_t i = 0; i < n; ++i) out[i] = factor * (out[i] + z * before[i]);
}

void filter_lines(const Lines& lines) {
  const std::int64_t n = lines.length;
  const std::int64_t w = lines.width;
  float* const out = lines.out;
  std::fill_n(out, w, 0.0F);
  if (n > horizon) {
    double power = 6;
    for (std::int64_t p = 0; p < horizon; ++p, power *= pole) add_multiple(lines.rows[p], static_cast<float>(power), out, w);
  } else {
    const double scale = 6 / (1 - std::pow(pole, 2 * n - 2));
    for (std::int64_t p = 0; p < n; ++p) {
      double factor = std::pow(pole, p);
      if (p > 0 && p < n - 1) factor += std::pow(pole, 2 * n - 2 - p);
      add_multiple(lines.rows[p], static_cast<float>(scale * factor), out, w);
    }
  }
  for (std::int64_t p = 1; p < n; ++p) causal_step(lines.rows[p], out + (p - 1) * w, out + p * w, w);
  anticausal_start(out + (n - 2) * w, out + (n - 1) * w, w);
  for (std::int64_t p = n - 2; p >= 0; --p) anticausal_step(out + (p + 1) * w, out + p * w, w);
}

}  // namespace

Voxels<float> bspline_coefficients(const VoxelView<float>& image, const Run& run) {
  require_volume(image, "image");
  Voxels<float> coefficients = image.clone();
  for (int axis = 0; axis < 3; ++axis) {
    if (image.grid().size(axis) > 1) for_each_lines(coefficients, axis, 0, Border::nearest, run, filter_lines);
  }
  return coefficients;
}

}  // namespace gantry
