// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr_shape.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/compute/parallel.h"

namespace gantry::analysis {

namespace {

/// Evened intensities inside the space, 0 outside it, for fast trilinear look-ups: shape counts as much as content.
class EvenedHead {
 public:
  explicit EvenedHead(const BrainExtraction& brain) : grid_(brain.grid), even_(Voxels<float>::uninitialized(brain.grid)) {
    for (std::int64_t n = 0; n < even_.count(); ++n) even_[n] = brain.intracranial[n] != 0 ? brain.image[n] / brain.bias[n] : 0.0F;
  }
  float value(std::int64_t n) const { return even_[n]; }
  /// At a voxel of the working grid; 0 outside it.
  double at(Vec3 v) const {
    const Size3 size = grid_.size();
    const auto i = static_cast<std::int64_t>(std::floor(v.x));
    const auto j = static_cast<std::int64_t>(std::floor(v.y));
    const auto k = static_cast<std::int64_t>(std::floor(v.z));
    if (i < 0 || j < 0 || k < 0 || i + 1 >= size[0] || j + 1 >= size[1] || k + 1 >= size[2]) return 0;
    const double x = v.x - static_cast<double>(i);
    const double y = v.y - static_cast<double>(j);
    const double z = v.z - static_cast<double>(k);
    const std::int64_t row = size[0];
    const std::int64_t slice = size[0] * size[1];
    const float* const p = even_.data() + i + row * j + slice * k;
    const auto along = [&](const float* q) { return q[0] + x * (q[1] - q[0]); };
    const double below = along(p) + y * (along(p + row) - along(p));
    const double above = along(p + slice) + y * (along(p + slice + row) - along(p + slice));
    return below + z * (above - below);
  }
  const Grid& grid() const { return grid_; }

