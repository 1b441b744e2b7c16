// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_nodules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/analysis/ct_nodule_shape.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/resample.h"

namespace gantry::analysis {

namespace {

Voxels<float> float_crop(const Image& image, const VoxelBox& box, const Run& run) {
  Size3 size{};
  for (std::size_t a = 0; a < 3; ++a) size[a] = box.end[a] - box.begin[a];
  Grid grid = image.grid().cropped(box.begin, size);
  auto values = Voxels<float>::uninitialized(grid);
  visit_real(image, [&](const auto& view) {
    parallel_for(run, size[2], 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t k = first; k < last; ++k) {
        for (std::int64_t j = 0; j < size[1]; ++j) {
          const auto* from = view.data() + view.grid().index(box.begin[0], box.begin[1] + j, box.begin[2] + k);
          float* to = values.data() + grid.index(0, j, k);
          for (std::int64_t i = 0; i < size[0]; ++i) {
            const auto hu = static_cast<float>(from[i]);
            to[i] = hu > padding_hu ? std::min(hu, 3000.0F) : -1000.0F;
          }
        }
      }
    });
  });
  return values;
}

LungCube lung_cube(const Image& image, const WorkingVolume& volume, const Lungs& lungs, int side, const Run& run) {
  const Grid& working = volume.hu.grid();
  Mask own = Mask::uninitialized(working);
  for (std::int64_t n = 0; n < own.count(); ++n) own[n] = lungs.side[n] == side;
  LungCube cube;
  const VoxelBox lung_box = bounding_box(own, 3);
  if (lung_box.empty()) return cube;
  // Nodules that hang on the pleura: a wider closing than that of the lung's outline, but no bone and no other lung.
  Mask search = closed_lung(own, 9.0, run);
  for (std::int64_t n = 0; n < search.count(); ++n) {
    if (search[n] != 0 && own[n] == 0) search[n] = lungs.side[n] == 0 && volume.hu[n] < 250;
  }
  const Vec3 s = image.grid().spacing_mm();
  const double in_plane = std::min({s.x, s.y, s.z});
  const double spacing = std::clamp(in_plane, 1.0, 1.4);
  Size3 size{};
  Vec3 wide = working.spacing_mm();
  for (std::size_t a = 0; a < 3; ++a) {
    size[a] = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(static_cast<double>(lung_box.end[a] - lung_box.begin[a]) *
                                                                            wide[static_cast<int>(a)] / spacing)));
  }
  const Vec3 begin{static_cast<double>(lung_box.begin[0]), static_cast<double>(lung_box.begin[1]), static_cast<double>(lung_box.begin[2])};
  const Grid target(size, {spacing, spacing, spacing}, working.world_from_voxel(begin), working.direction());
  cube.inside = mask_from_field(threshold_field(volume, search, lungs.threshold_hu, true), target, run);
  for (int axis = 0; axis < 3; ++axis) {
    const Vec3 along = target.direction().column[static_cast<std::size_t>(axis)];
    double step = 0;
    for (int b = 0; b < 3; ++b) step += std::abs(dot(along, image.grid().direction().column[static_cast<std::size_t>(b)])) * s[b];
    cube.sample_mm[axis] = step;
  }
  const VoxelBox source = box_on(image.grid(), target, {{0, 0, 0}, size});
  if (source.empty()) return cube;
  cube.hu = resample(float_crop(image, source, run), target, Interpolation::linear, -1000.0F, run);
  std::vector<float> values;
  for (std::int64_t n = 0; n < cube.inside.count(); n += 11) {
    if (cube.inside[n] != 0 && cube.hu[n] < -500) values.push_back(cube.hu[n]);
  }
  if (!values.empty()) cube.background_hu = quantile(std::move(values), 0.5);
  return cube;
}

struct Candidate {
  std::int64_t voxel = 0;
  double sigma_mm = 0;
  float response = 0;
};

