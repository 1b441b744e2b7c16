// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>

#include "gantry/volume/filters.h"

namespace gantry {

/// Dilation (erosion) of a mask by the voxels whose squared distance is at most `limit_mm2`, with 64 voxels of a row to a word: quick while
/// the ball is small. Nothing when it is large or slices are not evenly spaced; distances do it then.
std::optional<Mask> morphology_by_words(const MaskView& mask, double limit_mm2, bool erosion, const Run& run);

}  // namespace gantry
