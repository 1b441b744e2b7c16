// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/image.h"

namespace gantry {

/// What a picture file shows of an image: the middle slice of its first frame as 8-bit grey in a window from the 0.5 to the 99.5
/// percentile; 8- and 16-bit 2-D images and RGB stay as they are. Throws Error(not_possible) for other colour.
Image picture_of(const Image& image);

}  // namespace gantry