/// Maxima of the difference of two Gaussians in space, above a contrast of 25 HU.
void collect_maxima(const Voxels<float>& narrow, const Voxels<float>& wide, const Mask& inside, double sigma_mm,
                    std::vector<Candidate>& candidates, const Run& run) {
  const Grid& grid = narrow.grid();
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2), step_k = nx * ny;
  if (nx < 3 || ny < 3 || nz < 3) return;
  std::vector<std::vector<Candidate>> found(static_cast<std::size_t>(nz));
  parallel_for(run, nz - 2, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first + 1; k < last + 1; ++k) {
      for (std::int64_t j = 1; j < ny - 1; ++j) {
        for (std::int64_t i = 1; i < nx - 1; ++i) {
          const std::int64_t n = grid.index(i, j, k);
          if (inside[n] == 0) continue;
          const float value = narrow[n] - wide[n];
          if (!(value > 25)) continue;
          bool maximum = true;
          for (std::int64_t c = -1; c <= 1 && maximum; ++c) {
            for (std::int64_t b = -1; b <= 1 && maximum; ++b) {
              for (std::int64_t a = -1; a <= 1; ++a) {
                const std::int64_t m = n + a + b * nx + c * step_k;
                const float other = narrow[m] - wide[m];
                if (other > value || (other == value && m < n)) {
                  maximum = false;
                  break;
                }
              }
            }
          }
          if (maximum) found[static_cast<std::size_t>(k)].push_back({n, sigma_mm, value});
        }
      }
    }
  });
  for (const auto& slice : found) candidates.insert(candidates.end(), slice.begin(), slice.end());
}

/// Centres and widths of bright spots of all sizes.
std::vector<Candidate> search_lung_candidates(const LungCube& cube, const NoduleSearch& search, Run& run) {
  const Grid& grid = cube.hu.grid();
  auto prepared = Voxels<float>::uninitialized(grid);
  const auto fill = static_cast<float>(cube.background_hu);
  for (std::int64_t n = 0; n < prepared.count(); ++n) {
    prepared[n] = cube.inside[n] != 0 ? std::clamp(cube.hu[n], fill - 80, 100.0F) : fill;
  }
  std::vector<Candidate> candidates;
  constexpr std::array<double, 8> sigmas{1.0, 1.41, 2.0, 2.83, 4.0, 5.66, 8.0, 11.3};
  Voxels<float> narrow = gaussian(prepared, {sigmas[0], sigmas[0], sigmas[0]}, Border::nearest, run);
  for (std::size_t s = 0; s + 1 < sigmas.size() && 1.6 * sigmas[s] < search.maximum_mm; ++s) {
    run.progress(0.8 * static_cast<double>(s) / sigmas.size(), "nodules");
    const double more = std::sqrt(sigmas[s + 1] * sigmas[s + 1] - sigmas[s] * sigmas[s]);
    Voxels<float> wide = gaussian(narrow, {more, more, more}, Border::nearest, run);
    collect_maxima(narrow, wide, cube.inside, sigmas[s], candidates, run);
    narrow = std::move(wide);
  }
  return candidates;
}

/// Searches one cube; what overlaps a nodule that `found` has already is left out.
void search_cube(const LungCube& cube, const NoduleSearch& search, std::vector<Nodule>& found, Run& run) {
  const Grid& grid = cube.hu.grid();
  const std::vector<Candidate> candidates = search_lung_candidates(cube, search, run);
  std::vector<std::optional<NoduleShape>> measured(candidates.size());
  parallel_for(run, static_cast<std::int64_t>(candidates.size()), 32, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t c = first; c < last; ++c) {
      const Candidate& candidate = candidates[static_cast<std::size_t>(c)];
      const std::int64_t n = candidate.voxel;
      const Vec3 at{static_cast<double>(n % grid.size(0)), static_cast<double>(n / grid.size(0) % grid.size(1)),
                    static_cast<double>(n / (grid.size(0) * grid.size(1)))};
      measured[static_cast<std::size_t>(c)] = nodule_shape(cube, at, 2.1 * candidate.sigma_mm, search);
    }
  });
  std::vector<const NoduleShape*> shapes;
  for (const auto& shape : measured) {
    if (shape) shapes.push_back(&*shape);
  }
  std::stable_sort(shapes.begin(), shapes.end(), [](const NoduleShape* a, const NoduleShape* b) { return a->score > b->score; });
  // The best of those that lie in one another.
  std::vector<std::pair<Vec3, double>> taken;
  for (const Nodule& nodule : found) taken.emplace_back(nodule.position_mm, 0.5 * nodule.mean_mm);
  for (const NoduleShape* shape : shapes) {
    const Vec3 place = grid.world_from_voxel(shape->centre_voxel);
    const bool repeated = std::any_of(taken.begin(), taken.end(), [&](const auto& other) {
      return norm(other.first - place) < std::max(other.second, shape->radius_mm) + 1.0;
    });
    if (repeated) continue;
    taken.emplace_back(place, shape->radius_mm);
    run.check();
    if (auto nodule = measure_nodule(cube, *shape, search, run)) found.push_back(std::move(*nodule));
  }
}

