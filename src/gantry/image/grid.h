// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/image/geometry.h"

namespace gantry {

/// Where the voxels of an image lie in the world. World is LPS millimetres (x to the patient's left, y to posterior,
/// z to the head, DICOM PS3.3 C.7.6.2.1.1). The centre of voxel (i, j, k) lies at
/// origin + direction * (i * spacing.x, j * spacing.y, k * spacing.z).
/// Invariants, enforced by the constructor with Error(parameter): sizes 1 to 2^31 - 1 and at most 2^40 voxels in all, spacings finite and
/// positive, origin finite, direction of unit columns and invertible (|determinant| >= 1e-3).
class Grid {
 public:
  /// One voxel of 1 mm at the origin.
  Grid() = default;
  Grid(Size3 size, Vec3 spacing_mm = {1, 1, 1}, Vec3 origin_mm = {}, Mat3 direction = {});

  const Size3& size() const { return size_; }
  std::int64_t size(int axis) const { return size_[static_cast<std::size_t>(axis)]; }
  Vec3 spacing_mm() const { return spacing_mm_; }
  Vec3 origin_mm() const { return origin_mm_; }
  /// Unit vectors of the voxel axes in world, as columns.
  const Mat3& direction() const { return direction_; }
  std::int64_t voxel_count() const { return size_[0] * size_[1] * size_[2]; }
  double voxel_volume_mm3() const;
  std::int64_t index(std::int64_t i, std::int64_t j, std::int64_t k) const { return i + size_[0] * (j + size_[1] * k); }

  /// Distances in mm of the slices along axis k from slice 0, when they are not uniform; empty otherwise. Their mean step
  /// is spacing_mm().z.
  const std::vector<double>& slice_positions_mm() const { return slice_positions_mm_; }
  Grid with_slice_positions(std::vector<double> positions_mm) const;

  Vec3 world_from_voxel(Vec3 voxel) const;
  Vec3 voxel_from_world(Vec3 world_mm) const;
  /// Same size, and every corner voxel centre within `tolerance_mm`.
  bool same_space(const Grid& other, double tolerance_mm = 1e-3) const;
  /// The part of `size` voxels that begins at voxel `begin`; both must lie inside. Throws Error(parameter).
  Grid cropped(Size3 begin, Size3 size) const;
  /// Letters of the positive directions of i, j, k, nearest axis, such as "LPS" or "RAI" (letters name where the axis points to).
  std::string orientation() const;

  friend bool operator==(const Grid&, const Grid&) = default;

 private:
  Size3 size_{1, 1, 1};
  Vec3 spacing_mm_{1, 1, 1};
  Vec3 origin_mm_{};
  Mat3 direction_{};
  std::vector<double> slice_positions_mm_;
};

}  // namespace gantry
