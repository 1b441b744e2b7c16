// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <cstring>

namespace gantry {

inline std::uint64_t load64(const std::uint8_t* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

inline bool has_zero_byte(std::uint64_t word) { return ((word - 0x0101010101010101ULL) & ~word & 0x8080808080808080ULL) != 0; }

/// The first place from i on whose byte is not zero (is zero); n when there is none.
inline std::int64_t skip_zeros(const std::uint8_t* row, std::int64_t i, std::int64_t n) {
  while (i + 8 <= n && load64(row + i) == 0) i += 8;
  while (i < n && row[i] == 0) ++i;
  return i;
}

inline std::int64_t skip_non_zeros(const std::uint8_t* row, std::int64_t i, std::int64_t n) {
  while (i + 8 <= n && !has_zero_byte(load64(row + i))) i += 8;
  while (i < n && row[i] != 0) ++i;
  return i;
}

}  // namespace gantry
