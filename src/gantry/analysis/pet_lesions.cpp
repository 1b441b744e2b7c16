// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/pet_lesions.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

/// A ball of 1 mL around a voxel's centre: offsets and the part of each voxel inside, by 9 x 9 x 9 points.
struct Ball {
  struct Tap {
    std::int64_t i, j, k;
    double weight;
  };
  std::vector<Tap> taps;

  explicit Ball(const Grid& grid) {
    const double radius = std::cbrt(3000 / (4 * std::numbers::pi));
    const Vec3 d = grid.spacing_mm();
    const Mat3& axes = grid.direction();
    const auto reach = [&](double spacing) { return static_cast<std::int64_t>(std::ceil(radius / spacing + 0.5)); };
    constexpr int points = 9;
    for (std::int64_t k = -reach(d.z); k <= reach(d.z); ++k) {
      for (std::int64_t j = -reach(d.y); j <= reach(d.y); ++j) {
        for (std::int64_t i = -reach(d.x); i <= reach(d.x); ++i) {
          int inside = 0;
          for (int p = 0; p < points * points * points; ++p) {
            const auto at = [&](std::int64_t n, int q, double spacing) {
              return (static_cast<double>(n) + (q + 0.5) / points - 0.5) * spacing;
            };
            const Vec3 offset = axes * Vec3{at(i, p % points, d.x), at(j, p / points % points, d.y), at(k, p / (points * points), d.z)};
            inside += dot(offset, offset) <= radius * radius ? 1 : 0;
          }
          if (inside > 0) taps.push_back({i, j, k, inside / static_cast<double>(points * points * points)});
        }
      }
    }
  }

  PeakUptake mean_at(const VoxelView<float>& suv, std::int64_t i, std::int64_t j, std::int64_t k) const {
    const Size3 size = suv.grid().size();
    double sum = 0;
    double weight = 0;
    PeakUptake peak;
    for (const Tap& t : taps) {
      const std::int64_t x = i + t.i;
      const std::int64_t y = j + t.j;
      const std::int64_t z = k + t.k;
      if (x < 0 || y < 0 || z < 0 || x >= size[0] || y >= size[1] || z >= size[2]) {
        peak.cut = true;
        continue;
      }
      sum += t.weight * suv(x, y, z);
      weight += t.weight;
    }
    peak.value = weight > 0 ? sum / weight : 0;
    return peak;
  }
};

PeakUptake peak_over(const VoxelView<float>& suv, const Ball& ball, const std::vector<std::int64_t>& voxels, const Run& run) {
  const Grid& grid = suv.grid();
  const Size3 size = grid.size();
  struct Best {
    double value = -1;
    std::int64_t voxel = -1;
    bool cut = false;
  };
  const Best best = parallel_reduce(
      run, static_cast<std::int64_t>(voxels.size()), 512, Best{},
      [&](std::int64_t begin, std::int64_t end) {
        Best part;
        for (std::int64_t n = begin; n < end; ++n) {
          const std::int64_t v = voxels[static_cast<std::size_t>(n)];
          const PeakUptake p = ball.mean_at(suv, v % size[0], v / size[0] % size[1], v / (size[0] * size[1]));
          if (p.value > part.value) part = {p.value, v, p.cut};
        }
        return part;
      },
      [](Best& total, const Best& part) {
        if (part.value > total.value) total = part;
      });
  PeakUptake peak;
  if (best.voxel < 0) return peak;
  const std::int64_t v = best.voxel;
  peak.value = best.value;
  peak.cut = best.cut;
  peak.centre_mm = grid.world_from_voxel(
      {static_cast<double>(v % size[0]), static_cast<double>(v / size[0] % size[1]), static_cast<double>(v / (size[0] * size[1]))});
  return peak;
}

