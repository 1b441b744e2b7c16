// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <vector>

#include "gantry/volume/filters.h"

namespace gantry {

/// What a kernel along one axis sees: `rows[p]` for p in [0, length + 2 margin) is the p-th sample of `width` neighbouring lines,
/// border samples included (rows[margin] is the first of the image). The kernel writes the samples of the image to `out`, `length` rows
/// of `width` values.
struct Lines {
  const float* const* rows;
  std::int64_t length, width;
  float* out;
};

/// Runs `kernel` over all lines of `image` along `axis`, in place, with `margin` samples of `border` on both sides. The lines of one
/// call lie beside each other, so that the kernel works on whole vectors even along i.
void for_each_lines(Voxels<float>& image, int axis, std::int64_t margin, Border border, const Run& run,
                    const std::function<void(const Lines&)>& kernel);

}  // namespace gantry
