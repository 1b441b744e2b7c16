// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <vector>

#include "gantry/volume/axes.h"
#include "gantry/volume/resample.h"

namespace gantry {

/// Where the planes of a target grid lie in a source grid when their axes are parallel: target axis a runs along source axis
/// `order.from[a]` (never flipped here: positions may fall), and plane n of it lies at index `positions[a][n]` of the source.
/// Positions within 1e-6 of a voxel centre are taken as that centre.
struct SeparableMap {
  AxisOrder order;
  std::array<std::vector<double>, 3> positions;
};
/// Nothing when the axes are not parallel (to 1e-3 voxel over the whole grid).
std::optional<SeparableMap> separable_map(const Grid& source, const Grid& target);

template <class T>
Voxels<T> nearest_separable(const VoxelView<T>& image, const Grid& target, const SeparableMap& map, T outside, const Run& run);
template <class T>
Voxels<T> nearest_oblique(const VoxelView<T>& image, const Grid& target, T outside, const Run& run);

/// `image` holds samples (linear) or B-spline coefficients (cubic).
Voxels<float> interpolate_separable(const VoxelView<float>& image, const Grid& target, const SeparableMap& map, Interpolation interpolation,
                                    float outside, const Run& run);
Voxels<float> interpolate_oblique(const VoxelView<float>& image, const Grid& target, Interpolation interpolation, float outside,
                                  const Run& run);

}  // namespace gantry
