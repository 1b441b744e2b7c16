// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <algorithm>
#include <cmath>

#include "gantry/volume/filters.h"

namespace gantry::analysis {

/// Linear interpolation on cubes; outside the volume the nearest voxel counts.
class CubeSampler {
 public:
  CubeSampler(const VoxelView<float>& hu, const MaskView& inside)
      : hu_(hu), inside_(inside), size_(hu.grid().size()), spacing_(hu.grid().spacing_mm().x), turn_(transposed(hu.grid().direction())) {}
  double spacing() const { return spacing_; }
  /// World direction or offset in mm -> voxels.
  Vec3 voxels(Vec3 offset_mm) const { return (1.0 / spacing_) * (turn_ * offset_mm); }
  double hu(Vec3 p) const {
    std::int64_t base = 0, stride = 1;
    std::array<std::int64_t, 3> up{};
    std::array<double, 3> w{};
    for (int axis = 0; axis < 3; ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      const double c = std::clamp(p[axis], 0.0, static_cast<double>(size_[a] - 1));
      const auto low = std::min(static_cast<std::int64_t>(c), std::max<std::int64_t>(0, size_[a] - 2));
      w[a] = c - static_cast<double>(low);
      base += low * stride;
      up[a] = size_[a] > 1 ? stride : 0;
      stride *= size_[a];
    }
    const float* f = hu_.data() + base;
    const auto line = [&](const float* q) { return q[0] + w[0] * (q[up[0]] - q[0]); };
    const auto plane = [&](const float* q) { return line(q) + w[1] * (line(q + up[1]) - line(q)); };
    return plane(f) + w[2] * (plane(f + up[2]) - plane(f));
  }
  bool inside(Vec3 p) const {
    std::array<std::int64_t, 3> n{};
    for (int axis = 0; axis < 3; ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      n[a] = static_cast<std::int64_t>(std::floor(p[axis] + 0.5));
      if (n[a] < 0 || n[a] >= size_[a]) return false;
    }
    return inside_(n[0], n[1], n[2]) != 0;
  }

 private:
  VoxelView<float> hu_;
  MaskView inside_;
  Size3 size_;
  double spacing_;
  Mat3 turn_;
};

}  // namespace gantry::analysis
