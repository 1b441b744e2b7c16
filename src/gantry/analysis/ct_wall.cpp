// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_wall.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/compute/parallel.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

constexpr std::int64_t angles = 120;
/// Innermost muscle and fascia between rib and pleura.
constexpr double rib_lining_mm = 2;
/// What is narrower is no trunk of an adult.
constexpr double least_breadth_mm = 200;

/// A function of direction and level with the weight of its evidence.
struct Evidence {
  std::int64_t levels;
  std::vector<double> value, weight;
  explicit Evidence(std::int64_t count)
      : levels(count), value(static_cast<std::size_t>(count * angles)), weight(static_cast<std::size_t>(count * angles)) {}
  static std::size_t at(std::int64_t a, std::int64_t k) { return static_cast<std::size_t>(k * angles + a); }
  void set(std::int64_t a, std::int64_t k, double v, double w) {
    value[at(a, k)] = v;
    weight[at(a, k)] = w;
  }
};

/// Gaussian mean of the evidence: `weight` becomes its local density, at most 1.
Evidence smoothed(const Evidence& evidence, double sigma_degrees, double sigma_levels) {
  Evidence sums = evidence;
  for (std::size_t n = 0; n < sums.value.size(); ++n) sums.value[n] *= sums.weight[n];
  const double step = 360.0 / angles;
  const auto kernel = [](double sigma) {
    const auto reach = static_cast<std::int64_t>(std::ceil(3 * sigma));
    std::vector<double> taps(static_cast<std::size_t>(2 * reach + 1));
    double sum = 0;
    for (std::int64_t t = -reach; t <= reach; ++t) {
      const double x = static_cast<double>(t) / sigma;
      sum += taps[static_cast<std::size_t>(t + reach)] = std::exp(-0.5 * x * x);
    }
    for (double& tap : taps) tap /= sum;
    return taps;
  };
  const auto around = kernel(sigma_degrees / step), along = kernel(std::max(sigma_levels, 0.3));
  const auto blur = [&](std::vector<double>& values) {
    std::vector<double> once(values.size());
    const auto half = static_cast<std::int64_t>(around.size() / 2), length = static_cast<std::int64_t>(along.size() / 2);
    for (std::int64_t k = 0; k < sums.levels; ++k) {
      for (std::int64_t a = 0; a < angles; ++a) {
        double sum = 0;
        for (std::int64_t t = -half; t <= half; ++t) {
          sum += around[static_cast<std::size_t>(t + half)] * values[Evidence::at(((a + t) % angles + angles) % angles, k)];
        }
        once[Evidence::at(a, k)] = sum;
      }
    }
    for (std::int64_t k = 0; k < sums.levels; ++k) {
      for (std::int64_t a = 0; a < angles; ++a) {
        double sum = 0;
        for (std::int64_t t = std::max(-length, -k); t <= std::min(length, sums.levels - 1 - k); ++t) {
          sum += along[static_cast<std::size_t>(t + length)] * once[Evidence::at(a, k + t)];
        }
        values[Evidence::at(a, k)] = sum;
      }
    }
  };
  blur(sums.value);
  blur(sums.weight);
  for (std::size_t n = 0; n < sums.value.size(); ++n) sums.value[n] = sums.weight[n] > 1e-9 ? sums.value[n] / sums.weight[n] : 0;
  return sums;
}

/// What one ray from the middle of a slice outwards meets; mm, negative for nothing.
struct Crossing {
  double skin = -1;       // leaves the body for the last time
  double outer = -1;      // leaves the muscles for the last time
  double bone = -1;       // meets bone first
  double lung = -1;       // leaves lung last, before bone
  double fat_layer = -1;  // inner side of the outermost layer of muscle, where fat lies inside it
};

