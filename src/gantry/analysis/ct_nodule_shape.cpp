// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_nodule_shape.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/analysis/ct_nodule_sampler.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

constexpr int ray_count = 162, few_rays = 48;
constexpr double step_mm = 0.35;

std::vector<Vec3> spread_directions(int count) {
  std::vector<Vec3> list;
  const double golden = std::numbers::pi * (3 - std::sqrt(5.0));
  for (int n = 0; n < count; ++n) {
    const double z = 1 - 2 * (n + 0.5) / count;
    const double ring = std::sqrt(1 - z * z);
    list.push_back({ring * std::cos(golden * n), ring * std::sin(golden * n), z});
  }
  return list;
}

/// What rays from one centre meet.
struct Rays {
  const std::vector<Vec3>* directions = nullptr;
  std::vector<float> radius_mm;  ///< where the boundary lies; the limit for open rays
  std::vector<std::uint8_t> open, wall;
  double median_mm = 0, open_share = 0, wall_share = 0;
};

Rays cast(const CubeSampler& sampler, Vec3 centre, double threshold, double limit_mm, const std::vector<Vec3>& directions) {
  Rays rays;
  const std::size_t count = directions.size();
  rays.directions = &directions;
  rays.radius_mm.resize(count);
  rays.open.assign(count, 0);
  rays.wall.assign(count, 0);
  for (std::size_t r = 0; r < count; ++r) {
    const Vec3 step = step_mm * sampler.voxels(directions[r]);
    double radius = limit_mm, before = 1e9;
    bool ended = false;
    for (int n = 1; n * step_mm <= limit_mm; ++n) {
      const Vec3 p = centre + static_cast<double>(n) * step;
      if (!sampler.inside(p)) {
        radius = (n - 0.5) * step_mm;
        rays.wall[r] = ended = true;
        break;
      }
      const double value = sampler.hu(p);
      if (value < threshold) {
        const double part = before > 1e8 || before <= value ? 0.5 : (before - threshold) / (before - value);
        radius = (n - 1 + std::clamp(part, 0.0, 1.0)) * step_mm;
        ended = true;
        break;
      }
      before = value;
    }
    rays.open[r] = !ended;
    rays.radius_mm[r] = static_cast<float>(radius);
  }
  rays.median_mm = quantile(rays.radius_mm, 0.5);
  for (std::size_t r = 0; r < count; ++r) {
    rays.open_share += rays.open[r];
    rays.wall_share += rays.wall[r];
  }
  rays.open_share /= static_cast<double>(count);
  rays.wall_share /= static_cast<double>(count);
  return rays;
}

/// Shift from the present centre to the centre of the star-shaped region.
Vec3 shift_mm(const Rays& rays) {
  Vec3 sum;
  double weight = 0;
  const double most = 1.6 * rays.median_mm;
  for (std::size_t r = 0; r < rays.directions->size(); ++r) {
    const double radius = std::min<double>(rays.radius_mm[r], most);
    sum = sum + radius * radius * radius * radius * 0.75 * (*rays.directions)[r];
    weight += radius * radius * radius;
  }
  return weight > 0 ? (1.0 / weight) * sum : Vec3{};
}

/// HU of the ball of `radius_mm` that a third of it lies below: a vessel that crosses ground glass does not raise it.
double core_hu(const CubeSampler& sampler, Vec3 centre, double radius_mm) {
  std::vector<float> values{static_cast<float>(sampler.hu(centre))};
  for (const Vec3& direction : few_directions()) {
    for (const double share : {0.6, 1.0})
      values.push_back(static_cast<float>(sampler.hu(centre + share * radius_mm * sampler.voxels(direction))));
  }
  return quantile(std::move(values), 0.35);
}

/// Lung around: lower third of what lies well outside the boundary.
double surrounding_hu(const CubeSampler& sampler, Vec3 centre, double radius_mm, double fallback) {
  std::vector<float> values;
  for (const Vec3& direction : few_directions()) {
    for (const double distance : {1.5 * radius_mm + 2, 1.8 * radius_mm + 3}) {
      const Vec3 p = centre + distance * sampler.voxels(direction);
      if (sampler.inside(p)) values.push_back(static_cast<float>(sampler.hu(p)));
    }
  }
  return values.size() < 20 ? fallback : quantile(std::move(values), 0.3);
}

