// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiomics/enclosing.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <set>

namespace gantry::radiomics {

double ellipsoid_volume(const SemiAxes& axes) { return 4.0 / 3 * std::numbers::pi * axes[0] * axes[1] * axes[2]; }

double ellipsoid_area(const SemiAxes& axes) {
  const auto [a, b, c] = axes;
  if (!(c > 0)) return 2 * std::numbers::pi * a * b;  // both sides of a flat one
  const double alpha = std::sqrt(std::max(0.0, 1 - b * b / (a * a))), beta = std::sqrt(std::max(0.0, 1 - c * c / (a * a)));
  // sum of (alpha beta)^n / (1 - 4 n^2) P_n((alpha^2 + beta^2) / (2 alpha beta)), with the powers inside the recurrence: it stays
  // finite for a sphere, where alpha is 0.
  const double product = alpha * beta, half_sum = (alpha * alpha + beta * beta) / 2;
  double before = 1, now = half_sum, sum = 1;
  for (int n = 1; n <= 20; ++n) {
    sum += now / (1.0 - 4.0 * n * n);
    const double after = ((2 * n + 1) * half_sum * now - n * product * product * before) / (n + 1);
    before = now;
    now = after;
  }
  return 4 * std::numbers::pi * a * b * sum;
}

std::vector<Vec3> corners_mm(const ConvexHull& hull, Vec3 spacing_mm) {
  std::vector<Vec3> corners;
  for (const HalfVoxel& p : hull.points) {
    Vec3 corner;
    for (int a = 0; a < 3; ++a) {
      const auto axis = static_cast<std::size_t>(a);
      corner[a] = static_cast<double>(p[axis] - hull.points.front()[axis]) * 0.5 * spacing_mm[a];
    }
    corners.push_back(corner);
  }
  return corners;
}

HullMeasures hull_measures(const ConvexHull& hull, const std::vector<Vec3>& corners) {
  HullMeasures measures;
  const auto corner = [&](std::int32_t n) { return corners[static_cast<std::size_t>(n)]; };
  for (const auto& face : hull.faces) {
    const Vec3 a = corner(face[0]), twice = cross(corner(face[1]) - a, corner(face[2]) - a);
    measures.area_mm2 += norm(twice) / 2;
    measures.volume_mm3 += dot(a, twice) / 6;
  }
  double square = 0;
  for (std::size_t n = 0; n < corners.size(); ++n) {
    for (std::size_t m = 0; m < n; ++m) {
      const Vec3 d = corners[n] - corners[m];
      square = std::max(square, dot(d, d));
    }
  }
  measures.diameter_mm = std::sqrt(square);
  return measures;
}

namespace {

struct Flat {
  double x = 0, y = 0;
  friend auto operator<=>(const Flat&, const Flat&) = default;
};

std::vector<Flat> flat_hull(std::vector<Flat> points) {
  std::sort(points.begin(), points.end());
  std::vector<Flat> hull;
  for (int side = 0; side < 2; ++side) {
    const std::size_t base = hull.size();
    for (const Flat& p : points) {
      while (hull.size() >= base + 2) {
        const Flat &a = hull[hull.size() - 2], &b = hull.back();
        if ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) > 0) break;
        hull.pop_back();
      }
      hull.push_back(p);
    }
    hull.pop_back();
    std::reverse(points.begin(), points.end());
  }
  return hull;
}

/// The direction of a face's normal in whole numbers without a common factor; opposite faces share it.
HalfVoxel orientation_of(const ConvexHull& hull, const std::array<std::int32_t, 3>& face) {
  const auto side = [&](std::size_t n, std::size_t axis) {
    return hull.points[static_cast<std::size_t>(face[n])][axis] - hull.points[static_cast<std::size_t>(face[0])][axis];
  };
  HalfVoxel normal{};
  for (std::size_t a = 0; a < 3; ++a) {
    const std::size_t b = (a + 1) % 3, c = (a + 2) % 3;
    normal[a] = side(1, b) * side(2, c) - side(1, c) * side(2, b);
  }
  std::int64_t factor = std::gcd(std::gcd(normal[0], normal[1]), normal[2]);
  if (normal < HalfVoxel{}) factor = -factor;
  for (auto& n : normal) n /= factor;
  return normal;
}

}  // namespace

