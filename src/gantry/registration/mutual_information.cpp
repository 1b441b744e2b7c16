// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/mutual_information.h"

#include "gantry/base/error.h"
#include "gantry/base/random.h"
#include "gantry/compute/parallel.h"

namespace gantry {

namespace {

constexpr std::int64_t voxels_a_part = 8192;

/// v -> matrix v + offset from the fixed world (relative to the centre) to voxels of the moving grid.
struct VoxelMap {
  std::array<float, 9> m{};
  std::array<float, 3> offset{};
  Mat3 voxel_from_world;
};

VoxelMap voxel_map(const Grid& moving, Vec3 centre, const CentredMap& map) {
  VoxelMap result;
  const Vec3 origin = moving.voxel_from_world(centre + map.shift_mm);
  Mat3 to_voxel = inverse(moving.direction());
  for (Vec3& column : to_voxel.column) {
    for (int axis = 0; axis < 3; ++axis) column[axis] /= moving.spacing_mm()[axis];
  }
  const Mat3 whole = to_voxel * map.linear;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t c = 0; c < 3; ++c) result.m[3 * row + c] = static_cast<float>(whole.column[c][static_cast<int>(row)]);
    result.offset[row] = static_cast<float>(origin[static_cast<int>(row)]);
  }
  result.voxel_from_world = to_voxel;
  return result;
}

/// Where a moving value falls among the bins: the first of its four bins and the fraction. Two bins at each end stay for the window.
struct Place {
  int first;
  float t;
};
[[gnu::always_inline]] inline Place place_of(float value, int bins) {
  const float position = 1.5F + value * static_cast<float>(bins - 4);
  const int base = static_cast<int>(position);
  return {base - 1, position - static_cast<float>(base)};
}

struct Gradient {
  std::array<double, 9> linear{};
  std::array<double, 3> shift{};
};

}  // namespace

MutualInformation::MutualInformation(const VoxelView<float>& fixed, const VoxelView<float>& moving, Vec3 centre_mm, std::int64_t samples,
                                     int bins)
    : moving_(moving), centre_mm_(centre_mm), bins_(bins) {
  const Grid& grid = fixed.grid();
  std::int64_t known = 0;
  for (std::int64_t n = 0; n < fixed.count(); ++n) known += std::isnan(fixed[n]) ? 0 : 1;
  // Every `step`-th known voxel (or several points in each) with a shift inside the voxel.
  const double step = std::max(1.0, static_cast<double>(known) / static_cast<double>(samples));
  const int repeats =
      static_cast<int>(std::clamp(static_cast<double>(samples) / static_cast<double>(std::max<std::int64_t>(1, known)), 1.0, 4.0));
  const Random random(1);
  double next = 0.5 * step, squares = 0;
  std::int64_t seen = 0, draw = 0;
  const auto [ni, nj, nk] = grid.size();
  for (std::int64_t n = 0; n < fixed.count(); ++n) {
    if (std::isnan(fixed[n])) continue;
    const bool taken = static_cast<double>(seen++) + 1 > next;
    if (!taken) continue;
    next += step;
    for (int repeat = 0; repeat < repeats; ++repeat) {
      Vec3 voxel{static_cast<double>(n % ni), static_cast<double>(n / ni % nj), static_cast<double>(n / (ni * nj))};
      for (int axis = 0; axis < 3; ++axis) voxel[axis] += random.uniform(static_cast<std::uint64_t>(draw++)) - 0.5;
      LinearSample sample{};
      if (!sample_linear(fixed.data(), grid.size(), static_cast<float>(voxel.x), static_cast<float>(voxel.y), static_cast<float>(voxel.z),
                         sample))
        continue;
      const Vec3 from_centre = grid.world_from_voxel(voxel) - centre_mm;
      x_.push_back(static_cast<float>(from_centre.x));
      y_.push_back(static_cast<float>(from_centre.y));
      z_.push_back(static_cast<float>(from_centre.z));
      squares += dot(from_centre, from_centre);
      fixed_bin_.push_back(static_cast<std::uint8_t>(std::min(static_cast<int>(sample.value * static_cast<float>(bins)), bins - 1)));
    }
  }
  if (fixed_bin_.size() < 64) throw Error(ErrorCode::not_possible, "fixed image: too little of it is known to be registered");
  radius_mm_ = std::sqrt(squares / static_cast<double>(fixed_bin_.size()));
}