class Slices {
 public:
  Slices(const WorkingVolume& volume, const MaskView& body, const MaskView& filled, const Lungs& lungs, const MaskView& bone)
      : volume_(volume), body_(body), filled_(filled), lungs_(lungs), bone_(bone) {
    const Grid& grid = filled.grid();
    std::vector<double> x(static_cast<std::size_t>(grid.size(2)), -1), y = x;
    for (std::int64_t k = 0; k < grid.size(2); ++k) {
      double sum = 0, count = 0;
      std::int64_t front = grid.size(1), back = -1;
      for (std::int64_t j = 0; j < grid.size(1); ++j) {
        for (std::int64_t i = 0; i < grid.size(0); ++i) {
          if (filled[grid.index(i, j, k)] == 0) continue;
          sum += static_cast<double>(i);
          count += 1;
          front = std::min(front, j);
          back = j;
        }
      }
      if (count <= 100) continue;
      x[static_cast<std::size_t>(k)] = sum / count;
      y[static_cast<std::size_t>(k)] = static_cast<double>(front) + 0.42 * static_cast<double>(back - front);  // before the spine
    }
    // The middle drifts slowly from slice to slice: a mean over 40 mm.
    const auto reach = static_cast<std::int64_t>(std::lround(20 / grid.spacing_mm().z));
    center_.resize(x.size());
    for (std::int64_t k = 0; k < grid.size(2); ++k) {
      double sum_x = 0, sum_y = 0, count = 0;
      for (std::int64_t m = std::max<std::int64_t>(0, k - reach); m <= std::min(grid.size(2) - 1, k + reach); ++m) {
        if (x[static_cast<std::size_t>(m)] < 0) continue;
        sum_x += x[static_cast<std::size_t>(m)];
        sum_y += y[static_cast<std::size_t>(m)];
        count += 1;
      }
      center_[static_cast<std::size_t>(k)] = count > 0 ? Vec3{sum_x / count, sum_y / count, 0} : Vec3{-1, -1, 0};
    }
  }
  Vec3 center(std::int64_t k) const { return center_[static_cast<std::size_t>(k)]; }

  Crossing ray(std::int64_t k, double angle) const {
    const Grid& grid = filled_.grid();
    const Vec3 s = grid.spacing_mm(), c = center(k);
    Crossing crossing;
    if (c.x < 0) return crossing;
    const double dx = std::sin(angle) / s.x, dy = std::cos(angle) / s.y;
    std::vector<float>& line = line_;
    line.clear();
    for (double mm = 0; mm < 320; mm += 1) {
      const auto i = static_cast<std::int64_t>(std::lround(c.x + mm * dx)), j = static_cast<std::int64_t>(std::lround(c.y + mm * dy));
      if (i < 0 || j < 0 || i >= grid.size(0) || j >= grid.size(1)) break;
      const std::int64_t n = grid.index(i, j, k);
      line.push_back(volume_.hu[n]);
      if (body_[n] != 0) crossing.skin = mm + 0.5;
      if (filled_[n] != 0) crossing.outer = mm + 0.5;
      if (bone_[n] != 0 && crossing.bone < 0) crossing.bone = mm - 0.5;
      if (lungs_.side[n] != 0 && crossing.bone < 0) crossing.lung = mm + 0.5;
    }
    // From outside inwards: skin and fat, a layer of muscle of 4 to 30 mm, fat of at least 5 mm.
    auto mm = static_cast<std::int64_t>(crossing.outer);
    std::int64_t muscle = 0, fat = 0;
    for (mm = std::min(mm, static_cast<std::int64_t>(line.size()) - 1); mm > 0; --mm) {
      const float hu = line[static_cast<std::size_t>(mm)];
      if (hu > -29) {
        if (fat >= 5) break;
        muscle += 1 + fat;
        fat = 0;
      } else if (hu > -300 && muscle > 0) {
        ++fat;
      } else if (muscle > 0) {
        break;
      }
      if (muscle > 30) break;
      if (fat >= 5 && muscle >= 4) {
        crossing.fat_layer = static_cast<double>(mm + fat) - 0.5;
        break;
      }
    }
    return crossing;
  }

 private:
  const WorkingVolume& volume_;
  MaskView body_, filled_;
  const Lungs& lungs_;
  MaskView bone_;
  std::vector<Vec3> center_;
  mutable std::vector<float> line_;
};

/// Slices from the widest of the lungs down to their base and up to their top; gas of the bowel that was taken for lung lies apart.
std::vector<std::uint8_t> slices_with_lung(const Lungs& lungs) {
  const Grid& grid = lungs.side.grid();
  const std::int64_t plane = grid.size(0) * grid.size(1);
  std::vector<std::int64_t> count(static_cast<std::size_t>(grid.size(2)));
  for (std::int64_t n = 0; n < lungs.side.count(); ++n) count[static_cast<std::size_t>(n / plane)] += lungs.side[n] != 0;
  std::vector<std::uint8_t> result(count.size());
  const auto widest = std::max_element(count.begin(), count.end()) - count.begin();
  for (std::ptrdiff_t k = widest; k >= 0 && count[static_cast<std::size_t>(k)] > 0; --k) result[static_cast<std::size_t>(k)] = 1;
  for (std::ptrdiff_t k = widest; k < std::ssize(count) && count[static_cast<std::size_t>(k)] > 0; ++k)
    result[static_cast<std::size_t>(k)] = 1;
  return result;
}

}  // namespace

bool BodyWall::found() const {
  if (closed.empty()) return false;
  const auto count = std::count(closed.begin(), closed.end(), 1);
  return static_cast<double>(count) * zone.grid().spacing_mm().z >= 20;
}

