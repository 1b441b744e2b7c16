// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/volume/filters.h"

namespace gantry {

/// x -> A (x - centre) + centre + shift, in world (LPS mm).
struct CentredMap {
  Mat3 linear{};
  Vec3 shift_mm{};
};

/// Mutual information (Mattes et al. 2003) of a fixed and a moving volume under linear maps of points of the fixed to the moving one.
/// The fixed volume is sampled once, at points off its grid, so that no artefact of common grids enters; the joint histogram has a window
/// of one bin along the fixed and a cubic B-spline along the moving value. Values must lie in [0, 1], NaN where unknown.
class MutualInformation {
 public:
  struct Value {
    double information = 0;            ///< in nats
    double normalized = 0;             ///< (H(fixed) + H(moving)) / H(both), from 1 to 2 (Studholme et al. 1999)
    double overlap = 0;                ///< share of the samples that fall on known moving values
    Mat3 by_linear{{Vec3{}, {}, {}}};  ///< derivative of `information` by the linear part
    Vec3 by_shift{};                   ///< and by the shift
  };

  /// About `samples` points, spread evenly, the same for every call.
  MutualInformation(const VoxelView<float>& fixed, const VoxelView<float>& moving, Vec3 centre_mm, std::int64_t samples, int bins);
  std::int64_t sample_count() const { return static_cast<std::int64_t>(fixed_bin_.size()); }
  /// Root mean square distance of the samples from the centre, mm.
  double radius_mm() const { return radius_mm_; }
  Value operator()(const CentredMap& moving_from_fixed, bool with_gradient, const Run& run) const;

 private:
  VoxelView<float> moving_;
  Vec3 centre_mm_;
  int bins_;
  double radius_mm_ = 0;
  std::vector<float> x_, y_, z_;  ///< from the centre, mm
  std::vector<std::uint8_t> fixed_bin_;
};

/// Value and gradient (per voxel) at a voxel position by trilinear interpolation; false when a corner lies outside or is NaN.
struct LinearSample {
  float value, di, dj, dk;
};
[[gnu::always_inline]] inline bool sample_linear(const float* data, const Size3& size, float i, float j, float k, LinearSample& out) {
  if (!(i >= 0 && j >= 0 && k >= 0 && i <= static_cast<float>(size[0] - 1) && j <= static_cast<float>(size[1] - 1) &&
        k <= static_cast<float>(size[2] - 1)))
    return false;
  const std::int32_t bi = std::min(static_cast<std::int32_t>(i), static_cast<std::int32_t>(size[0] - 2));
  const std::int32_t bj = std::min(static_cast<std::int32_t>(j), static_cast<std::int32_t>(size[1] - 2));
  const std::int32_t bk = std::min(static_cast<std::int32_t>(k), static_cast<std::int32_t>(size[2] - 2));
  const float fi = i - static_cast<float>(bi), fj = j - static_cast<float>(bj), fk = k - static_cast<float>(bk);
  const std::int64_t row = size[0], slice = size[0] * size[1];
  const float* p = data + bi + row * bj + slice * bk;
  const float a00 = p[0], d00 = p[1] - p[0], a10 = p[row], d10 = p[row + 1] - p[row];
  const float a01 = p[slice], d01 = p[slice + 1] - p[slice], a11 = p[slice + row], d11 = p[slice + row + 1] - p[slice + row];
  const float v00 = a00 + fi * d00, v10 = a10 + fi * d10, v01 = a01 + fi * d01, v11 = a11 + fi * d11;
  const float v0 = v00 + fj * (v10 - v00), v1 = v01 + fj * (v11 - v01);
  out.value = v0 + fk * (v1 - v0);
  const float e0 = d00 + fj * (d10 - d00), e1 = d01 + fj * (d11 - d01);
  out.di = e0 + fk * (e1 - e0);
  out.dj = (v10 - v00) + fk * ((v11 - v01) - (v10 - v00));
  out.dk = v1 - v0;
  return out.value == out.value;
}

}  // namespace gantry
