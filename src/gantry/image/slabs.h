// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "gantry/image/image.h"

namespace gantry {

/// An image that is made slab by slab on demand, so that it never lies in memory as a whole.
struct SlabSource {
  Grid grid;
  PixelType type = PixelType::u8;
  int components = 1;
  std::int64_t frames = 1;
  /// Fills `out` with `count` slices from `first` on, in the memory order of an Image; slices of all frames are numbered through. Several
  /// threads may call it at once. False when a value does not fit into `type`: the whole image has to be made instead.
  std::function<bool(std::int64_t first, std::int64_t count, std::span<std::byte> out)> read;

  std::size_t slice_bytes() const { return static_cast<std::size_t>(grid.size(0) * grid.size(1) * components) * bytes_of(type); }
  std::int64_t slices() const { return grid.size(2) * frames; }
};

}  // namespace gantry
