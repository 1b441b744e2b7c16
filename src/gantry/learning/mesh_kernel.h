// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <span>

#include "gantry/bundle/network.h"

namespace gantry::learning {

/// Values that a kernel computes at once: rows are stored in whole tiles.
constexpr std::int64_t tile = 16;
/// Output channels that a kernel computes at once, at most.
constexpr int most_channels_at_once = 6;

/// A row of the input and the weights that meet it: (taps, channels at once).
struct MeshRow {
  const float* values;
  const float* weights;
};

/// outputs[c][x] = bias[c] + sum over rows and taps t of weights[t][c] * values[x + (t - taps / 2) * dilation], for whole tiles up to
/// `count`. Outputs and rows must have room for whole tiles, rows also for the taps beyond their ends.
void convolve_row(std::span<const MeshRow> rows, int taps, int dilation, std::span<const float> bias, float* const* outputs,
                  std::int64_t count);

/// values = activation(values * scale + shift)
void activate_row(float* values, std::int64_t count, float scale, float shift, bundle::Activation activation);

/// Sum and sum of squares of the values, in an order that depends on `count` alone.
struct Moments {
  double sum = 0;
  double squares = 0;
};
Moments moments_of_row(const float* values, std::int64_t count);

}  // namespace gantry::learning