Uptake measure(const VoxelView<float>& suv, const Ball& ball, const std::vector<std::int64_t>& voxels, const Run& run) {
  const Grid& grid = suv.grid();
  const Size3 size = grid.size();
  Uptake u;
  std::int64_t top = -1;
  double sum = 0;
  for (const std::int64_t v : voxels) {
    sum += suv[v];
    if (top < 0 || suv[v] > suv[top]) top = v;
    const std::array<std::int64_t, 3> at{v % size[0], v / size[0] % size[1], v / (size[0] * size[1])};
    for (std::size_t a = 0; a < 3; ++a) u.touches_border = u.touches_border || at[a] == 0 || at[a] + 1 == size[a];
  }
  if (top < 0) return u;
  u.voxels = static_cast<std::int64_t>(voxels.size());
  u.maximum = suv[top];
  u.mean = sum / static_cast<double>(u.voxels);
  u.volume_ml = static_cast<double>(u.voxels) * grid.voxel_volume_mm3() / 1000;
  u.tlg = u.mean * u.volume_ml;
  u.maximum_mm = grid.world_from_voxel(
      {static_cast<double>(top % size[0]), static_cast<double>(top / size[0] % size[1]), static_cast<double>(top / (size[0] * size[1]))});
  u.peak = peak_over(suv, ball, voxels, run);
  return u;
}

/// Calls `body(neighbour)` for the up to 26 neighbours of voxel n.
template <class Body>
void for_neighbours(const Grid& grid, std::int64_t n, Body&& body) {
  const Size3 size = grid.size();
  const std::int64_t i = n % size[0];
  const std::int64_t j = n / size[0] % size[1];
  const std::int64_t k = n / (size[0] * size[1]);
  for (std::int64_t z = std::max<std::int64_t>(0, k - 1); z <= std::min(size[2] - 1, k + 1); ++z) {
    for (std::int64_t y = std::max<std::int64_t>(0, j - 1); y <= std::min(size[1] - 1, j + 1); ++y) {
      for (std::int64_t x = std::max<std::int64_t>(0, i - 1); x <= std::min(size[0] - 1, i + 1); ++x) {
        const std::int64_t m = grid.index(x, y, z);
        if (m != n) body(m);
      }
    }
  }
}

/// Hills by flooding from the top: voxels in falling order join the hill of a higher neighbour; where two hills meet, the lower becomes
/// part of the higher when the pass is high or it is only a ripple.
class Hills {
 public:
  Hills(const VoxelView<float>& suv, std::vector<std::int64_t> voxels, double saddle_share) : hill_(suv.grid(), -1) {
    std::sort(voxels.begin(), voxels.end(), [&](std::int64_t a, std::int64_t b) { return suv[a] != suv[b] ? suv[a] > suv[b] : a < b; });
    for (const std::int64_t v : voxels) {
      std::vector<std::int32_t> around;
      std::int64_t steepest = -1;
      for_neighbours(suv.grid(), v, [&](std::int64_t m) {
        if (hill_[m] < 0) return;
        around.push_back(root(hill_[m]));
        if (steepest < 0 || suv[m] > suv[steepest]) steepest = m;
      });
      if (steepest < 0) {
        hill_[v] = static_cast<std::int32_t>(parent_.size());
        parent_.push_back(hill_[v]);
        top_.push_back(suv[v]);
        continue;
      }
      hill_[v] = root(hill_[steepest]);
      for (const std::int32_t other : around) {
        const std::int32_t a = root(hill_[v]);
        const std::int32_t b = root(other);
        if (a == b) continue;
        // The number of a hill rises as its top falls: the smaller one is the higher.
        const std::int32_t high = std::min(a, b);
        const std::int32_t low = std::max(a, b);
        if (suv[v] >= saddle_share * top_[static_cast<std::size_t>(low)]) parent_[static_cast<std::size_t>(low)] = high;
      }
    }
    for (const std::int64_t v : voxels) hill_[v] = root(hill_[v]);
  }
  std::int32_t operator[](std::int64_t voxel) const { return hill_[voxel]; }

 private:
  std::int32_t root(std::int32_t h) const {
    while (parent_[static_cast<std::size_t>(h)] != h) h = parent_[static_cast<std::size_t>(h)];
    return h;
  }
  Voxels<std::int32_t> hill_;
  std::vector<std::int32_t> parent_;
  std::vector<float> top_;
};

/// A quick look before `stands_out`: the hottest voxel has neighbours that share its uptake, as the scanner's blur makes it.
bool may_stand_out(const Voxels<float>& suv, const std::vector<std::int64_t>& voxels) {
  const std::int64_t top = *std::max_element(voxels.begin(), voxels.end(), [&](std::int64_t a, std::int64_t b) { return suv[a] < suv[b]; });
  int shared = 0;
  for_neighbours(suv.grid(), top, [&](std::int64_t m) { shared += suv[m] >= 0.5F * suv[top] ? 1 : 0; });
  return shared >= 4;
}

