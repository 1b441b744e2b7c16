// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/image.h"

namespace gantry {

/// Marks voxels of type T in memory that somebody else owns, such as a NumPy array: an Image made of them shares that memory.
template <class T>
struct Borrowed {};

template <class T>
struct PixelTypeOf<Borrowed<T>> {
  static constexpr auto value = PixelTypeOf<T>::value;
};

/// Voxels whose memory `data` keeps alive. The owner must not change it while an Image of it is in use.
template <class T>
class Voxels<Borrowed<T>> {
 public:
  Voxels() = default;
  Voxels(Grid grid, int components, std::int64_t frames, std::shared_ptr<const T> data)
      : grid_(std::move(grid)), components_(components), frames_(frames), data_(std::move(data)) {}

 private:
  friend class Image;
  Grid grid_;
  int components_ = 1;
  std::int64_t frames_ = 1;
  std::shared_ptr<const T> data_;
};

}  // namespace gantry
