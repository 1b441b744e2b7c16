// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/mesh_kernel.h"

#include <bit>
#include <cmath>

#include "gantry/compute/simd.h"

// This file alone is compiled with contraction of a * b + c (docs/decisions/0005-networks-of-our-own.md).

namespace gantry::learning {

namespace {

using Lane = float __attribute__((vector_size(32)));
using LooseLane = float __attribute__((vector_size(32), aligned(4), may_alias));
constexpr int lanes = 8, vectors = static_cast<int>(tile) / lanes;

/// Accumulators of `Channels` rows stay in registers while all rows and taps go by. `Taps` 0 = as many as told.
template <int Channels, int Taps>
[[gnu::always_inline]] inline void convolve_block(std::span<const MeshRow> rows, int told, int dilation, const float* bias,
                                                  float* const* outputs, std::int64_t count) {
  const int taps = Taps == 0 ? told : Taps;
  const std::int64_t before = std::int64_t{taps / 2} * dilation;
  for (std::int64_t x = 0; x < count; x += tile) {
    Lane sums[Channels][vectors];
#pragma GCC unroll 8
    for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) sums[c][v] = Lane{} + bias[c];
    for (const MeshRow& row : rows) {
      const float* values = row.values + x - before;
      const float* weights = row.weights;
#pragma GCC unroll 3
      for (int t = 0; t < taps; ++t, values += dilation, weights += Channels) {
        Lane input[vectors];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) input[v] = *reinterpret_cast<const LooseLane*>(values + v * lanes);
#pragma GCC unroll 8
        for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v) sums[c][v] += weights[c] * input[v];
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) *reinterpret_cast<LooseLane*>(outputs[c] + x + v * lanes) = sums[c][v];
  }
}

template <int Taps>
[[gnu::always_inline]] inline void convolve_channels(std::span<const MeshRow> rows, int taps, int dilation, std::span<const float> bias,
                                                     float* const* outputs, std::int64_t count) {
  switch (bias.size()) {
    case 1:
      return convolve_block<1, Taps>(rows, taps, dilation, bias.data(), outputs, count);
    case 2:
      return convolve_block<2, Taps>(rows, taps, dilation, bias.data(), outputs, count);
    case 3:
      return convolve_block<3, Taps>(rows, taps, dilation, bias.data(), outputs, count);
    case 4:
      return convolve_block<4, Taps>(rows, taps, dilation, bias.data(), outputs, count);
    case 5:
      return convolve_block<5, Taps>(rows, taps, dilation, bias.data(), outputs, count);
    default:
      return convolve_block<6, Taps>(rows, taps, dilation, bias.data(), outputs, count);
  }
}

/// exp(x) for x <= 0: 2^n times a polynomial on |r| <= ln 2 / 2 (coefficients of Cephes' expf); relative error below 2e-7.
[[gnu::always_inline]] inline float exponential(float x) {
  const float clamped = x < -87.0F ? -87.0F : x;
  const float n = (clamped * 1.44269504F + 12582912.0F) - 12582912.0F;
  const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  return p * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

/// erf(x) for x >= 0 by Abramowitz and Stegun 7.1.28; absolute error below 3e-7 before rounding.
[[gnu::always_inline]] inline float error_function(float x) {
  float p = 4.30638e-5F;
  p = p * x + 2.765672e-4F;
  p = p * x + 1.520143e-4F;
  p = p * x + 9.2705272e-3F;
  p = p * x + 4.22820123e-2F;
  p = p * x + 7.05230784e-2F;
  p = p * x + 1.0F;
  p *= p;
  p *= p;
  p *= p;
  p *= p;
  return 1.0F - 1.0F / p;
}

GANTRY_SIMD void scale_row(float* values, std::int64_t count, float scale, float shift) {
  for (std::int64_t x = 0; x < count; ++x) values[x] = values[x] * scale + shift;
}
GANTRY_SIMD void relu_row(float* values, std::int64_t count, float scale, float shift) {
  for (std::int64_t x = 0; x < count; ++x) {
    const float v = values[x] * scale + shift;
    values[x] = v > 0 ? v : 0.0F;
  }
}
GANTRY_SIMD void elu_row(float* values, std::int64_t count, float scale, float shift) {
  for (std::int64_t x = 0; x < count; ++x) {
    const float v = values[x] * scale + shift;
    const float below = exponential(v < 0 ? v : 0.0F) - 1.0F;
    values[x] = v > 0 ? v : below;
  }
}
GANTRY_SIMD void gelu_row(float* values, std::int64_t count, float scale, float shift) {
  for (std::int64_t x = 0; x < count; ++x) {
    const float v = values[x] * scale + shift;
    const float size = (v < 0 ? -v : v) * 0.707106781F;
    // Beyond 5 the error function is 1 in single precision.
    const float e = error_function(size < 5.0F ? size : 5.0F);
    values[x] = 0.5F * v * (1.0F + (v < 0 ? -e : e));
  }
}

}  // namespace

GANTRY_SIMD void convolve_row(std::span<const MeshRow> rows, int taps, int dilation, std::span<const float> bias, float* const* outputs,
                              std::int64_t count) {
  if (taps == 3)
    convolve_channels<3>(rows, taps, dilation, bias, outputs, count);
  else if (taps == 1)
    convolve_channels<1>(rows, taps, dilation, bias, outputs, count);
  else
    convolve_channels<0>(rows, taps, dilation, bias, outputs, count);
}

void activate_row(float* values, std::int64_t count, float scale, float shift, bundle::Activation activation) {
  switch (activation) {
    case bundle::Activation::linear:
      if (scale != 1 || shift != 0) scale_row(values, count, scale, shift);
      return;
    case bundle::Activation::relu:
      return relu_row(values, count, scale, shift);
    case bundle::Activation::elu:
      return elu_row(values, count, scale, shift);
    case bundle::Activation::gelu:
      return gelu_row(values, count, scale, shift);
  }
}

GANTRY_SIMD Moments moments_of_row(const float* values, std::int64_t count) {
  double sums[lanes] = {}, squares[lanes] = {};
  std::int64_t x = 0;
  for (; x + lanes <= count; x += lanes)
    for (int l = 0; l < lanes; ++l) {
      const double v = values[x + l];
      sums[l] += v;
      squares[l] += v * v;
    }
  for (; x < count; ++x) {
    const double v = values[x];
    sums[0] += v;
    squares[0] += v * v;
  }
  Moments moments;
  for (int l = 0; l < lanes; ++l) {
    moments.sum += sums[l];
    moments.squares += squares[l];
  }
  return moments;
}

}  // namespace gantry::learning