/// Whether a small region is a focus of its own and no ripple of noise: its maximum is well above the threshold, what lies 12 to 18 mm away
/// has on average at most `rules.surroundings_share` of it, and its peak is well above that.
bool stands_out(const Voxels<float>& suv, const Uptake& uptake, const LesionRules& rules) {
  if (uptake.maximum < rules.small_maximum_share * rules.threshold) return false;
  constexpr double inner_mm = 12;
  constexpr double outer_mm = 18;
  const Grid& grid = suv.grid();
  const Size3 size = grid.size();
  const Vec3 middle = grid.voxel_from_world(uptake.maximum_mm);
  std::array<std::int64_t, 3> low{};
  std::array<std::int64_t, 3> high{};
  for (std::size_t a = 0; a < 3; ++a) {
    const auto axis = static_cast<int>(a);
    const double reach = outer_mm / grid.spacing_mm()[axis];
    low[a] = std::max<std::int64_t>(0, std::llround(middle[axis] - reach));
    high[a] = std::min<std::int64_t>(size[a] - 1, std::llround(middle[axis] + reach));
  }
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t k = low[2]; k <= high[2]; ++k) {
    for (std::int64_t j = low[1]; j <= high[1]; ++j) {
      for (std::int64_t i = low[0]; i <= high[0]; ++i) {
        const double distance =
            norm(grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}) - uptake.maximum_mm);
        if (distance < inner_mm || distance > outer_mm) continue;
        sum += suv(i, j, k);
        ++count;
      }
    }
  }
  if (count == 0) return false;
  const double around = sum / static_cast<double>(count);
  return around <= rules.surroundings_share * uptake.maximum && uptake.peak.value >= 1.5 * around;
}

void check(const LesionRules& r) {
  const auto refuse = [](std::string_view what, std::string_view rule, double found) {
    throw Error(ErrorCode::parameter, fmt::format("{}: must lie {}; got {}", what, rule, found));
  };
  if (!(r.threshold > 0 && r.threshold <= 1000)) refuse("threshold", "between 0 and 1000", r.threshold);
  if (!(r.high_threshold >= r.threshold && r.high_threshold <= 1000))
    refuse("high_threshold", "between the threshold and 1000", r.high_threshold);
  if (!(r.share > 0 && r.share < 1)) refuse("share", "between 0 and 1", r.share);
  if (!(r.saddle_share > 0 && r.saddle_share <= 1)) refuse("saddle_share", "between 0 and 1", r.saddle_share);
  if (!(r.surroundings_share >= 0 && r.surroundings_share <= 1)) refuse("surroundings_share", "between 0 and 1", r.surroundings_share);
  if (!(r.small_maximum_share >= 1 && r.small_maximum_share <= 100))
    refuse("small_maximum_share", "between 1 and 100", r.small_maximum_share);
  if (!(r.minimum_volume_ml >= 0 && r.minimum_volume_ml <= 1000)) refuse("minimum_volume_ml", "between 0 and 1000 mL", r.minimum_volume_ml);
}

}  // namespace

PeakUptake peak_uptake(const VoxelView<float>& suv, const VoxelView<std::int32_t>& region, std::int32_t label, const Run& run) {
  std::vector<std::int64_t> voxels;
  for (std::int64_t n = 0; n < region.count(); ++n) {
    if (region[n] == label) voxels.push_back(n);
  }
  return peak_over(suv, Ball(suv.grid()), voxels, run);
}

