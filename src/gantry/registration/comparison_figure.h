// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/run.h"
#include "gantry/image/transform.h"

namespace gantry {

/// The values that are shown as black and white.
struct ValueRange {
  double low = 0, high = 1;
};

/// RGB, coronal through the middle of the volume: `before` and `after` in magenta over the fixed image in green (grey where they agree),
/// and on the fixed image in grey a lattice of 10 mm of the moving volume, where the field of `moving_from_fixed` has it. All lie on the
/// fixed grid.
Image comparison_figure(const Image& fixed, const ValueRange& fixed_range, const Image& before, const Image& after,
                        const ValueRange& moving_range, const Transform& moving_from_fixed, Run& run);

}  // namespace gantry
