// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>
#include <optional>

#include "gantry/analysis/ct_structures.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

/// A dark region of one axial slice.
struct Spot {
  std::int64_t k = 0;
  double area_mm2 = 0, x_mm = 0, y_mm = 0;  ///< centroid in mm along i and j
  double darkness_hu = 0;                   ///< mean
  double aspect = 1, filling = 1;
  std::vector<std::int64_t> voxels;
  double chain_mm = 0;  ///< length of the best chain that ends here, from above
  int above = -1;       ///< spot of the slice above in that chain
};

std::vector<Spot> spots_of_slice(const WorkingVolume& volume, const MaskView& body, std::int64_t k, float below_hu,
                                 std::vector<std::uint8_t>& seen) {
  const Grid& grid = volume.hu.grid();
  const Vec3 s = grid.spacing_mm();
  const std::int64_t nx = grid.size(0), ny = grid.size(1);
  std::fill(seen.begin(), seen.end(), 0);
  std::vector<Spot> spots;
  std::vector<std::int64_t> queue;
  const auto dark = [&](std::int64_t i, std::int64_t j) {
    const std::int64_t n = grid.index(i, j, k);
    return body[n] != 0 && volume.hu[n] < below_hu;
  };
  for (std::int64_t j = 0; j < ny; ++j) {
    for (std::int64_t i = 0; i < nx; ++i) {
      if (seen[static_cast<std::size_t>(i + nx * j)] != 0 || !dark(i, j)) continue;
      Spot spot;
      spot.k = k;
      std::int64_t i0 = i, i1 = i, j0 = j, j1 = j;
      queue.assign(1, i + nx * j);
      seen[static_cast<std::size_t>(queue[0])] = 1;
      double sum_i = 0, sum_j = 0, sum = 0;
      for (std::size_t q = 0; q < queue.size(); ++q) {
        const std::int64_t x = queue[q] % nx, y = queue[q] / nx;
        i0 = std::min(i0, x);
        i1 = std::max(i1, x);
        j0 = std::min(j0, y);
        j1 = std::max(j1, y);
        sum_i += static_cast<double>(x);
        sum_j += static_cast<double>(y);
        sum += volume.hu[grid.index(x, y, k)];
        for (const auto& [dx, dy] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
          const std::int64_t u = x + dx, v = y + dy;
          if (u < 0 || v < 0 || u >= nx || v >= ny) continue;
          auto& mark = seen[static_cast<std::size_t>(u + nx * v)];
          if (mark != 0 || !dark(u, v)) continue;
          mark = 1;
          queue.push_back(u + nx * v);
        }
      }
      const auto count = static_cast<double>(queue.size());
      spot.area_mm2 = count * s.x * s.y;
      if (spot.area_mm2 < 30 || spot.area_mm2 > 900) continue;
      const double width = static_cast<double>(i1 - i0 + 1) * s.x, height = static_cast<double>(j1 - j0 + 1) * s.y;
      spot.aspect = std::max(width, height) / std::min(width, height);
      spot.filling = spot.area_mm2 / (width * height);
      if (spot.aspect > 2.8 || spot.filling < 0.45) continue;
      spot.x_mm = sum_i / count * s.x;
      spot.y_mm = sum_j / count * s.y;
      spot.darkness_hu = sum / count;
      for (const std::int64_t q : queue) spot.voxels.push_back(grid.index(q % nx, q / nx, k));
      spots.push_back(std::move(spot));
    }
  }
  return spots;
}

/// Area of lung-like air inside the body, per axial slice, in mm2.
std::vector<double> lung_like_area(const WorkingVolume& volume, const MaskView& body) {
  const Grid& grid = volume.hu.grid();
  const Vec3 s = grid.spacing_mm();
  std::vector<double> area(static_cast<std::size_t>(grid.size(2)));
  const auto low = static_cast<float>(volume.air_hu + 45);
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    std::int64_t count = 0;
    for (std::int64_t n = grid.index(0, 0, k), end = n + grid.size(0) * grid.size(1); n < end; ++n) {
      count += body[n] != 0 && volume.hu[n] > low && volume.hu[n] < -600;
    }
    area[static_cast<std::size_t>(k)] = static_cast<double>(count) * s.x * s.y;
  }
  return area;
}

/// Voxels below `threshold` that are connected with the seeds by faces; nothing once there are more than `limit`.
std::optional<std::vector<std::int64_t>> grow(const WorkingVolume& volume, const MaskView& body, const std::vector<std::int64_t>& seeds,
                                              float threshold, std::size_t limit) {
  const Grid& grid = volume.hu.grid();
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2);
  std::vector<std::uint8_t> seen(static_cast<std::size_t>(grid.voxel_count()));
  std::vector<std::int64_t> region;
  const auto add = [&](std::int64_t n) {
    if (seen[static_cast<std::size_t>(n)] != 0 || body[n] == 0 || !(volume.hu[n] < threshold)) return;
    seen[static_cast<std::size_t>(n)] = 1;
    region.push_back(n);
  };
  for (const std::int64_t n : seeds) add(n);
  for (std::size_t q = 0; q < region.size(); ++q) {
    if (region.size() > limit) return std::nullopt;
    const std::int64_t n = region[q];
    const std::int64_t i = n % nx, j = n / nx % ny, k = n / (nx * ny);
    if (i > 0) add(n - 1);
    if (i + 1 < nx) add(n + 1);
    if (j > 0) add(n - nx);
    if (j + 1 < ny) add(n + nx);
    if (k > 0) add(n - nx * ny);
    if (k + 1 < nz) add(n + nx * ny);
  }
  return region;
}

