// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/grid.h"

#include <fmt/format.h>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry {

double determinant(const Mat3& m) { return dot(m.column[0], cross(m.column[1], m.column[2])); }

Mat3 transposed(const Mat3& m) {
  Mat3 t;
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c) t.column[static_cast<std::size_t>(r)][c] = m.column[static_cast<std::size_t>(c)][r];
  }
  return t;
}

Mat3 inverse(const Mat3& m) {
  const double d = determinant(m);
  if (!(std::abs(d) > 1e-12))
    throw Error(ErrorCode::parameter, fmt::format("matrix: must be invertible; its determinant is {}", shortest(d)));
  const Vec3 r0 = (1 / d) * cross(m.column[1], m.column[2]);
  const Vec3 r1 = (1 / d) * cross(m.column[2], m.column[0]);
  const Vec3 r2 = (1 / d) * cross(m.column[0], m.column[1]);
  return transposed(Mat3{{r0, r1, r2}});
}

Grid::Grid(Size3 size, Vec3 spacing_mm, Vec3 origin_mm, Mat3 direction)
    : size_(size), spacing_mm_(spacing_mm), origin_mm_(origin_mm), direction_(direction) {
  double voxels = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t n = size_[static_cast<std::size_t>(axis)];
    if (!(n >= 1 && n <= 0x7fffffff))
      throw Error(ErrorCode::parameter, fmt::format("grid size: must lie between 1 and 2147483647; got {}", n));
    voxels *= static_cast<double>(n);
    if (!(std::isfinite(spacing_mm_[axis]) && spacing_mm_[axis] > 0)) {
      throw Error(ErrorCode::parameter, fmt::format("grid spacing: must be positive; got {} mm", shortest(spacing_mm_[axis])));
    }
    if (!std::isfinite(origin_mm_[axis])) throw Error(ErrorCode::parameter, "grid origin: must be finite");
    const double length = norm(direction_.column[static_cast<std::size_t>(axis)]);
    if (!(std::abs(length - 1) < 1e-3))
      throw Error(ErrorCode::parameter, fmt::format("grid direction: columns must be unit vectors; got length {}", shortest(length)));
    direction_.column[static_cast<std::size_t>(axis)] = (1 / length) * direction_.column[static_cast<std::size_t>(axis)];
  }
  if (!(voxels <= 0x1p40)) throw Error(ErrorCode::parameter, "grid size: at most 2^40 voxels");
  if (!(std::abs(determinant(direction_)) >= 1e-3)) throw Error(ErrorCode::parameter, "grid direction: axes must not lie in one plane");
}

double Grid::voxel_volume_mm3() const { return spacing_mm_.x * spacing_mm_.y * spacing_mm_.z * std::abs(determinant(direction_)); }

Grid Grid::with_slice_positions(std::vector<double> positions_mm) const {
  if (static_cast<std::int64_t>(positions_mm.size()) != size_[2])
    throw Error(ErrorCode::parameter, "slice positions: one per slice is needed");
  for (std::size_t k = 1; k < positions_mm.size(); ++k) {
    if (!(positions_mm[k] > positions_mm[k - 1])) throw Error(ErrorCode::parameter, "slice positions: must rise");
  }
  Grid grid = *this;
  if (positions_mm.size() > 1)
    grid.spacing_mm_.z = (positions_mm.back() - positions_mm.front()) / static_cast<double>(positions_mm.size() - 1);
  grid.slice_positions_mm_ = std::move(positions_mm);
  return grid;
}

Vec3 Grid::world_from_voxel(Vec3 voxel) const {
  double along = voxel.z * spacing_mm_.z;
  if (slice_positions_mm_.size() > 1) {
    const auto last = static_cast<double>(slice_positions_mm_.size() - 2);
    const double base = std::clamp(std::floor(voxel.z), 0.0, last);
    const auto k = static_cast<std::size_t>(base);
    along = slice_positions_mm_[k] + (voxel.z - base) * (slice_positions_mm_[k + 1] - slice_positions_mm_[k]);
  }
  return origin_mm_ + direction_ * Vec3{voxel.x * spacing_mm_.x, voxel.y * spacing_mm_.y, along};
}

Vec3 Grid::voxel_from_world(Vec3 world_mm) const {
  const Vec3 local = inverse(direction_) * (world_mm - origin_mm_);
  double k = local.z / spacing_mm_.z;
  if (slice_positions_mm_.size() > 1) {
    const auto above = std::upper_bound(slice_positions_mm_.begin() + 1, slice_positions_mm_.end() - 1, local.z);
    const double low = *(above - 1);
    k = static_cast<double>(above - 1 - slice_positions_mm_.begin()) + (local.z - low) / (*above - low);
  }
  return {local.x / spacing_mm_.x, local.y / spacing_mm_.y, k};
}

bool Grid::same_space(const Grid& other, double tolerance_mm) const {
  if (size_ != other.size_) return false;
  for (int corner = 0; corner < 8; ++corner) {
    Vec3 voxel;
    for (int axis = 0; axis < 3; ++axis) voxel[axis] = (corner >> axis & 1) ? static_cast<double>(size(axis) - 1) : 0.0;
    if (!(norm(world_from_voxel(voxel) - other.world_from_voxel(voxel)) <= tolerance_mm)) return false;
  }
  return true;
}

Grid Grid::cropped(Size3 begin, Size3 size) const {
  Vec3 first;
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    if (!(begin[a] >= 0 && size[a] >= 1 && begin[a] + size[a] <= size_[a])) {
      throw Error(ErrorCode::parameter,
                  fmt::format("crop: axis {} has {} voxels; asked for {} from {}", axis, size_[a], size[a], begin[a]));
    }
    first[axis] = static_cast<double>(begin[a]);
  }
  Grid grid(size, spacing_mm_, world_from_voxel(first), direction_);
  if (slice_positions_mm_.empty()) return grid;
  const auto from = slice_positions_mm_.begin() + begin[2];
  std::vector<double> positions(from, from + size[2]);
  const double start = positions.front();
  for (double& position : positions) position -= start;
  return grid.with_slice_positions(std::move(positions));
}

std::string Grid::orientation() const {
  std::string letters;
  for (const Vec3& axis : direction_.column) {
    const Vec3 a{std::abs(axis.x), std::abs(axis.y), std::abs(axis.z)};
    if (a.x >= a.y && a.x >= a.z) {
      letters += axis.x > 0 ? 'L' : 'R';
    } else if (a.y >= a.z) {
      letters += axis.y > 0 ? 'P' : 'A';
    } else {
      letters += axis.z > 0 ? 'S' : 'I';
    }
  }
  return letters;
}

}  // namespace gantry