/// Open rays have no boundary of their own: they end where their closed neighbours suggest.
std::vector<float> closed_radii(const Rays& rays) {
  std::vector<float> radii(rays.radius_mm);
  const auto most = static_cast<float>(1.5 * rays.median_mm + 0.5);
  for (std::size_t r = 0; r < ray_count; ++r) {
    std::array<float, ray_count> near{};
    int count = 0;
    for (std::size_t q = 0; q < ray_count; ++q) {
      if (dot(ray_directions()[r], ray_directions()[q]) > 0.88 && rays.open[q] == 0)
        near[static_cast<std::size_t>(count++)] = rays.radius_mm[q];
    }
    float local = static_cast<float>(rays.median_mm);
    if (count > 0) {
      std::nth_element(near.begin(), near.begin() + count / 2, near.begin() + count);
      local = near[static_cast<std::size_t>(count / 2)];
    }
    // A thin vessel leaves as a spike above its neighbours.
    if (rays.open[r] != 0 || radii[r] > 1.15F * local + 0.25F) radii[r] = local;
    radii[r] = std::min(radii[r], most);
  }
  return radii;
}

/// Half axes of the ellipse with the second moments of one axial section: a bump hardly moves them.
std::array<double, 2> section_axes(const MaskView& body, std::int64_t k) {
  const Grid& grid = body.grid();
  double count = 0, x0 = 0, y0 = 0, xx = 0, yy = 0, xy = 0;
  for (std::int64_t j = 0; j < grid.size(1); ++j) {
    for (std::int64_t i = 0; i < grid.size(0); ++i) {
      if (body(i, j, k) == 0) continue;
      const auto x = static_cast<double>(i), y = static_cast<double>(j);
      count += 1, x0 += x, y0 += y, xx += x * x, yy += y * y, xy += x * y;
    }
  }
  if (count == 0) return {};
  x0 /= count, y0 /= count;
  xx = xx / count - x0 * x0, yy = yy / count - y0 * y0, xy = xy / count - x0 * y0;
  const double middle = 0.5 * (xx + yy), spread = std::sqrt(0.25 * (xx - yy) * (xx - yy) + xy * xy), pixel = grid.spacing_mm().x;
  return {2 * pixel * std::sqrt(middle + spread), 2 * pixel * std::sqrt(std::max(0.0, middle - spread))};
}

