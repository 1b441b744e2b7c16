// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/codec/codec.h"

namespace gantry::codec {

/// Converts a frame of YBR_FULL, YBR_FULL_422, YBR_ICT or YBR_RCT cells (PS3.3 C.7.6.3.1.2) to RGB in place and says so in its format;
/// leaves every other frame alone. A native YBR_FULL_422 frame (two luminance samples, then one pair of colour differences; four bytes
/// for two pixels) is recognised by its size. Throws Error(unreadable) for cells that are neither 8 nor 16 bits.
void convert_to_rgb(Frame& frame);

}  // namespace gantry::codec