MutualInformation::Value MutualInformation::operator()(const CentredMap& moving_from_fixed, bool with_gradient, const Run& run) const {
  const VoxelMap map = voxel_map(moving_.grid(), centre_mm_, moving_from_fixed);
  const Size3 size = moving_.grid().size();
  const float* const data = moving_.data();
  const std::int64_t count = sample_count();
  const auto cells = static_cast<std::size_t>(bins_ * bins_);
  struct Kept {
    std::int32_t fixed_bin;  ///< -1: not on the moving volume
    LinearSample sample;
  };
  std::vector<Kept> kept(with_gradient ? static_cast<std::size_t>(count) : 0);
  struct Joint {
    std::vector<double> sums;
    std::int64_t inside = 0;
  };
  Joint joint{std::vector<double>(cells, 0.0), 0};
  joint = parallel_reduce(
      run, count, voxels_a_part, std::move(joint),
      [&](std::int64_t begin, std::int64_t end) {
        Joint part{{}, 0};
        std::vector<float> sums(cells, 0.0F);
        for (std::int64_t n = begin; n < end; ++n) {
          const auto at = static_cast<std::size_t>(n);
          const float x = x_[at], y = y_[at], z = z_[at];
          const float i = map.m[0] * x + map.m[1] * y + map.m[2] * z + map.offset[0];
          const float j = map.m[3] * x + map.m[4] * y + map.m[5] * z + map.offset[1];
          const float k = map.m[6] * x + map.m[7] * y + map.m[8] * z + map.offset[2];
          LinearSample sample{};
          const bool inside = sample_linear(data, size, i, j, k, sample);
          if (with_gradient) kept[at] = {inside ? fixed_bin_[at] : -1, sample};
          if (!inside) continue;
          ++part.inside;
          const auto [first, t] = place_of(sample.value, bins_);
          const float u = 1 - t;
          float* const row = sums.data() + static_cast<std::size_t>(fixed_bin_[at] * bins_ + first);
          row[0] += u * u * u / 6;
          row[1] += (4 - 6 * t * t + 3 * t * t * t) / 6;
          row[2] += (4 - 6 * u * u + 3 * u * u * u) / 6;
          row[3] += t * t * t / 6;
        }
        part.sums.assign(sums.begin(), sums.end());
        return part;
      },
      [](Joint& total, const Joint& part) {
        for (std::size_t n = 0; n < total.sums.size(); ++n) total.sums[n] += part.sums[n];
        total.inside += part.inside;
      });

  Value value;
  value.overlap = static_cast<double>(joint.inside) / static_cast<double>(count);
  if (joint.inside < 64) return value;
  const auto bins = static_cast<std::size_t>(bins_);
  std::vector<double> fixed(bins, 0.0), moving(bins, 0.0);
  for (std::size_t f = 0; f < bins; ++f) {
    for (std::size_t m = 0; m < bins; ++m) {
      double& p = joint.sums[f * bins + m];
      p /= static_cast<double>(joint.inside);
      fixed[f] += p;
      moving[m] += p;
    }
  }
  const auto entropy = [](const std::vector<double>& p) {
    double sum = 0;
    for (const double q : p) sum -= q > 1e-12 ? q * std::log(q) : 0.0;
    return sum;
  };
  const double both = entropy(joint.sums), apart = entropy(fixed) + entropy(moving);
  value.information = apart - both;
  value.normalized = both > 1e-12 ? apart / both : 1;
  if (!with_gradient) return value;

  // What one more sample in a cell is worth; the marginal of the fixed image does not move.
  std::vector<float> worth(cells, 0.0F);
  for (std::size_t f = 0; f < bins; ++f) {
    for (std::size_t m = 0; m < bins; ++m) {
      const double p = joint.sums[f * bins + m];
      if (p > 1e-12 && moving[m] > 1e-12) worth[f * bins + m] = static_cast<float>(std::log(p / moving[m]));
    }
  }
  const Gradient sum = parallel_reduce(
      run, count, voxels_a_part, Gradient{},
      [&](std::int64_t begin, std::int64_t end) {
        Gradient part;
        for (std::int64_t n = begin; n < end; ++n) {
          const auto at = static_cast<std::size_t>(n);
          const auto& [bin, sample] = kept[at];
          if (bin < 0) continue;
          const auto [first, t] = place_of(sample.value, bins_);
          const float u = 1 - t;
          const float* const row = worth.data() + static_cast<std::size_t>(bin * bins_ + first);
          const float slope =
              -0.5F * u * u * row[0] + (1.5F * t * t - 2 * t) * row[1] + (2 * u - 1.5F * u * u) * row[2] + 0.5F * t * t * row[3];
          const std::array<double, 3> g{static_cast<double>(slope * sample.di), static_cast<double>(slope * sample.dj),
                                        static_cast<double>(slope * sample.dk)};
          const std::array<double, 3> p{x_[at], y_[at], z_[at]};
          for (std::size_t a = 0; a < 3; ++a) {
            part.shift[a] += g[a];
            for (std::size_t b = 0; b < 3; ++b) part.linear[3 * a + b] += g[a] * p[b];
          }
        }
        return part;
      },
      [](Gradient& total, const Gradient& part) {
        for (std::size_t n = 0; n < 9; ++n) total.linear[n] += part.linear[n];
        for (std::size_t n = 0; n < 3; ++n) total.shift[n] += part.shift[n];
      });
  // From voxels of the moving grid to mm: g_world = V^T g_voxel, and the same for each column of the outer product.
  const double scale = (bins_ - 4) / static_cast<double>(joint.inside);
  const Mat3 back = transposed(map.voxel_from_world);
  value.by_shift = scale * (back * Vec3{sum.shift[0], sum.shift[1], sum.shift[2]});
  for (std::size_t c = 0; c < 3; ++c) {
    value.by_linear.column[c] = scale * (back * Vec3{sum.linear[c], sum.linear[3 + c], sum.linear[6 + c]});
  }
  return value;
}

}  // namespace gantry
