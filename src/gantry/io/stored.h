// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "gantry/image/image.h"
#include "gantry/io/input_file.h"

namespace gantry::io {

/// Scalar type of the values in a file. i64, u64 and f16 are no pixel types: they are converted while they are read.
enum class StoredType : std::uint8_t { i8, u8, i16, u16, i32, u32, i64, u64, f16, f32, f64, c64, c128 };

std::string_view name_of(StoredType type);
std::size_t bytes_of(StoredType type);
StoredType stored_type_of(PixelType type);

/// How the values of an image lie in a file.
struct StoredLayout {
  StoredType type = StoredType::u8;
  bool big_endian = false;
  int components = 1;
  std::int64_t frames = 1;
  /// Distance of neighbours in values along component, i, j, k, frame; empty = as in `Image` (component fastest, then i, j, k, frame).
  std::optional<std::array<std::int64_t, 5>> strides;
  double slope = 1.0, intercept = 0.0;  ///< value = stored * slope + intercept
};

/// Number of bytes that the values of `grid` take in a file. Throws Error(unreadable) beyond 2^43.
std::uint64_t stored_bytes(const StoredLayout& layout, const Grid& grid);

/// An image out of a file's values: `fill` writes all bytes of the values, in file order, into the memory given. Values that need no
/// conversion are filled in without a copy. A scaling other than (1, 0) makes real types f32 (f64 stays); i64 and u64 become i32, u32 or
/// f64, whichever holds every value exactly, else Error(refused).
Image load_image(const StoredLayout& layout, const Grid& grid, const std::function<void(std::span<std::byte>)>& fill, Run& run);

/// The image's values with the components slowest: all values of component 0 (i, j, k, frame), then those of component 1, and so on.
Scratch planes_of(const Image& image, Run& run);

/// Reads whitespace-separated numbers into native-endian values of `type`. Throws Error(unreadable) when there are too few.
void parse_ascii_values(std::string_view text, StoredType type, std::span<std::byte> out);

}  // namespace gantry::io
