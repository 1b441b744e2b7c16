// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_nodules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/analysis/ct_nodule_classifier.h"
#include "gantry/compute/parallel.h"

namespace gantry::analysis {

namespace {

/// A spot with what the classifier makes of it.
struct Scored {
  NoduleSpot spot;
  float probability = 0;
};

std::vector<Nodule> search_lung(const LungCube& cube, int side, const NoduleClassifier& classifier, const NoduleSearch& search, Run& run) {
  Run proposing = run.part(0.0, 0.6);
  const std::vector<NoduleSpot> spots = nodule_spots(cube, search.maximum_mm, proposing);
  std::vector<Scored> scored(spots.size());
  parallel_for(run, static_cast<std::int64_t>(spots.size()), 64, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      const auto s = static_cast<std::size_t>(n);
      scored[s] = {spots[s], classifier.probability(nodule_features(cube, spots[s]))};
    }
  });
  std::erase_if(scored, [&](const Scored& s) { return !(s.probability >= search.least_probability); });
  std::stable_sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) { return a.probability > b.probability; });
  std::vector<Nodule> nodules;
  std::vector<std::pair<Vec3, double>> taken;  // the best of those that lie in one another
  const Grid& grid = cube.hu.grid();
  for (const Scored& candidate : scored) {
    run.check();
    const auto repeated = [&](Vec3 place, double radius_mm) {
      return std::any_of(taken.begin(), taken.end(),
                         [&](const auto& other) { return norm(other.first - place) < std::max(other.second, radius_mm) + 1.5; });
    };
    const double radius_mm = std::max(2.1 * candidate.spot.sigma_mm, 2.5);
    if (repeated(grid.world_from_voxel(candidate.spot.voxel), radius_mm)) continue;
    taken.emplace_back(grid.world_from_voxel(candidate.spot.voxel), radius_mm);
    const auto shape = nodule_shape(cube, candidate.spot.voxel, 2.1 * candidate.spot.sigma_mm, search);
    if (!shape) continue;
    auto nodule = measure_nodule(cube, *shape, search, run);
    if (!nodule) continue;
    taken.emplace_back(nodule->position_mm, 0.5 * nodule->mean_mm);
    nodule->score = candidate.probability;
    nodule->side = side;
    nodules.push_back(std::move(*nodule));
  }
  return nodules;
}

}  // namespace

double Nodule::equivalent_mm() const { return std::cbrt(6000 * volume_ml / std::numbers::pi); }

NoduleSearch search_on_slices(NoduleSearch search, double slice_mm) {
  search.slice_mm = std::max(search.slice_mm, slice_mm);
  search.minimum_mm = std::max(search.minimum_mm, 1.2 * search.slice_mm);
  search.ground_glass_minimum_mm = std::max(search.ground_glass_minimum_mm, 2.2 * search.slice_mm);
  return search;
}

std::vector<Nodule> find_nodules(const Image& image, const WorkingVolume& volume, const Lungs& lungs, const NoduleSearch& wanted,
                                 Run& run) {
  const NoduleClassifier& classifier = NoduleClassifier::shipped();
  const Vec3 s = image.grid().spacing_mm();
  const NoduleSearch search = search_on_slices(wanted, std::max({s.x, s.y, s.z}));
  std::vector<Nodule> all;
  for (const int side : {2, 1}) {
    if (!(side == 1 ? lungs.left : lungs.right)) continue;
    Run part = run.part(side == 2 ? 0.0 : 0.5, side == 2 ? 0.5 : 1.0);
    const LungCube cube = lung_cube(image, volume, lungs, side, part);
    if (cube.hu.empty()) continue;
    std::vector<Nodule> found = search_lung(cube, side, classifier, search, part);
    std::move(found.begin(), found.end(), std::back_inserter(all));
  }
  std::stable_sort(all.begin(), all.end(), [](const Nodule& a, const Nodule& b) { return a.score > b.score; });
  if (all.size() > static_cast<std::size_t>(search.most)) all.resize(static_cast<std::size_t>(search.most));
  std::stable_sort(all.begin(), all.end(),
                   [](const Nodule& a, const Nodule& b) { return a.side != b.side ? a.side > b.side : a.position_mm.z > b.position_mm.z; });
  return all;
}

void paint_nodule(const Nodule& nodule, std::uint8_t value, Voxels<std::uint8_t>& labels) {
  const Grid& grid = labels.grid();
  const double reach = *std::max_element(nodule.ray_mm.begin(), nodule.ray_mm.end()) + 1;
  const Vec3 centre = grid.voxel_from_world(nodule.position_mm);
  const Vec3 s = grid.spacing_mm();
  std::array<std::int64_t, 3> low{}, high{};
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    low[a] = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(centre[axis] - reach / s[axis])), 0, grid.size(axis));
    high[a] = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(centre[axis] + reach / s[axis])) + 1, 0, grid.size(axis));
  }
  for (std::int64_t k = low[2]; k < high[2]; ++k) {
    for (std::int64_t j = low[1]; j < high[1]; ++j) {
      for (std::int64_t i = low[0]; i < high[0]; ++i) {
        const Vec3 there = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        if (ray_radius(nodule.ray_mm, there - nodule.position_mm) >= norm(there - nodule.position_mm)) labels[grid.index(i, j, k)] = value;
      }
    }
  }
}

}  // namespace gantry::analysis
