// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/codec/codec.h"

namespace gantry::codec {

inline const std::string root = "1.2.840.10008.1.2";

/// A picture of a bright ellipse on a slope with noise, in the given format: what an encoder meets.
inline Frame picture(FrameFormat format) {
  const auto cell = static_cast<std::size_t>(format.bits_allocated) / 8;
  const auto samples = static_cast<std::size_t>(format.samples_per_pixel);
  Frame frame{format, Bytes(static_cast<std::size_t>(format.rows) * static_cast<std::size_t>(format.columns) * samples * cell)};
  const Random random(5);
  const double high = static_cast<double>((std::int64_t{1} << (format.bits_stored - (format.is_signed ? 1 : 0))) - 1);
  const double low = format.is_signed ? -high - 1 : 0;
  for (std::size_t n = 0; n < frame.pixels.size() / cell; ++n) {
    const std::size_t pixel = n / samples;
    const double x = static_cast<double>(pixel % static_cast<std::size_t>(format.columns)) / format.columns - 0.5;
    const double y = static_cast<double>(pixel / static_cast<std::size_t>(format.columns)) / format.rows - 0.5;
    double value = 0.2 + 0.3 * (x + 0.5) + (x * x + 2 * y * y < 0.1 ? 0.3 : 0.0) + 0.1 * static_cast<double>(n % samples);
    value += 0.01 * random.normal(n);
    if (n == 7) value = 1;
    if (n == 8) value = 0;
    const auto stored = static_cast<std::int64_t>(std::lround(std::clamp(low + value * (high - low), low, high)));
    std::memcpy(frame.pixels.data() + n * cell, &stored, cell);
  }
  return frame;
}

}  // namespace gantry::codec
