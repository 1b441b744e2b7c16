// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_heart.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/compute/parallel.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

/// Functions on the sphere as values at evenly spread directions with their neighbours.
class Sphere {
 public:
  static constexpr std::size_t count = 2000, near = 8;

  Sphere() : direction_(count), neighbour_(count), bucket_(rows * columns) {
    const double golden = std::numbers::pi * (3 - std::sqrt(5.0));
    for (std::size_t n = 0; n < count; ++n) {
      const double z = 1 - (2 * static_cast<double>(n) + 1) / count, r = std::sqrt(1 - z * z), a = golden * static_cast<double>(n);
      direction_[n] = {r * std::cos(a), r * std::sin(a), z};
    }
    std::vector<std::vector<std::size_t>> near_by(count);
    for (std::size_t n = 0; n < count; ++n) {
      for (const std::size_t m : nearest(direction_[n], near + 1)) {
        if (m == n) continue;
        near_by[n].push_back(m);
        near_by[m].push_back(n);
      }
    }
    for (std::size_t n = 0; n < count; ++n) {
      std::sort(near_by[n].begin(), near_by[n].end());
      near_by[n].erase(std::unique(near_by[n].begin(), near_by[n].end()), near_by[n].end());
      neighbour_[n] = std::move(near_by[n]);
    }
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        const double z = 1 - (2 * static_cast<double>(row) + 1) / rows, r = std::sqrt(1 - z * z);
        const double a = 2 * std::numbers::pi * (static_cast<double>(column) + 0.5) / columns;
        bucket_[row * columns + column] = static_cast<std::uint16_t>(nearest({r * std::cos(a), r * std::sin(a), z}, 1)[0]);
      }
    }
  }
  const std::vector<Vec3>& directions() const { return direction_; }
  const std::vector<std::size_t>& neighbours(std::size_t n) const { return neighbour_[n]; }

  /// The value towards the unit vector `d`, by Gaussian weights over the nearest direction's neighbourhood.
  double sample(const std::vector<double>& values, Vec3 d) const {
    const auto row = std::min<std::size_t>(rows - 1, static_cast<std::size_t>(std::max(0.0, 0.5 * (1 - d.z) * rows)));
    double a = std::atan2(d.y, d.x) / (2 * std::numbers::pi);
    if (a < 0) a += 1;
    const auto column = std::min<std::size_t>(columns - 1, static_cast<std::size_t>(a * columns));
    const std::size_t middle = bucket_[row * columns + column];
    double sum = 0, weight = 0;
    const auto add = [&](std::size_t n) {
      const double w = std::exp(-(1 - dot(direction_[n], d)) / (width * width));
      sum += w * values[n];
      weight += w;
    };
    add(middle);
    for (const std::size_t n : neighbour_[middle]) add(n);
    return sum / weight;
  }

 private:
  static constexpr std::size_t rows = 60, columns = 120;
  static constexpr double width = 0.06;  // rad, of the interpolation
  std::vector<std::size_t> nearest(Vec3 d, std::size_t how_many) const {
    std::vector<std::pair<double, std::size_t>> by_distance;
    const double z_reach = 0.35;
    for (std::size_t n = 0; n < count; ++n) {
      if (std::abs(direction_[n].z - d.z) < z_reach) by_distance.emplace_back(-dot(direction_[n], d), n);
    }
    std::partial_sort(by_distance.begin(), by_distance.begin() + static_cast<std::ptrdiff_t>(how_many), by_distance.end());
    std::vector<std::size_t> result;
    for (std::size_t k = 0; k < how_many; ++k) result.push_back(by_distance[k].second);
    return result;
  }
  std::vector<Vec3> direction_;
  std::vector<std::vector<std::size_t>> neighbour_;
  std::vector<std::uint16_t> bucket_;
};