/// The best chain of spots, as voxels; empty when none is long enough to be a trachea.
std::vector<std::int64_t> trachea_seeds(const WorkingVolume& volume, const MaskView& body) {
  const Grid& grid = volume.hu.grid();
  const Vec3 s = grid.spacing_mm();
  const std::vector<double> lung_area = lung_like_area(volume, body);
  std::int64_t lung_top = -1;
  for (std::int64_t k = grid.size(2) - 1; k >= 0 && lung_top < 0; --k) {
    if (lung_area[static_cast<std::size_t>(k)] > 1500) lung_top = k;
  }
  if (lung_top < 0) return {};
  const auto below = static_cast<float>(volume.air_hu + 350);
  const double darkest = volume.air_hu + 230;  // mean of a spot: partial volume at its rim included
  std::vector<std::vector<Spot>> slices(static_cast<std::size_t>(grid.size(2)));
  std::vector<std::uint8_t> seen(static_cast<std::size_t>(grid.size(0) * grid.size(1)));
  const Spot* best = nullptr;
  double best_score = 0;
  const std::int64_t bottom = std::max<std::int64_t>(0, lung_top - static_cast<std::int64_t>(180 / s.z));
  for (std::int64_t k = grid.size(2) - 1; k >= bottom; --k) {
    auto& spots = slices[static_cast<std::size_t>(k)];
    spots = spots_of_slice(volume, body, k, below, seen);
    std::erase_if(spots, [&](const Spot& spot) { return spot.darkness_hu > darkest; });
    for (Spot& spot : spots) {
      spot.chain_mm = s.z;
      if (k + 1 < grid.size(2)) {
        const auto& above = slices[static_cast<std::size_t>(k + 1)];
        for (std::size_t a = 0; a < above.size(); ++a) {
          const double step = std::hypot(above[a].x_mm - spot.x_mm, above[a].y_mm - spot.y_mm);
          const double ratio = above[a].area_mm2 / spot.area_mm2;
          if (step > 3.0 + 0.8 * s.z || ratio > 2.2 || ratio < 0.45) continue;
          if (above[a].chain_mm + s.z > spot.chain_mm) {
            spot.chain_mm = above[a].chain_mm + s.z;
            spot.above = static_cast<int>(a);
          }
        }
      }
      // Longer is better; a chain that ends far below the lungs' top is bowel.
      const double depth_mm = static_cast<double>(lung_top - k) * s.z - spot.chain_mm;
      const double score = depth_mm > 40 ? 0 : spot.chain_mm * (spot.aspect < 2 ? 1.0 : 0.7);
      if (score > best_score) {
        best_score = score;
        best = &spot;
      }
    }
  }
  if (!best || best->chain_mm < 18) return {};
  std::vector<std::int64_t> seeds;
  for (const Spot* spot = best;;) {
    for (const std::int64_t n : spot->voxels) {
      if (volume.hu[n] < static_cast<float>(volume.air_hu + 110)) seeds.push_back(n);
    }
    if (spot->above < 0) break;
    spot = &slices[static_cast<std::size_t>(spot->k + 1)][static_cast<std::size_t>(spot->above)];
  }
  return seeds;
}

}  // namespace

Airways find_airways(const WorkingVolume& volume, const MaskView& body, const Run& run) {
  const Grid& grid = volume.hu.grid();
  Airways airways{Mask(grid), 0, false};
  const std::vector<std::int64_t> seeds = trachea_seeds(volume, body);
  if (seeds.empty()) return airways;
  const double voxel_ml = grid.voxel_volume_mm3() / 1000;
  const auto limit = static_cast<std::size_t>(180 / voxel_ml);
  std::vector<std::int64_t> region = seeds;
  airways.threshold_hu = volume.air_hu + 110;
  for (double threshold = volume.air_hu + 50; threshold <= volume.air_hu + 260; threshold += 15) {
    run.check();
    auto grown = grow(volume, body, seeds, static_cast<float>(threshold), limit);
    if (!grown) break;
    const double before = static_cast<double>(region.size()) * voxel_ml, after = static_cast<double>(grown->size()) * voxel_ml;
    if (threshold > volume.air_hu + 80 && after > 1.5 * before + 4) break;
    airways.threshold_hu = threshold;
    if (grown->size() >= region.size()) region = std::move(*grown);
  }
  for (const std::int64_t n : region) airways.lumen[n] = 1;
  // The rim of the lumen is a mixture of air and wall.
  const Vec3 s = grid.spacing_mm();
  const Mask wide = dilate(airways.lumen, 1.01 * std::max(s.x, s.y), run);
  for (std::int64_t n = 0; n < wide.count(); ++n) {
    if (wide[n] != 0 && airways.lumen[n] == 0) airways.lumen[n] = body[n] != 0 && volume.hu[n] < airways.threshold_hu + 60;
  }
  airways.found = true;
  return airways;
}

}  // namespace gantry::analysis
