// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/volume/filters.h"

namespace gantry {

/// 1 where one volume of any real type is not zero; NaN counts as zero. Throws Error(not_possible) for several components or frames and
/// for complex images.
Mask mask_of(const Image& image, const Run& run);
/// 1 where `lower` <= value <= `upper`; NaN is outside.
Mask mask_between(const VoxelView<float>& image, float lower, float upper, const Run& run);

}  // namespace gantry
