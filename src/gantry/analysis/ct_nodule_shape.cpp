// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_nodule_shape.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/volume/measure.h"

namespace gantry::analysis {

namespace {

constexpr int ray_count = 162, few_rays = 48;
constexpr double step_mm = 0.35;

/// Linear interpolation on cubes; outside the volume the nearest voxel counts.
class Sampler {
 public:
  Sampler(const VoxelView<float>& hu, const MaskView& inside)
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

const std::vector<Vec3>& few_directions() {
  static const std::vector<Vec3> directions = spread_directions(few_rays);
  return directions;
}

/// What rays from one centre meet.
struct Rays {
  const std::vector<Vec3>* directions = nullptr;
  std::vector<float> radius_mm;  ///< where the boundary lies; the limit for open rays
  std::vector<std::uint8_t> open, wall;
  double median_mm = 0, open_share = 0, wall_share = 0;
};

Rays cast(const Sampler& sampler, Vec3 centre, double threshold, double limit_mm, const std::vector<Vec3>& directions) {
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

/// Half axes of the cloud of boundary points, longest first, relative to a ball's.
std::array<double, 3> half_axes(const Rays& rays) {
  Eigen::Matrix3d m = Eigen::Matrix3d::Zero();
  Eigen::Vector3d mean = Eigen::Vector3d::Zero();
  std::vector<Eigen::Vector3d> points;
  const auto count = static_cast<double>(rays.directions->size());
  for (std::size_t r = 0; r < rays.directions->size(); ++r) {
    const Vec3 d = (*rays.directions)[r];
    points.emplace_back(rays.radius_mm[r] * Eigen::Vector3d(d.x, d.y, d.z));
    mean += points.back() / count;
  }
  for (const auto& p : points) m += (p - mean) * (p - mean).transpose() * (3.0 / count);
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(m, Eigen::EigenvaluesOnly);
  const Eigen::Vector3d v = solver.eigenvalues().cwiseMax(1e-6).cwiseSqrt();
  return {v[2], v[1], v[0]};
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

/// Mean HU of the ball of `radius_mm`, by rays.
double core_hu(const Sampler& sampler, Vec3 centre, double radius_mm) {
  double sum = sampler.hu(centre), count = 1;
  for (const Vec3& direction : few_directions()) {
    for (const double share : {0.6, 1.0}) {
      sum += sampler.hu(centre + share * radius_mm * sampler.voxels(direction));
      count += 1;
    }
  }
  return sum / count;
}

/// Lung around: lower third of what lies well outside the boundary.
double surrounding_hu(const Sampler& sampler, Vec3 centre, double radius_mm, double fallback) {
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

/// Axes of the ellipse that fits the axial section with the largest area, and the volume, on a raster of a third of a millimetre.
void measure_sections(const Sampler& sampler, Vec3 centre, const std::vector<float>& radii, double threshold, Nodule& nodule) {
  const double reach = *std::max_element(radii.begin(), radii.end()) + 0.8;
  const double pixel = std::max(0.3, reach / 40), step_z = std::max(0.5, reach / 25);
  const auto half = static_cast<int>(std::ceil(reach / pixel)), half_z = static_cast<int>(std::ceil(reach / step_z));
  double best_area = 0, volume = 0;
  std::vector<std::pair<double, double>> best, points;
  for (int k = -half_z; k <= half_z; ++k) {
    points.clear();
    for (int j = -half; j <= half; ++j) {
      for (int i = -half; i <= half; ++i) {
        const Vec3 offset{i * pixel, j * pixel, k * step_z};
        const double distance = norm(offset);
        if (distance > reach) continue;
        const Vec3 p = centre + sampler.voxels(offset);
        if (sampler.hu(p) < threshold || !sampler.inside(p)) continue;
        if (distance > 0.3 && distance > 1.08 * ray_radius(radii, offset) + 0.15) continue;
        points.emplace_back(offset.x, offset.y);
      }
    }
    const double area = static_cast<double>(points.size()) * pixel * pixel;
    volume += area * step_z;
    if (area > best_area) {
      best_area = area;
      best = points;
    }
  }
  nodule.volume_ml = volume / 1000;
  if (best.empty()) return;
  // Axes of the ellipse with the section's second moments: a spike or the stump of a vessel hardly moves them.
  double x0 = 0, y0 = 0, xx = 0, yy = 0, xy = 0;
  const auto count = static_cast<double>(best.size());
  for (const auto& [x, y] : best) {
    x0 += x / count;
    y0 += y / count;
  }
  for (const auto& [x, y] : best) {
    xx += (x - x0) * (x - x0) / count;
    yy += (y - y0) * (y - y0) / count;
    xy += (x - x0) * (y - y0) / count;
  }
  const double middle = 0.5 * (xx + yy), spread = std::sqrt(0.25 * (xx - yy) * (xx - yy) + xy * xy);
  nodule.long_mm = 4 * std::sqrt(middle + spread);
  nodule.short_mm = 4 * std::sqrt(std::max(0.0, middle - spread));
  nodule.mean_mm = 0.5 * (nodule.long_mm + nodule.short_mm);
}

/// Share of the inner two thirds that is as dense as soft tissue, and its mean.
double solid_share(const Sampler& sampler, Vec3 centre, const std::vector<float>& radii, double& mean_hu) {
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

}  // namespace

const std::vector<Vec3>& ray_directions() {
  static const std::vector<Vec3> directions = spread_directions(ray_count);
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

std::optional<NoduleShape> nodule_shape(const VoxelView<float>& hu, const MaskView& inside, Vec3 at, double radius_mm, double background_hu,
                                        const NoduleSearch& search) {
  const Sampler sampler(hu, inside);
  NoduleShape shape;
  Vec3 centre = at;
  double radius = std::max(radius_mm, 1.5);
  Rays rays;
  constexpr int rounds = 4;
  for (int round = 0; round < rounds; ++round) {
    shape.core_hu = core_hu(sampler, centre, std::clamp(0.4 * radius, 0.6, 3.0));
    shape.background_hu = std::min(surrounding_hu(sampler, centre, radius, background_hu), background_hu + 150);
    if (shape.core_hu - shape.background_hu < 130) return std::nullopt;
    shape.threshold_hu = 0.5 * (std::min(shape.core_hu, 60.0) + shape.background_hu);
    const bool last = round == rounds - 1;
    rays = cast(sampler, centre, shape.threshold_hu, 2.0 * radius + 1.5, last ? ray_directions() : few_directions());
    radius = std::clamp(rays.median_mm, 0.8, 0.75 * search.maximum_mm);
    if (round >= 1 && rays.open_share > 0.3) return std::nullopt;
    if (last) break;
    const Vec3 shift = shift_mm(rays);
    if (norm(shift) > 2.5 * radius_mm + 2) return std::nullopt;
    centre = centre + sampler.voxels(shift);
    if (!sampler.inside(centre)) return std::nullopt;
  }
  if (2 * radius < 0.7 * search.minimum_mm || 2 * radius > 1.2 * search.maximum_mm) return std::nullopt;
  rays = cast(sampler, centre, shape.threshold_hu, 1.7 * radius + 0.8, ray_directions());

  // A halo of intermediate density around a solid core belongs to the nodule.
  const double contrast = shape.core_hu - shape.background_hu;
  const Rays outer = cast(sampler, centre, shape.background_hu + std::max(110.0, 0.14 * contrast), 2.4 * radius + 3, ray_directions());
  if (outer.median_mm - rays.median_mm > std::max(1.7, 0.35 * rays.median_mm) && outer.open_share < 0.12 && shape.core_hu > -350) {
    double sum = 0, count = 0;
    for (std::size_t r = 0; r < ray_count; ++r) {
      const double from = rays.radius_mm[r] + 0.9, to = outer.radius_mm[r] - 0.7;
      if (to <= from || rays.open[r] != 0) continue;
      sum += sampler.hu(centre + 0.5 * (from + to) * sampler.voxels(ray_directions()[r]));
      count += 1;
    }
    const double shell = count > 0.5 * ray_count ? sum / count : shape.background_hu;
    if (shell > shape.background_hu + 140 && shell < -350) {
      shape.halo = true;
      shape.threshold_hu = 0.5 * (shell + shape.background_hu);
      rays = cast(sampler, centre, shape.threshold_hu, 1.7 * outer.median_mm + 0.8, ray_directions());
      centre = centre + sampler.voxels(shift_mm(rays));
      if (!sampler.inside(centre)) return std::nullopt;
      rays = cast(sampler, centre, shape.threshold_hu, 1.7 * rays.median_mm + 0.8, ray_directions());
    }
  }

  if (rays.open_share > 0.085 || rays.wall_share > 0.55) return std::nullopt;
  const auto axes = half_axes(rays);
  if (axes[0] > 2.0 * axes[1] || axes[0] > 2.4 * axes[2]) return std::nullopt;
  shape.centre_voxel = centre;
  shape.radius_mm = rays.median_mm;
  shape.open_share = rays.open_share;
  shape.wall_share = rays.wall_share;
  shape.flatness = axes[0] / axes[2];
  shape.score = (1 - 5 * rays.open_share) * (1 - 0.55 * rays.wall_share) / shape.flatness;
  if (shape.score < search.least_score) return std::nullopt;
  shape.ray_mm = closed_radii(rays);
  return shape;
}

std::optional<Nodule> measure_nodule(const VoxelView<float>& hu, const MaskView& inside, const NoduleShape& shape,
                                     const NoduleSearch& search) {
  const Sampler sampler(hu, inside);
  Nodule nodule;
  measure_sections(sampler, shape.centre_voxel, shape.ray_mm, shape.threshold_hu, nodule);
  if (!(nodule.mean_mm >= search.minimum_mm && nodule.mean_mm <= search.maximum_mm)) return std::nullopt;
  if (nodule.long_mm > 2.2 * nodule.short_mm) return std::nullopt;
  const double share = solid_share(sampler, shape.centre_voxel, shape.ray_mm, nodule.mean_hu);
  nodule.density = NoduleDensity::part_solid;
  if (!shape.halo && (share > 0.6 || (share > 0.1 && nodule.mean_mm < 6.5)))
    nodule.density = NoduleDensity::solid;  // too small to tell a core
  if (!shape.halo && share <= 0.1) nodule.density = NoduleDensity::ground_glass;
  if (nodule.density == NoduleDensity::ground_glass && nodule.mean_mm < search.ground_glass_minimum_mm) return std::nullopt;
  nodule.position_mm = hu.grid().world_from_voxel(shape.centre_voxel);
  nodule.touches_pleura = shape.wall_share > 0.06;
  nodule.threshold_hu = shape.threshold_hu;
  nodule.ray_mm = shape.ray_mm;
  nodule.score = shape.score;
  nodule.open_share = shape.open_share;
  nodule.wall_share = shape.wall_share;
  nodule.flatness = shape.flatness;
  const double half = sampler.spacing();
  const auto scaled = [&](double change) { return std::pow(std::max(0.0, 1 + change / nodule.mean_mm), 3) * nodule.volume_ml; };
  nodule.mean_mm_interval = {std::max(0.0, nodule.mean_mm - half), nodule.mean_mm + half};
  nodule.volume_ml_interval = {scaled(-half), scaled(half)};
  return nodule;
}

}  // namespace gantry::analysis