Vec3 oriented_box_mm(const ConvexHull& hull, const std::vector<Vec3>& corners) {
  Vec3 best;
  double least = INFINITY;
  const auto corner = [&](std::int32_t n) { return corners[static_cast<std::size_t>(n)]; };
  std::set<HalfVoxel> tried;
  for (const auto& face : hull.faces) {
    if (!tried.insert(orientation_of(hull, face)).second) continue;
    const Vec3 u = normalized(corner(face[1]) - corner(face[0]));
    const Vec3 normal = normalized(cross(u, corner(face[2]) - corner(face[0]))), v = cross(normal, u);
    std::vector<Flat> flat;
    double low = INFINITY, high = -INFINITY;
    for (const Vec3& p : corners) {
      flat.push_back({dot(p, u), dot(p, v)});
      low = std::min(low, dot(p, normal));
      high = std::max(high, dot(p, normal));
    }
    flat = flat_hull(std::move(flat));
    for (std::size_t n = 0; n < flat.size(); ++n) {
      const Flat &a = flat[n], &b = flat[(n + 1) % flat.size()];
      const double length = std::hypot(b.x - a.x, b.y - a.y), x = (b.x - a.x) / length, y = (b.y - a.y) / length;
      double along_low = INFINITY, along_high = -INFINITY, across_low = INFINITY, across_high = -INFINITY;
      for (const Flat& p : flat) {
        const double along = p.x * x + p.y * y, across = p.y * x - p.x * y;
        along_low = std::min(along_low, along);
        along_high = std::max(along_high, along);
        across_low = std::min(across_low, across);
        across_high = std::max(across_high, across);
      }
      const Vec3 box{along_high - along_low, across_high - across_low, high - low};
      if (box.x * box.y * box.z < least) {
        least = box.x * box.y * box.z;
        best = box;
      }
    }
  }
  return best;
}

SemiAxes enclosing_ellipsoid_mm(const std::vector<Vec3>& corners) {
  const auto count = static_cast<Eigen::Index>(corners.size());
  Eigen::MatrixXd lifted(4, count);
  for (Eigen::Index n = 0; n < count; ++n) {
    const Vec3 p = corners[static_cast<std::size_t>(n)];
    lifted.col(n) << p.x, p.y, p.z, 1;
  }
  Eigen::VectorXd weight = Eigen::VectorXd::Constant(count, 1.0 / static_cast<double>(count));
  for (int step = 0; step < 5000; ++step) {
    const Eigen::Matrix4d moment = lifted * weight.asDiagonal() * lifted.transpose();
    const Eigen::VectorXd reach = (lifted.array() * (moment.inverse() * lifted).array()).colwise().sum();
    Eigen::Index farthest = 0;
    const double most = reach.maxCoeff(&farthest);
    if (most < 4 * (1 + 5e-4)) break;
    const double stride = (most - 4) / (4 * (most - 1));
    weight *= 1 - stride;
    weight[farthest] += stride;
  }
  const Eigen::MatrixXd points = lifted.topRows(3);
  const Eigen::Vector3d centre = points * weight;
  const Eigen::Matrix3d spread = points * weight.asDiagonal() * points.transpose() - centre * centre.transpose();
  // Every corner inside, whatever step it ended with.
  const Eigen::Matrix3d inverse = spread.inverse();
  double scale = 0;
  for (Eigen::Index n = 0; n < count; ++n) {
    const Eigen::Vector3d d = points.col(n) - centre;
    scale = std::max(scale, d.dot(inverse * d));
  }
  const Eigen::Vector3d values = Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d>(spread, Eigen::EigenvaluesOnly).eigenvalues();
  return {std::sqrt(scale * values[2]), std::sqrt(scale * values[1]), std::sqrt(scale * values[0])};
}

}  // namespace gantry::radiomics
