// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gantry/visualization/canvas.h"

namespace gantry {

/// Smooth closed outlines of the non-zero pixels of a mask (width x height, i fastest), in pixel coordinates (pixel centres are whole
/// numbers). Rows and columns of unequal spacing are brought to equal spacing by interpolating signed distances along the finer
/// direction (Raya and Udupa, IEEE TMI 9:32, 1990), then the mask is smoothed by one pixel and followed at the half level (marching
/// squares) and rounded (Chaikin). Regions too small to survive the smoothing keep their pixels. Holes are polygons of their own:
/// fill by the even-odd rule.
std::vector<Polyline> outline(std::span<const std::uint8_t> mask, int width, int height, double spacing_u_mm, double spacing_v_mm);

/// Isolines of a field at `level` (marching squares with linear interpolation; what lies outside is below the level).
std::vector<Polyline> isolines(std::span<const float> field, int width, int height, float level);

}  // namespace gantry