BodyWall find_body_wall(const WorkingVolume& volume, const MaskView& body, const Airways& airways, const Lungs& lungs, const MaskView& bone,
                        const Run& run) {
  const Grid& grid = volume.hu.grid();
  const Vec3 s = grid.spacing_mm();
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2);
  BodyWall wall;
  wall.zone = Voxels<std::uint8_t>(grid);
  wall.closed.assign(static_cast<std::size_t>(nz), 0);
  // Muscles without the skin.
  const Mask deep = erode(body, std::max(4.0, 2.05 * std::max(s.x, s.y)), run);
  Mask firm = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < firm.count(); ++n) {
    firm[n] = deep[n] != 0 && volume.hu[n] > muscle_from_hu;
  }
  firm = open(firm, 2.1, run);
  for (std::int64_t n = 0; n < firm.count(); ++n) {
    if (lungs.side[n] != 0 || airways.lumen[n] != 0 || (bone[n] != 0 && deep[n] != 0)) firm[n] = 1;
  }
  Mask filled = fill_holes(close(firm, 12.0, run), true, run);
  // What hangs on it by little, such as glands of the breast, lies outside.
  filled = open(filled, 8.0, run);
  for (std::int64_t n = 0; n < filled.count(); ++n) {
    if (body[n] == 0 || volume.padding[n] != 0) filled[n] = 0;
  }

  const Slices slices(volume, body, filled, lungs, bone);
  // Bones with what they enclose. The shell of a vertebra has gaps, and its marrow is often no brighter than muscle.
  Mask spine = Mask(grid);
  for (std::int64_t k = 0; k < nz; ++k) {
    const Vec3 c = slices.center(k);
    if (c.x < 0) continue;
    const auto reach = static_cast<std::int64_t>(std::lround(32 / s.x)), middle = static_cast<std::int64_t>(std::lround(c.x));
    for (std::int64_t j = std::max<std::int64_t>(0, std::lround(c.y)); j < ny; ++j) {
      for (std::int64_t i = std::max<std::int64_t>(0, middle - reach); i <= std::min(nx - 1, middle + reach); ++i) {
        spine[grid.index(i, j, k)] = bone[grid.index(i, j, k)];
      }
    }
  }
  spine = close(spine, 13.0, run);
  wall.bone = close(bone, 3.0, run);
  for (std::int64_t n = 0; n < spine.count(); ++n) wall.bone[n] |= spine[n];
  wall.bone = fill_holes(wall.bone, true, run);
  std::vector<Crossing> crossings(static_cast<std::size_t>(nz * angles));
  Evidence bones(nz);
  for (std::int64_t k = 0; k < nz; ++k) {
    for (std::int64_t a = 0; a < angles; ++a) {
      const Crossing crossing = slices.ray(k, 2 * std::numbers::pi * static_cast<double>(a) / angles);
      crossings[Evidence::at(a, k)] = crossing;
      if (crossing.bone > 6) bones.set(a, k, crossing.bone - rib_lining_mm, 1);
    }
  }
  const double levels_12 = 12 / s.z;
  const Evidence rough = smoothed(bones, 8, levels_12);
  Evidence all = bones;
  for (std::int64_t k = 0; k < nz; ++k) {
    for (std::int64_t a = 0; a < angles; ++a) {
      const std::size_t n = Evidence::at(a, k);
      const Crossing& crossing = crossings[n];
      if (bones.weight[n] > 0) continue;
      if (crossing.lung > 15 && rough.weight[n] > 0.02 && std::abs(crossing.lung + 1.5 - rough.value[n]) < 12) {
        all.set(a, k, crossing.lung + 1.5, 1);
      } else if (crossing.fat_layer > 15 && rough.weight[n] < 0.05) {
        all.set(a, k, crossing.fat_layer, 0.5);
      }
    }
  }
  const Evidence inner = smoothed(all, 5, 0.5 * levels_12), wide = smoothed(all, 12, 2 * levels_12);
  constexpr double enough = 0.04;
  // From 50 mm below the apex of the lungs upwards shoulders and arms join the trunk.
  const std::vector<std::uint8_t> aerated = slices_with_lung(lungs);
  const auto apex = std::find(aerated.rbegin(), aerated.rend(), 1);
  const auto shoulders = apex == aerated.rend() ? nz
                                                : static_cast<std::int64_t>(aerated.rend() - apex) -
                                                      (aerated.back() != 0 ? 0 : static_cast<std::int64_t>(std::lround(50 / s.z)));
  for (std::int64_t k = 0; k < nz; ++k) {
    std::int64_t seen = 0, present = 0, gaps = 0;
    std::vector<float> cover;
    for (std::int64_t a = 0; a < angles; ++a) {
      const Crossing& crossing = crossings[Evidence::at(a, k)];
      cover.push_back(static_cast<float>(crossing.skin - crossing.outer));
    }
    // A head is no trunk.
    const double breadth = crossings[Evidence::at(angles / 4, k)].outer + crossings[Evidence::at(3 * angles / 4, k)].outer;
    const double usual = quantile(cover, 0.5);
    for (const float c : cover) gaps += c > 2.5 * usual + 25;  // the filling ran out through a gap in the muscles
    for (std::int64_t a = 0; a < angles; ++a) {
      seen += wide.weight[Evidence::at(a, k)] > enough;
      present += crossings[Evidence::at(a, k)].outer > 30;
    }
    wall.closed[static_cast<std::size_t>(k)] =
        5 * seen >= 4 * angles && present == angles && gaps <= 2 && breadth >= least_breadth_mm && k < shoulders;
  }
  parallel_for(run, nz, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first; k < last; ++k) {
      const Vec3 c = slices.center(k);
      const bool closed = wall.closed[static_cast<std::size_t>(k)] != 0;
      for (std::int64_t j = 0; j < ny; ++j) {
        for (std::int64_t i = 0; i < nx; ++i) {
          const std::int64_t n = grid.index(i, j, k);
          if (body[n] == 0) continue;
          if (filled[n] == 0) {
            wall.zone[n] = static_cast<std::uint8_t>(BodyZone::subcutaneous);
            continue;
          }
          if (!closed) continue;
          const double x = (static_cast<double>(i) - c.x) * s.x, y = (static_cast<double>(j) - c.y) * s.y;
          double turn = std::atan2(x, y) / (2 * std::numbers::pi);
          if (turn < 0) turn += 1;
          const double position = turn * angles;
          const auto a0 = static_cast<std::int64_t>(position) % angles, a1 = (a0 + 1) % angles;
          const double w = position - std::floor(position);
          const auto radius = [&](std::int64_t a) {
            const std::size_t at = Evidence::at(a, k);
            return inner.weight[at] > enough ? inner.value[at] : wide.value[at];
          };
          const bool within = std::hypot(x, y) < (1 - w) * radius(a0) + w * radius(a1);
          wall.zone[n] = static_cast<std::uint8_t>(within || lungs.side[n] != 0 ? BodyZone::inner : BodyZone::wall);
        }
      }
    }
  });
  return wall;
}

