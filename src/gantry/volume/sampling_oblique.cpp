// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/volume/bspline.h"
#include "gantry/volume/sampling.h"

namespace gantry {

namespace {

/// Source positions of one row of target voxels along one axis: sample below and fraction, ends held.
GANTRY_SIMD void cells_of(const double* __restrict position, std::int64_t count, std::int32_t n, std::int32_t* __restrict index,
                          float* __restrict fraction) {
  const double last = n - 1;
  const std::int32_t highest = n > 1 ? n - 2 : 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double low = position[i] > 0 ? position[i] : 0.0;
    const double held = low < last ? low : last;
    const auto cell = static_cast<std::int32_t>(held);
    const std::int32_t base = cell < highest ? cell : highest;
    index[i] = base;
    fraction[i] = static_cast<float>(held - base);
  }
}

GANTRY_SIMD void line_of(double first, double step, double scale, std::int64_t count, double* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = (first + static_cast<double>(i) * step) * scale;
}

/// One row of target voxels seen from the source; only [begin, end) lies inside it.
class Row {
 public:
  Row(const Grid& source, const Grid& target)
      : source_(source),
        target_(target),
        count_(target.size(0)),
        to_local_(inverse(source.direction())),
        step_(to_local_ * (target.spacing_mm().x * target.direction().column[0])) {
    for (auto& p : position_) p.resize(static_cast<std::size_t>(count_));
  }

  void locate(std::int64_t j, std::int64_t k) {
    const Vec3 world = target_.world_from_voxel({0, static_cast<double>(j), static_cast<double>(k)});
    const Vec3 local = to_local_ * (world - source_.origin_mm());
    for (int axis = 0; axis < 3; ++axis) line_of(local[axis], step_[axis], 1 / source_.spacing_mm()[axis], count_, along(axis));
    if (const auto& slices = source_.slice_positions_mm(); slices.size() > 1) {
      for (double& value : position_[2]) {
        const double mm = value * source_.spacing_mm().z;
        const auto above = std::upper_bound(slices.begin() + 1, slices.end() - 1, mm);
        value = static_cast<double>(above - 1 - slices.begin()) + (mm - *(above - 1)) / (*above - *(above - 1));
      }
    }
    // Positions are monotonic along the row, so what lies inside is one stretch.
    begin = 0;
    end = count_;
    while (begin < end && !inside(begin)) ++begin;
    while (end > begin && !inside(end - 1)) --end;
  }

  const double* x() const { return position_[0].data(); }
  const double* y() const { return position_[1].data(); }
  const double* z() const { return position_[2].data(); }
  std::int64_t begin = 0, end = 0;

 private:
  double* along(int axis) { return position_[static_cast<std::size_t>(axis)].data(); }
  bool inside(std::int64_t i) const {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double p = position_[axis][static_cast<std::size_t>(i)];
      if (!(p >= -0.5 && p <= static_cast<double>(source_.size(static_cast<int>(axis))) - 0.5)) return false;
    }
    return true;
  }
  const Grid& source_;
  const Grid& target_;
  std::int64_t count_;
  Mat3 to_local_;
  Vec3 step_;
  std::array<std::vector<double>, 3> position_;
};

/// Runs `fill(row, out)` for the part of every target row that lies inside; the rest takes `outside`.
template <class T, class Fill>
Voxels<T> sample_rows(const VoxelView<T>& image, const Grid& target, T outside, const Run& run, Fill fill) {
  auto result = Voxels<T>::uninitialized(target);
  const auto [ni, nj, nk] = target.size();
  parallel_for(run, nj * nk, 64, [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
    Row row(image.grid(), target);
    for (std::int64_t n = begin; n < end; ++n) {
      row.locate(n % nj, n / nj);
      T* const out = result.data() + n * ni;
      std::fill_n(out, row.begin, outside);
      fill(row, out);
      std::fill(out + row.end, out + ni, outside);
    }
  });
  return result;
}

struct Cells {
  std::vector<std::int32_t> index;
  std::vector<float> fraction;
  void locate(const double* position, const Row& row, std::int64_t n) {
    const std::int64_t count = row.end - row.begin;
    index.resize(static_cast<std::size_t>(count));
    fraction.resize(static_cast<std::size_t>(count));
    cells_of(position + row.begin, count, static_cast<std::int32_t>(n), index.data(), fraction.data());
  }
};

void linear_row(const VoxelView<float>& image, const Row& row, float* out) {
  const auto [ni, nj, nk] = image.grid().size();
  static thread_local Cells a, b, c;
  a.locate(row.x(), row, ni);
  b.locate(row.y(), row, nj);
  c.locate(row.z(), row, nk);
  const std::int64_t di = ni > 1 ? 1 : 0, dj = nj > 1 ? ni : 0, dk = nk > 1 ? ni * nj : 0, slice = ni * nj;
  const float* const data = image.data();
  out += row.begin;
  for (std::size_t i = 0; i < a.index.size(); ++i) {
    const float* const p = data + a.index[i] + ni * b.index[i] + slice * c.index[i];
    const float* const q = p + dk;
    const float x = a.fraction[i], y = b.fraction[i], z = c.fraction[i];
    const float x1 = 1.0F - x, y1 = 1.0F - y;
    const float low = y1 * (x1 * p[0] + x * p[di]) + y * (x1 * p[dj] + x * p[dj + di]);
    const float high = y1 * (x1 * q[0] + x * q[di]) + y * (x1 * q[dj] + x * q[dj + di]);
    out[i] = (1.0F - z) * low + z * high;
  }
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

}  // namespace

template <class T>
Voxels<T> nearest_oblique(const VoxelView<T>& image, const Grid& target, T outside, const Run& run) {
  const auto [ni, nj, nk] = image.grid().size();
  const auto nearest = [](double p, std::int64_t n) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(p + 0.5)), 0, n - 1);
  };
  return sample_rows(image, target, outside, run, [&, ni = ni, nj = nj, nk = nk](const Row& row, T* out) {
    for (std::int64_t i = row.begin; i < row.end; ++i)
      out[i] = image(nearest(row.x()[i], ni), nearest(row.y()[i], nj), nearest(row.z()[i], nk));
  });
}

Voxels<float> interpolate_oblique(const VoxelView<float>& image, const Grid& target, Interpolation interpolation, float outside,
                                  const Run& run) {
  if (interpolation == Interpolation::linear) {
    return sample_rows(image, target, outside, run, [&](const Row& row, float* out) { linear_row(image, row, out); });
  }
  return sample_rows(image, target, outside, run, [&](const Row& row, float* out) {
    for (std::int64_t i = row.begin; i < row.end; ++i) out[i] = cubic_at(image, row.x()[i], row.y()[i], row.z()[i]);
  });
}

template Voxels<std::uint8_t> nearest_oblique(const VoxelView<std::uint8_t>&, const Grid&, std::uint8_t, const Run&);
template Voxels<std::int16_t> nearest_oblique(const VoxelView<std::int16_t>&, const Grid&, std::int16_t, const Run&);
template Voxels<std::uint16_t> nearest_oblique(const VoxelView<std::uint16_t>&, const Grid&, std::uint16_t, const Run&);
template Voxels<std::int32_t> nearest_oblique(const VoxelView<std::int32_t>&, const Grid&, std::int32_t, const Run&);
template Voxels<std::uint32_t> nearest_oblique(const VoxelView<std::uint32_t>&, const Grid&, std::uint32_t, const Run&);
template Voxels<float> nearest_oblique(const VoxelView<float>&, const Grid&, float, const Run&);

}  // namespace gantry