/// Opening of the HU by a ball: vessels thinner than it fade into the lung around, nodules stay with the shape that they have without.
Voxels<float> without_thin_vessels(const LungCube& cube, double radius_mm, const Run& run) {
  const Grid& grid = cube.hu.grid();
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2);
  const double reach = radius_mm / grid.spacing_mm().x;
  const auto whole = static_cast<std::int64_t>(reach);
  std::vector<std::array<std::int64_t, 3>> rows;  // j and k offset, half width along i
  for (std::int64_t c = -whole; c <= whole; ++c) {
    for (std::int64_t b = -whole; b <= whole; ++b) {
      const double left = reach * reach - static_cast<double>(b * b + c * c);
      if (left >= 0) rows.push_back({b, c, static_cast<std::int64_t>(std::sqrt(left))});
    }
  }
  const auto extreme = [&](const Voxels<float>& from, bool least) {
    auto to = Voxels<float>::uninitialized(grid);
    parallel_for(run, nz, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t k = first; k < last; ++k) {
        for (std::int64_t j = 0; j < ny; ++j) {
          float* out = to.data() + grid.index(0, j, k);
          std::copy_n(from.data() + grid.index(0, j, k), nx, out);
          for (const auto& [b, c, half] : rows) {
            if (j + b < 0 || j + b >= ny || k + c < 0 || k + c >= nz) continue;
            const float* row = from.data() + grid.index(0, j + b, k + c);
            for (std::int64_t a = -half; a <= half; ++a) {
              const std::int64_t begin = std::max<std::int64_t>(0, -a), end = std::min(nx, nx - a);
              if (least) {
                for (std::int64_t i = begin; i < end; ++i) out[i] = std::min(out[i], row[i + a]);
              } else {
                for (std::int64_t i = begin; i < end; ++i) out[i] = std::max(out[i], row[i + a]);
              }
            }
          }
        }
      }
    });
    return to;
  };
  return extreme(extreme(cube.hu, true), false);
}

std::vector<Nodule> search_lung(LungCube cube, int side, const NoduleSearch& search, Run& run) {
  std::vector<Nodule> nodules;
  Run first = run.part(0.0, 0.5), second = run.part(0.5, 1.0);
  search_cube(cube, search, nodules, first);
  // Once more for nodules that vessels hide.
  cube.hu = without_thin_vessels(cube, 2.0, second);
  NoduleSearch rounder = search;
  rounder.least_score = rounder.least_small_score = rounder.least_ground_glass_score = search.least_hidden_score;
  search_cube(cube, rounder, nodules, second);
  for (Nodule& nodule : nodules) nodule.side = side;
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
  const Vec3 s = image.grid().spacing_mm();
  const NoduleSearch search = search_on_slices(wanted, std::max({s.x, s.y, s.z}));
  std::vector<Nodule> all;
  for (const int side : {2, 1}) {
    if (!(side == 1 ? lungs.left : lungs.right)) continue;
    Run part = run.part(side == 2 ? 0.0 : 0.5, side == 2 ? 0.5 : 1.0);
    LungCube cube = lung_cube(image, volume, lungs, side, part);
    if (cube.hu.empty()) continue;
    std::vector<Nodule> found = search_lung(std::move(cube), side, search, part);
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
