// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>

#include "gantry/image/image.h"

namespace gantry {

/// A rearrangement of voxel axes: axis a of the result runs along axis `from[a]` of the source, backwards where `flipped[a]`.
struct AxisOrder {
  std::array<int, 3> from{0, 1, 2};
  std::array<bool, 3> flipped{false, false, false};
  bool identity() const { return from == std::array<int, 3>{0, 1, 2} && flipped == std::array<bool, 3>{false, false, false}; }
};

/// The order whose axes run nearest to +L, +P, +S.
AxisOrder canonical_order(const Grid& grid);
/// The grid of the rearranged voxels. Throws Error(not_possible) when slices that are not evenly spaced would leave axis k.
Grid rearranged(const Grid& grid, const AxisOrder& order);
/// Copies voxels of `components` values and `frames` volumes of the given source size into the rearranged order.
template <class T>
void rearrange(const T* source, const Size3& source_size, const AxisOrder& order, std::int64_t components, std::int64_t frames, T* target);

}  // namespace gantry
