// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "gantry/base/error.h"
#include "gantry/image/image.h"
#include "gantry/volume/filters.h"

namespace gantry {

/// Throws Error(not_possible) unless the view holds one component and one frame: the kernels of this folder work on one scalar
/// volume; callers split others.
template <class T>
void require_volume(const VoxelView<T>& view, std::string_view subject) {
  if (view.empty()) throw Error(ErrorCode::not_possible, fmt::format("{}: must not be empty", subject));
  if (view.components() != 1 || view.frames() != 1) {
    throw Error(ErrorCode::not_possible, fmt::format("{}: must have one component and one frame; got {} components and {} frames", subject,
                                                     view.components(), view.frames()));
  }
}

/// The index inside [0, n) that stands for index i, or -1 where the border is zero. `mirror` repeats the edge voxel: c b a | a b c.
inline std::int64_t border_index(std::int64_t i, std::int64_t n, Border border) {
  if (i >= 0 && i < n) return i;
  if (border == Border::zero) return -1;
  if (border == Border::nearest) return i < 0 ? 0 : n - 1;
  const std::int64_t period = 2 * n;
  const std::int64_t m = ((i % period) + period) % period;
  return m < n ? m : period - 1 - m;
}

}  // namespace gantry