/// Minimises sum w (r - h)^2 + bending |L r|^2 + stretching r . L r, L the graph Laplacian, by conjugate gradients.
std::vector<double> smooth_radii(const Sphere& sphere, const std::vector<double>& height, const std::vector<double>& weight, double bending,
                                 double stretching, std::vector<double> radius) {
  constexpr std::size_t count = Sphere::count;
  const auto laplacian = [&](const std::vector<double>& x) {
    std::vector<double> y(count);
    for (std::size_t n = 0; n < count; ++n) {
      double sum = 0;
      for (const std::size_t m : sphere.neighbours(n)) sum += x[n] - x[m];
      y[n] = sum / Sphere::near;
    }
    return y;
  };
  const auto product = [&](const std::vector<double>& x) {
    const std::vector<double> first = laplacian(x), second = laplacian(first);
    std::vector<double> y(count);
    for (std::size_t n = 0; n < count; ++n) y[n] = weight[n] * x[n] + bending * second[n] + stretching * first[n];
    return y;
  };
  std::vector<double> residual = product(radius), step;
  double square = 0, start = 0;
  for (std::size_t n = 0; n < count; ++n) {
    residual[n] = weight[n] * height[n] - residual[n];
    square += residual[n] * residual[n];
    start += weight[n] * height[n] * height[n];
  }
  step = residual;
  for (int pass = 0; pass < 600 && square > 1e-10 * start; ++pass) {
    const std::vector<double> moved = product(step);
    double curvature = 0;
    for (std::size_t n = 0; n < count; ++n) curvature += step[n] * moved[n];
    const double length = square / curvature;
    double next = 0;
    for (std::size_t n = 0; n < count; ++n) {
      radius[n] += length * step[n];
      residual[n] -= length * moved[n];
      next += residual[n] * residual[n];
    }
    for (std::size_t n = 0; n < count; ++n) step[n] = residual[n] + next / square * step[n];
    square = next;
  }
  return radius;
}

/// Pleura, pericardium and the fat between them.
constexpr double covering_mm = 2;

/// What a ray meets first.
enum class Stop : std::uint8_t { nothing, lung, bone, border };
struct Hit {
  Stop stop = Stop::nothing;
  double mm = 0;
};

class Rays {
 public:
  Rays(const WorkingVolume& volume, const MaskView& body, const Lungs& lungs, const MaskView& bone)
      : volume_(volume), body_(body), lungs_(lungs), bone_(bone) {}
  static constexpr double farthest_mm = 140;

  Hit run(Vec3 from_voxel, Vec3 direction) const {
    const Grid& grid = volume_.hu.grid();
    const Vec3 s = grid.spacing_mm();
    for (double mm = 2; mm < farthest_mm; mm += 1) {
      const auto i = static_cast<std::int64_t>(std::lround(from_voxel.x + mm * direction.x / s.x));
      const auto j = static_cast<std::int64_t>(std::lround(from_voxel.y + mm * direction.y / s.y));
      const auto k = static_cast<std::int64_t>(std::lround(from_voxel.z + mm * direction.z / s.z));
      if (i < 0 || j < 0 || k < 0 || i >= grid.size(0) || j >= grid.size(1) || k >= grid.size(2)) return {Stop::border, mm - 0.5};
      const std::int64_t n = grid.index(i, j, k);
      if (lungs_.side[n] != 0) return {Stop::lung, mm - 0.5};
      if (volume_.padding[n] != 0 || body_[n] == 0) return {Stop::border, mm - 0.5};
      if (bone_[n] != 0) return {Stop::bone, mm - 0.5};
    }
    return {Stop::nothing, farthest_mm};
  }

 private:
  const WorkingVolume& volume_;
  MaskView body_;
  const Lungs& lungs_;
  MaskView bone_;
};

/// The level of the top of the right dome of the diaphragm, as a slice: the lowest voxels of the right lung over its inner part.
std::int64_t dome_slice(const Lungs& lungs, const Run& run) {
  const Grid& grid = lungs.side.grid();
  const std::int64_t plane = grid.size(0) * grid.size(1);
  Mask outside(Grid({grid.size(0), grid.size(1), 1}, grid.spacing_mm()));
  std::vector<std::int64_t> lowest(static_cast<std::size_t>(plane), -1);
  for (std::int64_t k = grid.size(2) - 1; k >= 0; --k) {
    for (std::int64_t n = 0; n < plane; ++n) {
      if (lungs.side[n + k * plane] == 2) lowest[static_cast<std::size_t>(n)] = k;
    }
  }
  for (std::int64_t n = 0; n < plane; ++n) outside[n] = lowest[static_cast<std::size_t>(n)] < 0;
  const Voxels<float> depth = distance(outside, run);
  float deepest = 0;
  for (const float d : depth.values()) deepest = std::max(deepest, std::isfinite(d) ? d : 0.0F);
  std::int64_t dome = 0;
  for (std::int64_t n = 0; n < plane; ++n) {
    if (depth[n] > 0.6F * deepest) dome = std::max(dome, lowest[static_cast<std::size_t>(n)]);
  }
  return dome;
}

}  // namespace

