// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdlib>
#include <cstring>
#include <string>

#include "gantry/base/error.h"
#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/io/io.h"

namespace gantry::io {

/// A grid with unequal sizes and spacings and oblique axes.
inline Grid oblique_grid(Size3 size) {
  const double a = 0.3, b = -0.2;
  const Vec3 x{std::cos(a), std::sin(a), 0};
  const Vec3 y = normalized(Vec3{-std::sin(a) * std::cos(b), std::cos(a) * std::cos(b), std::sin(b)});
  return Grid(size, {0.75, 1.25, 2.5}, {-12.5, 34.25, -100}, {{x, y, cross(x, y)}});
}

/// Values that cover the whole range of T, different everywhere.
template <class T>
Voxels<T> varied(Grid grid, int components = 1, std::int64_t frames = 1) {
  Voxels<T> voxels(std::move(grid), T{}, components, frames);
  const Random random(7);
  for (std::int64_t n = 0; n < voxels.count(); ++n) {
    const std::uint64_t bits = random.bits(static_cast<std::uint64_t>(n));
    if constexpr (std::is_integral_v<T>) {
      voxels[n] = static_cast<T>(bits);
    } else if constexpr (std::is_floating_point_v<T>) {
      voxels[n] = static_cast<T>(random.normal(static_cast<std::uint64_t>(n)) * 1000);
    } else {
      voxels[n] =
          T(static_cast<typename T::value_type>(random.normal(static_cast<std::uint64_t>(n))), static_cast<typename T::value_type>(n));
    }
  }
  return voxels;
}

inline void expect_same_values(const Image& found, const Image& expected) {
  ASSERT_EQ(found.type(), expected.type()) << name_of(found.type()) << " for " << name_of(expected.type());
  ASSERT_EQ(found.grid().size(), expected.grid().size());
  ASSERT_EQ(found.components(), expected.components());
  ASSERT_EQ(found.frames(), expected.frames());
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), expected.byte_count()), 0);
}

inline void expect_same_space(const Grid& found, const Grid& expected, double tolerance_mm = 1e-4) {
  EXPECT_TRUE(found.same_space(expected, tolerance_mm)) << found.orientation() << " for " << expected.orientation() << ", origin "
                                                        << found.origin_mm().x << ' ' << found.origin_mm().y << ' ' << found.origin_mm().z;
}

/// Sum of value n times (n modulo 997): depends on the order of the values.
inline double weighted_sum(const Image& image) {
  const auto values = image.as<double>();
  double sum = 0;
  for (std::int64_t n = 0; n < values.count(); ++n) sum += values[n] * static_cast<double>(n % 997);
  return sum;
}

}  // namespace gantry::io
