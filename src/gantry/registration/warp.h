// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/transform.h"
#include "gantry/volume/resample.h"

namespace gantry {

/// The moving image at the places to which `moving_from_fixed` takes the voxel centres of `target`. Nearest keeps integer types (f64
/// becomes f32); linear and cubic give f32. Each component on its own. Throws Error(not_possible) for several frames and complex images.
Image warp(const Image& moving, const Transform& moving_from_fixed, const Grid& target, Interpolation interpolation, double outside,
           Run& run);
/// Of the finite values; 0 when there is none.
double smallest_value(const Image& image);

/// `grid` as the linear part of `moved_from_grid` moves it: voxel n of the result lies where the voxel n of `grid` is taken.
Grid moved_grid(const Grid& grid, const Transform& moved_from_grid);
/// The inverse of a linear transform. Throws Error(not_possible) for a singular one or one with a field.
Transform inverse_linear(const Transform& transform);
/// The point that `transform` takes to `target_mm`, by Newton's method; nothing when it does not converge to 1e-4 mm.
std::optional<Vec3> inverse_point(const Transform& transform, Vec3 target_mm);

/// The determinant of the derivative of `transform` at the voxel centres of `grid` by central differences over one voxel.
Voxels<float> jacobian(const Transform& transform, const Grid& grid, const Run& run);

}  // namespace gantry
