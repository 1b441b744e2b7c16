// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/volume/bspline.h"
#include "gantry/volume/sampling.h"

namespace gantry {

namespace {

/// Source positions in voxels of one row of target voxels.
class RowPositions {
 public:
  RowPositions(const Grid& source, const Grid& target)
      : source_(source), target_(target), x(static_cast<std::size_t>(target.size(0))), y(x.size()), z(x.size()) {
    const Mat3 to_local = inverse(source.direction());
    local_step_ = to_local * (target.spacing_mm().x * target.direction().column[0]);
    to_local_ = to_local;
  }

  void fill(std::int64_t j, std::int64_t k) {
    const Vec3 world = target_.world_from_voxel({0, static_cast<double>(j), static_cast<double>(k)});
    const Vec3 local = to_local_ * (world - source_.origin_mm());
    const Vec3 h = source_.spacing_mm();
    const auto& positions = source_.slice_positions_mm();
    const auto n = static_cast<std::int64_t>(x.size());
    for (std::int64_t i = 0; i < n; ++i) {
      const auto s = static_cast<double>(i);
      x[static_cast<std::size_t>(i)] = (local.x + s * local_step_.x) / h.x;
      y[static_cast<std::size_t>(i)] = (local.y + s * local_step_.y) / h.y;
      z[static_cast<std::size_t>(i)] = (local.z + s * local_step_.z) / h.z;
    }
    if (positions.size() <= 1) return;
    for (double& value : z) {
      const double mm = value * h.z;
      const auto above = std::upper_bound(positions.begin() + 1, positions.end() - 1, mm);
      value = static_cast<double>(above - 1 - positions.begin()) + (mm - *(above - 1)) / (*above - *(above - 1));
    }
  }

  bool inside(std::size_t i) const {
    return within(x[i], source_.size(0)) && within(y[i], source_.size(1)) && within(z[i], source_.size(2));
  }

 private:
  static bool within(double p, std::int64_t n) { return p >= -0.5 && p <= static_cast<double>(n) - 0.5; }
  const Grid& source_;
  const Grid& target_;
  Mat3 to_local_;
  Vec3 local_step_;

 public:
  std::vector<double> x, y, z;
};

/// Lower sample and fraction along one axis, ends held.
struct Cell {
  std::int64_t index, step;
  float fraction;
};
Cell cell_at(double p, std::int64_t n) {
  if (n == 1) return {0, 0, 0.0F};
  const double clamped = std::clamp(p, 0.0, static_cast<double>(n - 1));
  const auto index = std::min(static_cast<std::int64_t>(clamped), n - 2);
  return {index, 1, static_cast<float>(clamped - static_cast<double>(index))};
}

float linear_at(const VoxelView<float>& image, double x, double y, double z) {
  const auto [ni, nj, nk] = image.grid().size();
  const Cell a = cell_at(x, ni), b = cell_at(y, nj), c = cell_at(z, nk);
  const float* const p = image.data() + a.index + ni * (b.index + nj * c.index);
  const std::int64_t dj = b.step * ni, dk = c.step * ni * nj;
  const auto along = [&](const float* q) { return (1.0F - a.fraction) * q[0] + a.fraction * q[a.step]; };
  const float low = (1.0F - b.fraction) * along(p) + b.fraction * along(p + dj);
  const float high = (1.0F - b.fraction) * along(p + dk) + b.fraction * along(p + dk + dj);
  return (1.0F - c.fraction) * low + c.fraction * high;
}

struct CubicTaps {
  std::array<std::int64_t, 4> offset{};
  std::array<float, 4> weight{};
};
CubicTaps cubic_taps(double p, std::int64_t n, std::int64_t stride) {
  CubicTaps taps;
  const double base = std::floor(p);
  const auto first = static_cast<std::int64_t>(base) - 1;
  taps.weight = bspline_weights(static_cast<float>(p - base));
  for (std::int64_t t = 0; t < 4; ++t) {
    const std::int64_t index = first >= 0 && first + 3 < n ? first + t : whole_sample_index(first + t, n);
    taps.offset[static_cast<std::size_t>(t)] = index * stride;
  }
  return taps;
}

float cubic_at(const VoxelView<float>& image, double x, double y, double z) {
  const auto [ni, nj, nk] = image.grid().size();
  const CubicTaps a = cubic_taps(x, ni, 1), b = cubic_taps(y, nj, ni), c = cubic_taps(z, nk, ni * nj);
  std::array<float, 4> sums{};
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t j = 0; j < 4; ++j) {
      const float* const row = image.data() + c.offset[k] + b.offset[j];
      const float weight = c.weight[k] * b.weight[j];
      for (std::size_t i = 0; i < 4; ++i) sums[i] += weight * row[a.offset[i]];
    }
  }
  return sums[0] * a.weight[0] + sums[1] * a.weight[1] + (sums[2] * a.weight[2] + sums[3] * a.weight[3]);
}

template <class T, class Sample>
Voxels<T> sample_rows(const VoxelView<T>& image, const Grid& target, T outside, const Run& run, Sample sample) {
  auto result = Voxels<T>::uninitialized(target);
  const auto [ni, nj, nk] = target.size();
  parallel_for(run, nj * nk, 64, [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
    RowPositions at(image.grid(), target);
    for (std::int64_t row = begin; row < end; ++row) {
      at.fill(row % nj, row / nj);
      T* const out = result.data() + row * ni;
      for (std::int64_t i = 0; i < ni; ++i) {
        const auto n = static_cast<std::size_t>(i);
        out[i] = at.inside(n) ? sample(at.x[n], at.y[n], at.z[n]) : outside;
      }
    }
  });
  return result;
}

}  // namespace

template <class T>
Voxels<T> nearest_oblique(const VoxelView<T>& image, const Grid& target, T outside, const Run& run) {
  const auto [ni, nj, nk] = image.grid().size();
  const auto nearest = [](double p, std::int64_t n) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(p + 0.5)), 0, n - 1);
  };
  return sample_rows(image, target, outside, run, [&, ni = ni, nj = nj, nk = nk](double x, double y, double z) {
    return image(nearest(x, ni), nearest(y, nj), nearest(z, nk));
  });
}

Voxels<float> interpolate_oblique(const VoxelView<float>& image, const Grid& target, Interpolation interpolation, float outside,
                                  const Run& run) {
  if (interpolation == Interpolation::linear) {
    return sample_rows(image, target, outside, run, [&](double x, double y, double z) { return linear_at(image, x, y, z); });
  }
  return sample_rows(image, target, outside, run, [&](double x, double y, double z) { return cubic_at(image, x, y, z); });
}

template Voxels<std::uint8_t> nearest_oblique(const VoxelView<std::uint8_t>&, const Grid&, std::uint8_t, const Run&);
template Voxels<std::int16_t> nearest_oblique(const VoxelView<std::int16_t>&, const Grid&, std::int16_t, const Run&);
template Voxels<std::uint16_t> nearest_oblique(const VoxelView<std::uint16_t>&, const Grid&, std::uint16_t, const Run&);
template Voxels<std::int32_t> nearest_oblique(const VoxelView<std::int32_t>&, const Grid&, std::int32_t, const Run&);
template Voxels<std::uint32_t> nearest_oblique(const VoxelView<std::uint32_t>&, const Grid&, std::uint32_t, const Run&);
template Voxels<float> nearest_oblique(const VoxelView<float>&, const Grid&, float, const Run&);

}  // namespace gantry