/// Axes in the axial section of largest area, and the volume, on a raster of a third of a millimetre. What an opening by
/// half the radius leaves, and its surface, count: the stumps of vessels do not.
void measure_sections(const CubeSampler& sampler, const NoduleShape& shape, Nodule& nodule, const Run& run) {
  const std::vector<float>& radii = shape.ray_mm;
  const double reach = *std::max_element(radii.begin(), radii.end()) + 0.8;
  const double pixel = std::max(0.33, reach / 24);
  const auto half = static_cast<std::int64_t>(std::ceil(reach / pixel)) + 1;
  const std::int64_t side = 2 * half + 1;
  Mask body(Grid({side, side, side}, {pixel, pixel, pixel}, {}));
  for (std::int64_t k = -half; k <= half; ++k) {
    for (std::int64_t j = -half; j <= half; ++j) {
      for (std::int64_t i = -half; i <= half; ++i) {
        const Vec3 offset = pixel * Vec3{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        const double distance = norm(offset);
        if (distance > reach) continue;
        const Vec3 p = shape.centre_voxel + sampler.voxels(offset);
        if (sampler.hu(p) < shape.threshold_hu || !sampler.inside(p)) continue;
        if (distance > 0.3 && distance > 1.08 * ray_radius(radii, offset) + 0.15) continue;
        body[body.grid().index(i + half, j + half, k + half)] = 1;
      }
    }
  }
  const double ball = 0.5 * shape.radius_mm;
  Mask opened = dilate(erode(body, ball, run), ball + 1.0, run);
  for (std::int64_t n = 0; n < opened.count(); ++n) opened[n] = opened[n] != 0 && body[n] != 0;
  std::int64_t voxels = 0, largest = 0, best = -1;
  for (std::int64_t k = 0; k < side; ++k) {
    std::int64_t area = 0;
    for (std::int64_t n = k * side * side; n < (k + 1) * side * side; ++n) area += opened[n];
    voxels += area;
    if (area > largest) {
      largest = area;
      best = k;
    }
  }
  nodule.volume_ml = static_cast<double>(voxels) * pixel * pixel * pixel / 1000;
  if (best < 0) return;
  const auto axes = section_axes(opened, best);
  nodule.long_mm = 2 * axes[0];
  nodule.short_mm = 2 * axes[1];
  nodule.mean_mm = 0.5 * (nodule.long_mm + nodule.short_mm);
}

/// Share of the inner two thirds that is as dense as soft tissue, and its mean.
double solid_share(const CubeSampler& sampler, Vec3 centre, const std::vector<float>& radii, double& mean_hu) {
  double solid = 0, count = 0, sum = 0;
  for (std::size_t r = 0; r < ray_count; ++r) {
    for (int n = 1; n <= 6; ++n) {
      const double radius = 0.67 * radii[r] * std::cbrt(n / 6.0);
      const double value = sampler.hu(centre + radius * sampler.voxels(ray_directions()[r]));
      solid += value > -300;
      sum += value;
      count += 1;
    }
  }
  mean_hu = sum / count;
  return solid / count;
}

/// A halo of intermediate density around a solid core belongs to the nodule: `shape`, `centre` and `rays` then go to its outer boundary.
void extend_to_halo(const CubeSampler& sampler, double slice_mm, NoduleShape& shape, Vec3& centre, Rays& rays) {
  constexpr double most_open = 0.1;
  const double contrast = shape.core_hu - shape.background_hu;
  const double outer_hu = shape.background_hu + std::max(110.0, 0.14 * contrast);
  const Rays outer = cast(sampler, centre, outer_hu, 2.4 * rays.median_mm + 3, ray_directions());
  const double smear_mm = 0.8 + 0.3 * slice_mm;  // partial volume is no halo
  if (outer.median_mm - rays.median_mm < std::max(smear_mm, 0.35 * rays.median_mm) || outer.open_share > 0.12 || shape.core_hu < -350)
    return;
  double sum = 0, count = 0;
  for (std::size_t r = 0; r < ray_count; ++r) {
    const double from = rays.radius_mm[r] + 0.6, to = outer.radius_mm[r] - 0.4;
    if (to <= from || rays.open[r] != 0) continue;
    sum += sampler.hu(centre + 0.5 * (from + to) * sampler.voxels(ray_directions()[r]));
    count += 1;
  }
  const double shell = count > 0.5 * ray_count ? sum / count : shape.background_hu;
  if (shell < shape.background_hu + 180 || shell > -350) return;
  const double threshold = 0.5 * (shell + shape.background_hu);
  Rays wide = cast(sampler, centre, threshold, 1.7 * outer.median_mm + 0.8, ray_directions());
  const Vec3 moved = centre + sampler.voxels(shift_mm(wide));
  if (!sampler.inside(moved)) return;
  wide = cast(sampler, moved, threshold, 1.7 * wide.median_mm + 0.8, ray_directions());
  if (wide.open_share > most_open) return;
  shape.halo = true;
  shape.threshold_hu = threshold;
  centre = moved;
  rays = std::move(wide);
}

}  // namespace

const std::vector<Vec3>& ray_directions() {
  static const std::vector<Vec3> directions = spread_directions(ray_count);
  return directions;
}

const std::vector<Vec3>& few_directions() {
  static const std::vector<Vec3> directions = spread_directions(few_rays);
  return directions;
}

double ray_radius(std::span<const float> ray_mm, Vec3 from_centre) {
  const double length = norm(from_centre);
  if (length < 1e-9) return ray_mm[0];
  const Vec3 direction = (1 / length) * from_centre;
  double sum = 0, weight = 0;
  for (std::size_t r = 0; r < ray_mm.size(); ++r) {
    const double away = 1 - dot(direction, ray_directions()[r]);
    if (away > 0.05) continue;  // within 18 degrees
    const double w = 1 / (away + 1e-3);
    sum += w * ray_mm[r];
    weight += w;
  }
  return weight > 0 ? sum / weight : ray_mm[0];
}