std::int64_t carina_slice(const MaskView& lumen, const Run& run) {
  const Grid& grid = lumen.grid();
  const std::int64_t plane = grid.size(0) * grid.size(1);
  const double pixel_mm2 = grid.spacing_mm().x * grid.spacing_mm().y;
  // From the head down along the trachea, the first single wide part, until it goes over into two wide parts.
  Mask trachea;
  std::int64_t highest = -1, lowest = -1;
  for (std::int64_t k = grid.size(2) - 1; k >= 0; --k) {
    Mask slice(Grid({grid.size(0), grid.size(1), 1}, grid.spacing_mm()));
    for (std::int64_t n = 0; n < plane; ++n) slice[n] = lumen[n + k * plane];
    const Components parts = connected_components(slice, Connectivity::edges, run);
    std::vector<std::uint8_t> below(parts.items.size(), highest < 0);  // touches the trachea of the slice above
    for (std::int64_t n = 0; n < plane && highest >= 0; ++n) {
      if (slice[n] != 0 && trachea[n] != 0) below[static_cast<std::size_t>(parts.labels[n] - 1)] = 1;
    }
    std::int64_t widest = -1;
    int wide = 0;
    for (std::size_t p = 0; p < parts.items.size(); ++p) {
      if (below[p] == 0 || static_cast<double>(parts.items[p].voxels) * pixel_mm2 < (highest < 0 ? 60 : 25)) continue;
      if (++wide == 1) widest = static_cast<std::int64_t>(p);
    }
    if (wide > 1 && highest >= 0) return k + 1;
    if (wide == 0 && highest >= 0) break;
    if (wide != 1) continue;
    if (highest < 0) highest = k;
    lowest = k;
    for (std::int64_t n = 0; n < plane; ++n) slice[n] = parts.labels[n] == widest + 1;
    trachea = std::move(slice);
  }
  // A lumen that ends without a division ends at it: the walls between the bronchi are thin there.
  return highest >= 0 && static_cast<double>(highest - lowest) * grid.spacing_mm().z >= 29 ? lowest : -1;
}

Mask find_bone(const WorkingVolume& volume, const MaskView& body, const Lungs& lungs, const Run& run) {
  const Grid& grid = volume.hu.grid();
  Mask bright = Mask::uninitialized(grid), outside = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < bright.count(); ++n) {
    bright[n] = body[n] != 0 && volume.hu[n] > 200;
    outside[n] = body[n] == 0;
  }
  const Components parts = connected_components(bright, Connectivity::edges, run);
  const Mask rim = dilate(outside, 35.0, run);
  std::vector<std::int64_t> shallow(parts.items.size());
  for (std::int64_t n = 0; n < bright.count(); ++n) {
    if (bright[n] != 0) shallow[static_cast<std::size_t>(parts.labels[n] - 1)] += rim[n];
  }
  for (std::int64_t n = 0; n < bright.count(); ++n) {
    if (bright[n] == 0) continue;
    const auto p = static_cast<std::size_t>(parts.labels[n] - 1);
    const auto& item = parts.items[p];
    const bool near_skin = shallow[p] >= 6;
    bright[n] = item.voxels >= 20 && (near_skin || item.touches_border);
  }
  // Between the lungs, behind the sternum and before the spine there is no bone, but there may be contrast agent. Levels where the lungs
  // are less than half as large as at their widest do not show the chest from front to back.
  const std::int64_t plane = grid.size(0) * grid.size(1);
  std::vector<std::int64_t> area(static_cast<std::size_t>(grid.size(2)));
  for (std::int64_t n = 0; n < lungs.side.count(); ++n) area[static_cast<std::size_t>(n / plane)] += lungs.side[n] != 0;
  const std::int64_t widest = *std::max_element(area.begin(), area.end());
  const auto wide = std::count_if(area.begin(), area.end(), [&](std::int64_t a) { return 2 * a > widest; });
  if (!lungs.left || !lungs.right || static_cast<double>(wide) * grid.spacing_mm().z < 60) return bright;
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    if (2 * area[static_cast<std::size_t>(k)] <= widest) continue;
    std::int64_t front = grid.size(1), back = -1;
    std::vector<std::array<std::int64_t, 2>> gap(static_cast<std::size_t>(grid.size(1)), {grid.size(0), -1});
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      auto& [right_begin, left_end] = gap[static_cast<std::size_t>(j)];
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const std::uint8_t side = lungs.side[grid.index(i, j, k)];
        if (side == 2) right_begin = std::min(right_begin, i);
        if (side == 1) left_end = i;
        if (side == 0) continue;
        front = std::min(front, j);
        back = j;
      }
    }
    for (std::int64_t j = front + (back - front) * 3 / 20; j <= front + (back - front) * 62 / 100; ++j) {
      const auto& [right_begin, left_end] = gap[static_cast<std::size_t>(j)];
      for (std::int64_t i = right_begin; i <= left_end; ++i) bright[grid.index(i, j, k)] = 0;
    }
  }
  return bright;
}

