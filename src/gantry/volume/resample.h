// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/volume/filters.h"

namespace gantry {

/// How values between voxel centres come about.
enum class Interpolation { nearest, linear, cubic };
constexpr std::array<std::pair<Interpolation, std::string_view>, 3> choices_of(Interpolation) {
  return {{{Interpolation::nearest, "nearest"}, {Interpolation::linear, "linear"}, {Interpolation::cubic, "cubic"}}};
}

/// Samples `image` at the voxel centres of `target` (cubic = interpolating B-spline, whole-sample symmetric ends). Points outside the
/// image, that is more than half a voxel beyond the centres of its outer voxels, take `outside`; within that half voxel linear holds the
/// outer value. Cubic refuses NaN and infinity with Error(not_possible): they would reach every voxel. Slice positions of a non-uniform
/// grid are honoured. Axis-aligned pairs of grids take a separable path.
Voxels<float> resample(const VoxelView<float>& image, const Grid& target, Interpolation interpolation, float outside, const Run& run);
/// Nearest neighbour, any integer type: for labels and masks.
template <class T>
Voxels<T> resample_labels(const VoxelView<T>& labels, const Grid& target, const Run& run);
/// The same with a value for points outside.
template <class T>
Voxels<T> resample_nearest(const VoxelView<T>& image, const Grid& target, T outside, const Run& run);
/// The grid that covers the same box with the given spacing: voxel corners aligned at the first corner, the number of voxels rounded to
/// nearest, slices even.
Grid with_spacing(const Grid& grid, Vec3 spacing_mm);
/// Axes permuted and flipped (no interpolation) so that i, j, k run nearest to +L, +P, +S: an image whose orientation() is "LPS".
/// Components and frames come along; Error(not_possible) when unevenly spaced slices would not stay along k. `canonical_grid` gives only
/// its grid; `from_canonical` takes a mask back to the original axes.
template <class T>
Voxels<T> to_canonical(const VoxelView<T>& image);
template <class T>
Voxels<T> from_canonical(const VoxelView<T>& image, const Grid& original);
Grid canonical_grid(const Grid& grid);
/// The voxels of `image` in the box [begin, begin + size), all components and frames. Throws Error(parameter) when it does not fit.
template <class T>
Voxels<T> crop(const VoxelView<T>& image, Size3 begin, Size3 size);
/// Means over blocks of `factor` voxels (edges take what there is).
Voxels<float> shrink(const VoxelView<float>& image, std::array<int, 3> factor, const Run& run);

}  // namespace gantry
