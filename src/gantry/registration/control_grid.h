// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>
#include <vector>

#include "gantry/volume/filters.h"

namespace gantry {

/// Where the voxels of a line lie among the control points: each sees the four from `base` on, with these weights of the cubic B-spline.
struct SplineLine {
  std::vector<std::int32_t> base;
  std::vector<std::array<float, 4>> weight;
};

/// Control points of a cubic B-spline over a box: along each axis at -1, 0, 1, ... times the spacing from the first corner of the box, as
/// many as reach it all and half a coarse voxel beyond. Coefficients of a displacement are three blocks (x, y, z of world, mm), each with
/// the first axis fastest.
class ControlGrid {
 public:
  ControlGrid(Vec3 box_mm, double spacing_mm);
  double spacing_mm() const { return spacing_mm_; }
  const Size3& size() const { return size_; }
  std::int64_t count() const { return size_[0] * size_[1] * size_[2]; }

  /// Weights for `voxels` voxels `step_mm` apart along an axis, the first `first_mm` from the corner of the box; control points that do not
  /// exist count as zero.
  SplineLine line(int axis, std::int64_t voxels, double step_mm, double first_mm) const;
  /// The same displacement on a grid of half the spacing over the same box (two-scale relation of the cubic B-spline).
  std::vector<double> refined(std::span<const double> coefficients, const ControlGrid& finer) const;

  /// Mean over the box of the squared second derivatives of a displacement (each mixed one counts twice), 1/mm^2; adds `weight` times its
  /// derivative by the coefficients to `gradient`.
  double bending(std::span<const double> coefficients, double weight, std::span<double> gradient, const Run& run) const;

 private:
  Vec3 box_mm_;
  double spacing_mm_;
  Size3 size_{};
  /// For each axis integrals over the box of products of the n-th derivatives of two B-splines: 7 to a row, at offsets -3 to 3.
  std::array<std::array<std::vector<double>, 3>, 3> gram_;
};

/// Displacements at the voxels of a lattice: three planar volumes.
struct PlanarField {
  std::array<Voxels<float>, 3> part;
};
/// `lines` hold one SplineLine an axis.
PlanarField expand(const ControlGrid& control, std::span<const double> coefficients, const std::array<SplineLine, 3>& lines,
                   const Grid& grid, const Run& run);

/// The displacement along one row of voxels, from coefficients that `slice_of` brought to a slice and `row_of` to a row.
/// Sums are in float; every row is computed alone, so that any division of work gives the same bits.
void slice_of(const Size3& size, const float* coefficients, const SplineLine& line, std::int64_t k, float* slice);
void row_of(const Size3& size, const float* slice, const SplineLine& line, std::int64_t j, float* row);
void values_of(const float* row, const SplineLine& line, float* values);

/// The transpose of `expand`: gradient of a function of the displacements by the coefficients, out of that by the displacements. Overwrites
/// `gradient`.
void gather(const ControlGrid& control, const std::array<Voxels<float>, 3>& force, const std::array<SplineLine, 3>& lines,
            std::span<double> gradient, const Run& run);

}  // namespace gantry
