// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <cstring>

#pragma GCC diagnostic ignored "-Wpsabi"  // every function here is inlined: no vector crosses a call

namespace gantry {

/// Eight floats that are worked on together: one AVX2 register, two SSE registers on the baseline. For use inside GANTRY_SIMD
/// functions where plain loops do not keep their sums in registers. Arithmetic and comparisons are those of the compiler's
/// vector types, lane by lane, so every instruction set gives the same bits.
using Float8 = float __attribute__((vector_size(32)));
using Int8 = std::int32_t __attribute__((vector_size(32)));

[[gnu::always_inline]] inline Float8 load8(const float* from) {
  Float8 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
[[gnu::always_inline]] inline void store8(float* to, const Float8& value) { std::memcpy(to, &value, sizeof value); }
[[gnu::always_inline]] inline Float8 fill8(float value) { return Float8{} + value; }
/// The smaller (larger) of each lane; b where either is NaN.
[[gnu::always_inline]] inline Float8 min8(const Float8& a, const Float8& b) { return a < b ? a : b; }
[[gnu::always_inline]] inline Float8 max8(const Float8& a, const Float8& b) { return a > b ? a : b; }

}  // namespace gantry