std::optional<NoduleShape> nodule_shape(const LungCube& cube, Vec3 at, double radius_mm, const NoduleSearch& search) {
  const CubeSampler sampler(cube.hu, cube.inside);
  NoduleShape shape;
  Vec3 centre = at;
  double radius = std::max(radius_mm, 1.5);
  Rays rays;
  constexpr int rounds = 4;
  for (int round = 0; round < rounds; ++round) {
    shape.core_hu = core_hu(sampler, centre, std::clamp(0.4 * radius, 0.6, 3.0));
    shape.background_hu = std::min(surrounding_hu(sampler, centre, radius, cube.background_hu), cube.background_hu + 150);
    if (shape.core_hu - shape.background_hu < 100) return std::nullopt;
    shape.threshold_hu = 0.5 * (std::min(shape.core_hu, 60.0) + shape.background_hu);
    const bool last = round == rounds - 1;
    rays = cast(sampler, centre, shape.threshold_hu, 2.0 * radius + 1.5, last ? ray_directions() : few_directions());
    radius = std::clamp(rays.median_mm, 0.8, 0.75 * search.maximum_mm);
    if (last) break;
    // A vessel at one side pulls; the centre stays within what was proposed.
    Vec3 shift = shift_mm(rays);
    if (norm(shift) > 0.5 * radius_mm) shift = (0.5 * radius_mm / norm(shift)) * shift;
    const Vec3 moved = centre + sampler.voxels(shift);
    if (sampler.inside(moved) && norm(moved - at) * sampler.spacing() < radius_mm + 1) centre = moved;
  }
  rays = cast(sampler, centre, shape.threshold_hu, 1.7 * radius + 0.8, ray_directions());
  extend_to_halo(sampler, std::max({cube.sample_mm.x, cube.sample_mm.y, cube.sample_mm.z}), shape, centre, rays);
  shape.centre_voxel = centre;
  shape.radius_mm = rays.median_mm;
  shape.wall_share = rays.wall_share;
  shape.ray_mm = closed_radii(rays);
  return shape;
}

std::optional<Nodule> measure_nodule(const LungCube& cube, const NoduleShape& shape, const NoduleSearch& search, const Run& run) {
  const CubeSampler sampler(cube.hu, cube.inside);
  Nodule nodule;
  measure_sections(sampler, shape, nodule, run);
  if (!(nodule.mean_mm >= search.minimum_mm && nodule.mean_mm <= search.maximum_mm)) return std::nullopt;
  const double share = solid_share(sampler, shape.centre_voxel, shape.ray_mm, nodule.mean_hu);
  nodule.density = NoduleDensity::part_solid;
  if (!shape.halo && (share > 0.6 || (share > 0.1 && nodule.mean_mm < std::max(6.5, 1.8 * search.slice_mm))))
    nodule.density = NoduleDensity::solid;  // too small to tell a core
  if (!shape.halo && share <= 0.1) nodule.density = NoduleDensity::ground_glass;
  if (nodule.density != NoduleDensity::solid && nodule.mean_mm < search.ground_glass_minimum_mm) return std::nullopt;
  nodule.position_mm = cube.hu.grid().world_from_voxel(shape.centre_voxel);
  nodule.touches_pleura = shape.wall_share > 0.06;
  nodule.threshold_hu = shape.threshold_hu;
  nodule.ray_mm = shape.ray_mm;
  const double half = sampler.spacing();
  const auto scaled = [&](double change) { return std::pow(std::max(0.0, 1 + change / nodule.mean_mm), 3) * nodule.volume_ml; };
  nodule.mean_mm_interval = {std::max(0.0, nodule.mean_mm - half), nodule.mean_mm + half};
  nodule.volume_ml_interval = {scaled(-half), scaled(half)};
  return nodule;
}

}  // namespace gantry::analysis
