// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/io/stored.h"

namespace gantry::io::npy {

/// What the header of a NumPy array says, as an image: (x), (y, x), (z, y, x), (z, y, x, component) or (t, z, y, x, component).
struct Array {
  StoredLayout layout;
  Grid grid;
  std::size_t header_size = 0;
};

/// Parses the first bytes of a .npy file. Throws Error(unreadable) or, for arrays that are no images, Error(refused).
Array parse_array(std::span<const std::byte> head);
/// The header of the array that holds the image.
Bytes encode_header(const Image& image);

}  // namespace gantry::io::npy