std::vector<SliceComposition> body_composition(const WorkingVolume& volume, const MaskView& body, const Lungs& lungs, const BodyWall& wall,
                                               const Run& run) {
  const Grid& grid = volume.hu.grid();
  const Vec3 s = grid.spacing_mm();
  using Range = TissueRanges;
  // Where lung meets soft tissue a voxel holds both and looks like fat.
  Mask lung = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < lung.count(); ++n) lung[n] = lungs.side[n] != 0;
  const Mask rim = dilate(lung, 1.01 * std::max({s.x, s.y, s.z}), run);
  std::vector<SliceComposition> result(static_cast<std::size_t>(grid.size(2)));
  const std::vector<std::uint8_t> aerated = slices_with_lung(lungs);
  const double pixel_cm2 = s.x * s.y / 100;
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    SliceComposition& slice = result[static_cast<std::size_t>(k)];
    slice.z_mm =
        grid.world_from_voxel({0.5 * static_cast<double>(grid.size(0)), 0.5 * static_cast<double>(grid.size(1)), static_cast<double>(k)}).z;
    slice.closed = wall.closed[static_cast<std::size_t>(k)] != 0;
    slice.lung = aerated[static_cast<std::size_t>(k)] != 0;
    for (std::int64_t n = grid.index(0, 0, k), end = n + grid.size(0) * grid.size(1); n < end; ++n) {
      if (body[n] == 0) continue;
      const float hu = volume.hu[n];
      const bool fat = hu >= Range::fat_from && hu <= Range::fat_to;
      slice.fat += fat ? pixel_cm2 : 0;
      slice.soft_tissue += hu >= Range::soft_from && hu <= Range::soft_to ? pixel_cm2 : 0;
      slice.bone += hu > Range::soft_to && hu < Range::metal_from ? pixel_cm2 : 0;
      if (!slice.closed) continue;
      switch (static_cast<BodyZone>(wall.zone[n])) {
        case BodyZone::subcutaneous:
          slice.subcutaneous_fat += fat ? pixel_cm2 : 0;
          break;
        case BodyZone::wall:
          slice.muscle += hu >= muscle_from_hu && hu <= muscle_to_hu && wall.bone[n] == 0 ? pixel_cm2 : 0;
          break;
        case BodyZone::inner:
          slice.inner_fat += fat && rim[n] == 0 ? pixel_cm2 : 0;
          break;
        default:
          break;
      }
    }
  }
  return result;
}

}  // namespace gantry::analysis
