// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_nodule_vessel.h"

#include <numbers>
#include <vector>

#include "gantry/analysis/ct_nodule_shape.h"

namespace gantry::analysis {

namespace {

/// Points of a disc of radius 1 with equal areas, in rings.
std::vector<std::pair<double, double>> disc_points() {
  std::vector<std::pair<double, double>> points{{0, 0}};
  constexpr int rings = 4;
  for (int ring = 1; ring <= rings; ++ring) {
    const int count = 6 * ring;
    const double radius = ring / (rings + 0.5);
    for (int n = 0; n < count; ++n) {
      const double angle = 2 * std::numbers::pi * (n + 0.5 * (ring % 2)) / count;
      points.emplace_back(radius * std::cos(angle), radius * std::sin(angle));
    }
  }
  return points;
}

}  // namespace

Continuation continuation(const CubeSampler& sampler, Vec3 centre, std::span<const float> ray_mm, double radius_mm, double core_hu,
                          double background_hu, Vec3 sample_mm) {
  static const std::vector<std::pair<double, double>> disc = disc_points();
  const double contrast = core_hu - background_hu, floor_hu = background_hu + 0.12 * contrast;
  const double wide = radius_mm + 1.0;
  const double most = std::max(contrast, 600.0);  // a dense vessel that crosses ground glass counts in full, within it and beyond
  const auto mass = [&](Vec3 along, double distance, Vec3 first, Vec3 second) {
    const Vec3 middle = centre + distance * along;
    double sum = 0;
    for (const auto& [a, b] : disc) {
      const Vec3 p = middle + (wide * a) * first + (wide * b) * second;
      if (!sampler.inside(p)) continue;
      sum += std::clamp(sampler.hu(p) - floor_hu, 0.0, most);
    }
    return sum;
  };
  const std::vector<Vec3>& directions = few_directions();
  std::vector<double> share(directions.size());
  for (std::size_t d = 0; d < directions.size(); ++d) {
    const Vec3 u = directions[d];
    const Vec3 helper = std::abs(u.z) < 0.8 ? Vec3{0, 0, 1} : Vec3{1, 0, 0};
    const Vec3 e1 = normalized(cross(u, helper)), e2 = cross(u, e1);
    const Vec3 along = sampler.voxels(u), first = sampler.voxels(e1), second = sampler.voxels(e2);
    const double blur = std::abs(u.x) * sample_mm.x + std::abs(u.y) * sample_mm.y + std::abs(u.z) * sample_mm.z;
    const double own =
        (mass(along, -0.3 * radius_mm, first, second) + mass(along, 0, first, second) + mass(along, 0.3 * radius_mm, first, second)) / 3;
    const double from = std::min(ray_radius(ray_mm, u), 1.4 * radius_mm) + 0.8 + 0.5 * blur, length = std::max(3.0, 0.8 * radius_mm);
    std::array<double, 4> beyond{};
    for (std::size_t n = 0; n < beyond.size(); ++n) {
      beyond[n] = mass(along, from + length * static_cast<double>(n) / (beyond.size() - 1), first, second);
    }
    std::sort(beyond.begin(), beyond.end());
    share[d] = own > 0 ? 0.5 * (beyond[1] + beyond[2]) / own : 0;
  }
  Continuation result;
  for (std::size_t a = 0; a < directions.size(); ++a) {
    result.one_side = std::max(result.one_side, share[a]);
    for (std::size_t b = 0; b < a; ++b) {
      if (dot(directions[a], directions[b]) < -0.17) result.through = std::max(result.through, std::min(share[a], share[b]));
    }
  }
  return result;
}

}  // namespace gantry::analysis
