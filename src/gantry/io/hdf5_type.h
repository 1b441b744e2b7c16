// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/io/hdf5.h"

namespace gantry::io::hdf5 {

/// Parses a datatype message from `body` at `offset`, which then points behind it. At most 8 levels and 1000 members. Throws
/// Error(unreadable) for damage.
Type parse_type(std::span<const std::byte> body, std::size_t& offset, int depth = 0);

}  // namespace gantry::io::hdf5