Heart find_heart(const WorkingVolume& volume, const MaskView& body, const Airways& airways, const Lungs& lungs, const Run& run) {
  Heart heart;
  const auto refuse = [](const char* en, const char* zh) {
    Heart none;
    none.reason = {en, zh};
    return none;
  };
  if (!lungs.left || !lungs.right) {
    return refuse("it is looked for between both lungs, and they are not both in view", "在两肺之间寻找心脏，而双肺未同时显示");
  }
  const Grid& grid = volume.hu.grid();
  const Vec3 s = grid.spacing_mm();
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2);
  const Mask bone = find_bone(volume, body, lungs, run);
  Mask left = Mask::uninitialized(grid), right = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < left.count(); ++n) {
    left[n] = lungs.side[n] == 1;
    right[n] = lungs.side[n] == 2;
  }
  const VoxelBox left_box = bounding_box(left, 0), right_box = bounding_box(right, 0);
  const std::int64_t bottom = std::max(left_box.begin[2], right_box.begin[2]), top = std::min(left_box.end[2], right_box.end[2]);
  if (static_cast<double>(top - bottom) * s.z < 90) {
    return refuse("less than 90 mm of both lungs lie side by side in view", "视野内双肺并列的长度不足 90 mm");
  }
  std::int64_t carina = airways.found ? carina_slice(airways.lumen, run) : -1;
  const std::int64_t dome = std::max(dome_slice(lungs, run), bottom);
  const auto slices_of = [&](double mm) { return static_cast<std::int64_t>(std::lround(mm / s.z)); };
  const std::int64_t ceiling = carina >= 0 ? carina - slices_of(15) : nz;
  const std::int64_t high = carina >= 0 ? carina - slices_of(30) : bottom + (top - bottom) / 2;
  const std::int64_t low = std::min(dome, high - slices_of(20));

  // The deepest point between the lungs.
  Mask obstacle = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < obstacle.count(); ++n) {
    obstacle[n] = lungs.side[n] != 0 || bone[n] != 0 || body[n] == 0 || volume.padding[n] != 0 || airways.lumen[n] != 0;
  }
  const Voxels<float> depth = distance(obstacle, run);
  Vec3 center;
  float deepest = 0;
  for (std::int64_t k = std::max<std::int64_t>(0, low); k < std::min(high, nz); ++k) {
    for (std::int64_t j = 0; j < ny; ++j) {
      std::int64_t right_end = -1, left_begin = nx;
      const std::int64_t row = grid.index(0, j, k);
      for (std::int64_t i = 0; i < nx; ++i) {
        if (lungs.side[row + i] == 2) right_end = i;
      }
      for (std::int64_t i = nx - 1; i > right_end; --i) {
        if (lungs.side[row + i] == 1) left_begin = i;
      }
      if (right_end < 0 || left_begin == nx) continue;
      for (std::int64_t i = right_end + 1; i < left_begin; ++i) {
        if (depth[row + i] > deepest) {
          deepest = depth[row + i];
          center = {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        }
      }
    }
  }
  if (!(deepest > 18)) {
    return refuse("no solid space as deep as a heart lies between the lungs", "两肺之间没有足够深的实性区域");
  }

  const Sphere sphere;
  const Rays rays(volume, body, lungs, bone);
  constexpr std::size_t count = Sphere::count;
  std::vector<double> radius;
  std::vector<Hit> hits(count);
  std::size_t seen = 0, at_border = 0;
  double girth_mm = 0;
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<double> sideways;
    for (std::size_t n = 0; n < count; ++n) {
      const Vec3 d = sphere.directions()[n];
      hits[n] = rays.run(center, d);
      if (hits[n].stop == Stop::bone) {
        // Behind the heart lie oesophagus and descending aorta, before it pericardial fat and the inner chest muscle.
        hits[n].mm -= d.y > 0.3 ? 18 : 4;
      }
      if (hits[n].stop == Stop::lung) hits[n].mm = std::max(2.0, hits[n].mm - covering_mm);
      if (hits[n].stop == Stop::lung && std::abs(d.z) < 0.6) sideways.push_back(hits[n].mm);
    }
    if (sideways.size() < 150) return refuse("the lungs border on too little of it", "肺与心脏相邻的范围过小");
    std::vector<float> sorted(sideways.begin(), sideways.end());
    const double usual = quantile(sorted, 0.5);
    girth_mm = usual;
    if (pass == 0) radius.assign(count, usual);
    std::vector<double> height(count), weight(count);
    for (const double reach : {1.5, 1.35, 1.25, 1.2}) {
      for (std::size_t n = 0; n < count; ++n) {
        height[n] = hits[n].mm;
        const double limit = reach * radius[n];
        if (hits[n].stop == Stop::lung) {
          weight[n] = hits[n].mm < limit ? 1 : 0;
        } else {
          weight[n] = hits[n].mm < radius[n] ? 0.5 : 0;  // an upper bound alone
        }
      }
      radius = smooth_radii(sphere, height, weight, 2, 3, radius);
    }
    seen = at_border = 0;
    for (std::size_t n = 0; n < count; ++n) {
      seen += hits[n].stop == Stop::lung && weight[n] > 0;
      at_border += hits[n].stop == Stop::border && hits[n].mm < radius[n];
    }
    if (pass == 1) break;
    // Rays see best from the middle: the centroid of the star, slices above the ceiling left out.
    Vec3 sum;
    double volume_sum = 0;
    for (std::size_t n = 0; n < count; ++n) {
      const double r = std::clamp(radius[n], 5.0, Rays::farthest_mm), cube = r * r * r;
      sum = sum + (0.75 * r * cube) * sphere.directions()[n];
      volume_sum += cube;
    }
    const Vec3 shift = (1 / volume_sum) * sum;
    Vec3 moved{center.x + shift.x / s.x, center.y + shift.y / s.y, center.z + shift.z / s.z};
    moved.z = std::min(moved.z, static_cast<double>(high));
    const std::int64_t n =
        grid.index(std::lround(moved.x), std::lround(moved.y), std::clamp<std::int64_t>(std::lround(moved.z), 0, nz - 1));
    if (n < 0 || n >= depth.count() || !(depth[n] > 12)) break;
    center = moved;
  }
  heart.seen_share = static_cast<double>(seen) / count;
  heart.incomplete = at_border > count / 50;

  // Above, where the great vessels leave, nothing but the carina and the heart's own girth say where it ends.
  const double top_mm = std::min(static_cast<double>(ceiling) * s.z, center.z * s.z + 1.1 * girth_mm);

  // mm inside, along the ray.
  heart.field = Voxels<float>::uninitialized(grid);
  parallel_for(run, nz, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first; k < last; ++k) {
      for (std::int64_t j = 0; j < ny; ++j) {
        for (std::int64_t i = 0; i < nx; ++i) {
          const Vec3 d{(static_cast<double>(i) - center.x) * s.x, (static_cast<double>(j) - center.y) * s.y,
                       (static_cast<double>(k) - center.z) * s.z};
          const double r = norm(d);
          const std::int64_t n = grid.index(i, j, k);
          double inside = -20;
          if (r < Rays::farthest_mm + 5) {
            inside = (r > 1 ? sphere.sample(radius, (1 / r) * d) : radius[0]) - r;
            inside = std::min(inside, top_mm - (static_cast<double>(k) + 0.5) * s.z);
          }
          if (inside > 0 && (body[n] == 0 || lungs.side[n] != 0 || airways.lumen[n] != 0 || bone[n] != 0)) inside = -0.5 * s.x;
          heart.field[n] = static_cast<float>(std::clamp(inside, -20.0, 100.0));
        }
      }
    }
  });
  // Necks of fat and vessels towards sternum, spine and thoracic inlet are thinner than a heart.
  Mask star = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < star.count(); ++n) star[n] = heart.field[n] > 0;
  const Mask stout = dilate(open(star, 16.0, run), 1.01 * std::max({s.x, s.y, s.z}), run);
  for (std::int64_t n = 0; n < star.count(); ++n) {
    if (stout[n] == 0) heart.field[n] = std::min(heart.field[n], static_cast<float>(-0.5 * s.x));
  }
  double ml = 0;
  std::vector<float> inner;
  for (std::int64_t n = 0; n < heart.field.count(); ++n) {
    if (!(heart.field[n] > 0)) continue;
    ml += grid.voxel_volume_mm3() / 1000;
    if (heart.field[n] > 12 && n % 5 == 0) inner.push_back(volume.hu[n]);
  }
  if (!(ml > 150 && ml < 2500) || inner.size() < 100) {
    return refuse("what lies between the lungs has not the size of a heart", "两肺之间的结构大小与心脏不符");
  }
  heart.blood_hu = quantile(std::move(inner), 0.5);
  heart.center_mm = grid.world_from_voxel(center);
  heart.found = true;
  return heart;
}

}  // namespace gantry::analysis
