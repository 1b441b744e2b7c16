// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/files.h"
#include "gantry/image/image.h"

namespace gantry::io {

/// A u8 or u16 picture of 1 to 4 components as a PNG file; the same pixels give the same bytes. Throws Error(not_possible) for what PNG
/// cannot hold.
Bytes png_bytes(const Image& image);

}  // namespace gantry::io