LesionMap find_lesions(const VoxelView<float>& given, const LesionRules& rules, const Run& run) {
  check(rules);
  const Grid& grid = given.grid();
  Voxels<float> suv = Voxels<float>::uninitialized(grid);
  Mask above(grid);
  for (std::int64_t n = 0; n < suv.count(); ++n) {
    suv[n] = std::isfinite(given[n]) ? given[n] : 0.0F;
    above[n] = suv[n] >= static_cast<float>(rules.threshold) ? 1 : 0;
  }
  const Components parts = connected_components(above, Connectivity::corners, run);
  const double voxel_ml = grid.voxel_volume_mm3() / 1000;
  std::vector<std::vector<std::int64_t>> members(parts.items.size());
  for (std::int64_t n = 0; n < suv.count(); ++n) {
    if (parts.labels[n] > 0) members[static_cast<std::size_t>(parts.labels[n] - 1)].push_back(n);
  }
  LesionMap map{Voxels<std::int32_t>(grid), Voxels<std::int32_t>(grid), {}, {}, 0};
  const Ball ball(grid);
  struct Found {
    std::size_t part;
    Uptake uptake;
  };
  std::vector<Found> found;
  for (std::size_t p = 0; p < members.size(); ++p) {
    run.check();
    const bool small = static_cast<double>(members[p].size()) * voxel_ml < rules.minimum_volume_ml;
    if (small && !may_stand_out(suv, members[p])) {
      ++map.small_regions;
      continue;
    }
    Uptake uptake = measure(suv, ball, members[p], run);
    if (small && !stands_out(suv, uptake, rules)) {
      ++map.small_regions;
      continue;
    }
    found.push_back({p, uptake});
  }
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.uptake.tlg > b.uptake.tlg; });

  std::vector<std::int64_t> all;
  for (std::size_t l = 0; l < found.size(); ++l) {
    const auto& voxels = members[found[l].part];
    Lesion lesion;
    lesion.uptake = found[l].uptake;
    std::int64_t higher = 0;
    std::int64_t high = 0;
    for (const std::int64_t v : voxels) {
      map.labels[v] = static_cast<std::int32_t>(l + 1);
      higher += suv[v] >= 1.05 * rules.threshold ? 1 : 0;
      high += suv[v] >= rules.high_threshold ? 1 : 0;
    }
    std::vector<std::int64_t> rim;
    for (const std::int64_t v : voxels) {
      for_neighbours(grid, v, [&](std::int64_t m) {
        if (above[m] == 0 && suv[m] >= 0.95 * rules.threshold) rim.push_back(m);
      });
    }
    std::sort(rim.begin(), rim.end());
    rim.erase(std::unique(rim.begin(), rim.end()), rim.end());
    lesion.volume_interval_ml = {static_cast<double>(higher) * voxel_ml, static_cast<double>(voxels.size() + rim.size()) * voxel_ml};
    lesion.volume_high_ml = static_cast<double>(high) * voxel_ml;
    map.lesions.push_back(lesion);
    all.insert(all.end(), voxels.begin(), voxels.end());
  }

  // Foci: hills with their own maxima inside the lesions.
  std::sort(all.begin(), all.end());
  const Hills hills(suv, all, rules.saddle_share);
  std::int32_t hill_count = 0;
  for (const std::int64_t v : all) hill_count = std::max(hill_count, hills[v] + 1);
  std::vector<std::vector<std::int64_t>> hill_members(static_cast<std::size_t>(hill_count));
  for (const std::int64_t v : all) hill_members[static_cast<std::size_t>(hills[v])].push_back(v);
  // A hill's own maximum cuts it; hills come in order of falling tops. Below the threshold of lesions the cut goes on into the
  // surroundings.
  for (const auto& voxels : hill_members) {
    if (voxels.empty()) continue;
    const std::int64_t top = *std::max_element(voxels.begin(), voxels.end(),
                                               [&](std::int64_t a, std::int64_t b) { return suv[a] != suv[b] ? suv[a] < suv[b] : a > b; });
    const double cut = rules.share * suv[top];
    const auto focus = static_cast<std::int32_t>(map.foci.size() + 1);
    const std::int32_t own = hills[top];
    std::vector<std::int64_t> region{top};
    map.focus_labels[top] = focus;
    for (std::size_t r = 0; r < region.size(); ++r) {
      for_neighbours(grid, region[r], [&](std::int64_t m) {
        if (map.focus_labels[m] != 0 || !(suv[m] >= cut)) return;
        if (map.labels[m] != 0 && hills[m] != own) return;
        // Outside all lesions the region only runs downhill, so that it does not climb its neighbours.
        if (map.labels[m] == 0 && suv[m] > suv[region[r]]) return;
        map.focus_labels[m] = focus;
        region.push_back(m);
      });
    }
    // The hottest hill of a lesion is a focus however small it is.
    const bool first = map.lesions[static_cast<std::size_t>(map.labels[top] - 1)].foci == 0;
    if (!first && static_cast<double>(region.size()) * voxel_ml < rules.minimum_volume_ml) {
      for (const std::int64_t v : region) map.focus_labels[v] = 0;
      continue;
    }
    Focus f;
    f.lesion = map.labels[top];
    std::sort(region.begin(), region.end());
    f.uptake = measure(suv, ball, region, run);
    map.foci.push_back(f);
    ++map.lesions[static_cast<std::size_t>(f.lesion - 1)].foci;
  }
  return map;
}

}  // namespace gantry::analysis
