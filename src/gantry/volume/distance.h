// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/volume/filters.h"

namespace gantry {

/// Squared distance in mm^2 to the nearest voxel centre whose mask value is not zero (with `to_background`: is zero); infinity when
/// there is none. `rooted` takes the square root on the way out.
Voxels<float> squared_distance(const MaskView& mask, bool to_background, bool rooted, const Run& run);

}  // namespace gantry
