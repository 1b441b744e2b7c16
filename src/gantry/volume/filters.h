// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry {

/// A binary mask: 0 outside, 1 inside.
using Mask = Voxels<std::uint8_t>;
using MaskView = VoxelView<std::uint8_t>;

/// What lies outside an image: its reflection about the outer faces of its voxels (c b a | a b c | c b a), its nearest voxel, or zero.
enum class Border { mirror, nearest, zero };
constexpr std::array<std::pair<Border, std::string_view>, 3> choices_of(Border) {
  return {{{Border::mirror, "mirror"}, {Border::nearest, "nearest"}, {Border::zero, "zero"}}};
}

// All functions of this folder work on one volume: several components or frames are refused with Error(not_possible); callers split
// them. Results have the same bits for any number of threads. Kernels that look at neighbours take slices as evenly spaced unless
// their text says otherwise.

/// Convolves with a Gaussian of the given standard deviation in mm along each axis (taps exp(-x^2/2s^2) to 4 s,
/// normalised); an axis with one voxel, or sigma 0, is left alone. A NaN or
/// infinity reaches as far as the taps. No scratch but a few slices. Throws Error(parameter) unless 0 <= sigma <= 1000 voxels.
Voxels<float> gaussian(const VoxelView<float>& image, Vec3 sigma_mm, Border border, const Run& run);
/// Mean over a box of 2 r + 1 voxels along each axis, mirrored borders; cost independent of the radius. A NaN or
/// infinity stays within its windows.
Voxels<float> box_mean(const VoxelView<float>& image, std::array<int, 3> radius, const Run& run);
/// Median over a cube of 2 r + 1 voxels (r 1 or 2), border as told. NaN counts as +infinity.
Voxels<float> median(const VoxelView<float>& image, int radius, Border border, const Run& run);
/// Second-order derivatives of the image smoothed by `sigma_mm`, in mm^-2, times sigma^2: eigenvalues |l1| <= |l2| <= |l3|, as three
/// volumes. Derivatives of Gaussian taps, mirrored borders; zero across an axis of one voxel.
std::array<Voxels<float>, 3> hessian_eigenvalues(const VoxelView<float>& image, double sigma_mm, const Run& run);
/// Gradient magnitude in units per mm: central differences, one-sided at the borders, zero across an axis of one voxel. Honours slice
/// positions; takes the axes as orthogonal.
Voxels<float> gradient_magnitude(const VoxelView<float>& image, const Run& run);

}  // namespace gantry