 private:
  const Grid& grid_;
  Voxels<float> even_;
};

struct Point {
  Vec3 voxel;  ///< the working grid runs along the axes of the world with equal spacing: mirrored in voxels as in millimetres
  double value;
};

double correlation(const EvenedHead& sampler, const std::vector<Point>& points, Vec3 through_mm, Vec3 normal, const Run& run) {
  const Vec3 through = sampler.grid().voxel_from_world(through_mm);
  struct Sums {
    double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  };
  const Sums s = parallel_reduce(
      run, static_cast<std::int64_t>(points.size()), 2048, Sums{},
      [&](std::int64_t begin, std::int64_t end) {
        Sums part;
        for (std::int64_t n = begin; n < end; ++n) {
          const Point& p = points[static_cast<std::size_t>(n)];
          const double mirrored = sampler.at(p.voxel - 2 * dot(p.voxel - through, normal) * normal);
          part.a += p.value;
          part.b += mirrored;
          part.aa += p.value * p.value;
          part.bb += mirrored * mirrored;
          part.ab += p.value * mirrored;
        }
        return part;
      },
      [](Sums& t, const Sums& p) {
        t.a += p.a;
        t.b += p.b;
        t.aa += p.aa;
        t.bb += p.bb;
        t.ab += p.ab;
      });
  const auto n = static_cast<double>(points.size());
  const double va = s.aa - s.a * s.a / n;
  const double vb = s.bb - s.b * s.b / n;
  return va > 0 && vb > 0 ? (s.ab - s.a * s.b / n) / std::sqrt(va * vb) : 0.0;
}

Vec3 normal_of(double yaw_degrees, double roll_degrees) {
  const double yaw = yaw_degrees * std::numbers::pi / 180;
  const double roll = roll_degrees * std::numbers::pi / 180;
  return {std::cos(yaw) * std::cos(roll), std::sin(yaw) * std::cos(roll), std::sin(roll)};
}

}  // namespace

MidPlane find_mid_plane(const BrainExtraction& brain, const Run& run) {
  const EvenedHead sampler(brain);
  const Size3 size = brain.grid.size();
  Vec3 centre;
  double count = 0;
  // Also points around the space take part, so that its outline counts: the mask grown by what the step leaves over.
  const auto points_every = [&](std::int64_t step) {
    std::vector<Point> points;
    for (std::int64_t k = step / 2; k < size[2]; k += step) {
      for (std::int64_t j = step / 2; j < size[1]; j += step) {
        for (std::int64_t i = step / 2; i < size[0]; i += step) {
          const std::int64_t n = brain.grid.index(i, j, k);
          if (brain.intracranial[n] == 0) continue;
          points.push_back({{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}, sampler.value(n)});
        }
      }
    }
    return points;
  };
  for (const Point& p : points_every(2)) {
    centre = centre + brain.grid.world_from_voxel(p.voxel);
    ++count;
  }
  MidPlane plane;
  if (count == 0) return plane;
  centre = (1 / count) * centre;
  const std::vector<Point> coarse = points_every(5);
  double yaw = 0;
  double roll = 0;
  double shift = 0;
  double best = -1;
  for (double y = -24; y <= 24; y += 6) {
    for (double r = -24; r <= 24; r += 6) {
      for (double s = -12; s <= 12; s += 4) {
        const Vec3 normal = normal_of(y, r);
        const double c = correlation(sampler, coarse, centre + s * normal, normal, run);
        if (c > best) best = c, yaw = y, roll = r, shift = s;
      }
    }
  }
  const std::vector<Point> fine = points_every(3);
  best = -1;
  double angle_step = 3;
  double shift_step = 2;
  for (int halving = 0; halving < 6; ++halving) {
    for (bool moved = true; moved;) {
      moved = false;
      for (int direction = 0; direction < 6; ++direction) {
        const double sign = direction % 2 == 0 ? 1 : -1;
        const double y = yaw + (direction / 2 == 0 ? sign * angle_step : 0);
        const double r = roll + (direction / 2 == 1 ? sign * angle_step : 0);
        const double s = shift + (direction / 2 == 2 ? sign * shift_step : 0);
        if (std::abs(y) > 30 || std::abs(r) > 30 || std::abs(s) > 20) continue;
        const Vec3 normal = normal_of(y, r);
        const double c = correlation(sampler, fine, centre + s * normal, normal, run);
        if (c > best + 1e-9) best = c, yaw = y, roll = r, shift = s, moved = true;
      }
    }
    angle_step /= 2;
    shift_step /= 2;
  }
  plane.normal = normal_of(yaw, roll);
  plane.point_mm = centre + shift * plane.normal;
  plane.correlation = std::max(0.0, best);
  return plane;
}

double Sides::asymmetry_percent() const {
  const double mean = 0.5 * (left_ml + right_ml);
  return mean > 0 ? 100 * (left_ml - right_ml) / mean : 0;
}

Sides split_sides(const VoxelView<std::uint8_t>& shares, double full, const MidPlane& plane, const Run& run) {
  const Grid& grid = shares.grid();
  const Size3 size = grid.size();
  struct Sums {
    std::int64_t left = 0, right = 0;
  };
  const Sums s = parallel_reduce(
      run, size[2], 4, Sums{},
      [&](std::int64_t begin, std::int64_t end) {
        Sums part;
        for (std::int64_t k = begin; k < end; ++k) {
          for (std::int64_t j = 0; j < size[1]; ++j) {
            for (std::int64_t i = 0; i < size[0]; ++i) {
              const std::uint8_t v = shares[grid.index(i, j, k)];
              if (v == 0) continue;
              const double side =
                  plane.side_mm(grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}));
              (side > 0 ? part.left : part.right) += v;
            }
          }
        }
        return part;
      },
      [](Sums& t, const Sums& p) {
        t.left += p.left;
        t.right += p.right;
      });
  const double unit = grid.voxel_volume_mm3() / 1000 / full;
  return {static_cast<double>(s.left) * unit, static_cast<double>(s.right) * unit};
}

double surface_mm2(const MaskView& mask) {
  const Grid& grid = mask.grid();
  const Size3 size = grid.size();
  const Vec3 d = grid.spacing_mm();
  const std::array<double, 3> face{d.y * d.z, d.x * d.z, d.x * d.y};
  const std::array<std::int64_t, 3> stride{1, size[0], size[0] * size[1]};
  std::array<std::int64_t, 3> faces{};
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i) {
        const std::int64_t n = grid.index(i, j, k);
        if (mask[n] == 0) continue;
        const std::array<std::int64_t, 3> at{i, j, k};
        for (std::size_t a = 0; a < 3; ++a) {
          if (at[a] == 0 || mask[n - stride[a]] == 0) ++faces[a];
          if (at[a] + 1 == size[a] || mask[n + stride[a]] == 0) ++faces[a];
        }
      }
    }
  }
  double area = 0;
  for (std::size_t a = 0; a < 3; ++a) area += static_cast<double>(faces[a]) * face[a];
  return area * 2 / 3;
}

}  // namespace gantry::analysis
