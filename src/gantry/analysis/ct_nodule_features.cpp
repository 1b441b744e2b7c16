// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_nodule_features.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "gantry/analysis/ct_nodule_sampler.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/filters.h"

namespace gantry::analysis {

namespace {

constexpr float least_response = 40, ceiling_hu = -500, vessel_hu = -300;
constexpr std::array<double, 8> sigmas_mm{1.0, 1.41, 2.0, 2.83, 4.0, 5.66, 8.0, 11.3};
constexpr double soft_tissue_hu = 40;
constexpr std::size_t directions = 48;
constexpr std::array<double, nodule_shells> shell_mm{0, 1, 2, 3, 4, 5, 6, 7.5, 9, 11, 13.5, 16, 20};

/// For each of the few directions those that point the other way, within 37 degrees.
const std::vector<std::vector<std::size_t>>& opposites() {
  static const std::vector<std::vector<std::size_t>> lists = [] {
    std::vector<std::vector<std::size_t>> all(directions);
    for (std::size_t a = 0; a < directions; ++a) {
      for (std::size_t b = 0; b < directions; ++b) {
        if (dot(few_directions()[a], few_directions()[b]) < -0.8) all[a].push_back(b);
      }
    }
    return all;
  }();
  return lists;
}

/// Maxima of the difference of two Gaussians in space, above a contrast of 40 HU.
void collect_maxima(const Voxels<float>& narrow, const Voxels<float>& wide, const Mask& inside, double sigma_mm,
                    std::vector<NoduleSpot>& candidates, const Run& run) {
  const Grid& grid = narrow.grid();
  const std::int64_t nx = grid.size(0), ny = grid.size(1), nz = grid.size(2), step_k = nx * ny;
  if (nx < 3 || ny < 3 || nz < 3) return;
  std::vector<std::vector<NoduleSpot>> found(static_cast<std::size_t>(nz));
  parallel_for(run, nz - 2, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first + 1; k < last + 1; ++k) {
      for (std::int64_t j = 1; j < ny - 1; ++j) {
        for (std::int64_t i = 1; i < nx - 1; ++i) {
          const std::int64_t n = grid.index(i, j, k);
          if (inside[n] == 0) continue;
          const float value = narrow[n] - wide[n];
          if (!(value > least_response)) continue;
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
          if (maximum)
            found[static_cast<std::size_t>(k)].push_back(
                {{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}, sigma_mm, value});
        }
      }
    }
  });
  for (const auto& slice : found) candidates.insert(candidates.end(), slice.begin(), slice.end());
}

/// Spots of the lung as `seen` maps its densities, with sigmas from `least_mm` on that suit nodules of up to `maximum_mm`.
template <class Seen>
void collect_spots(const LungCube& cube, Seen&& seen, double least_mm, double maximum_mm, std::vector<NoduleSpot>& spots, Run& run) {
  auto prepared = Voxels<float>::uninitialized(cube.hu.grid());
  const auto fill = static_cast<float>(cube.background_hu);
  for (std::int64_t n = 0; n < prepared.count(); ++n) prepared[n] = cube.inside[n] != 0 ? seen(cube.hu[n]) : fill;
  Voxels<float> narrow;
  for (std::size_t s = 0; s + 1 < sigmas_mm.size() && 1.6 * sigmas_mm[s] < maximum_mm; ++s) {
    const double sigma = sigmas_mm[s];
    if (sigma < least_mm) continue;
    if (narrow.empty()) narrow = gaussian(prepared, {sigma, sigma, sigma}, Border::nearest, run);
    const double more = std::sqrt(sigmas_mm[s + 1] * sigmas_mm[s + 1] - sigma * sigma);
    Voxels<float> wide = gaussian(narrow, {more, more, more}, Border::nearest, run);
    collect_maxima(narrow, wide, cube.inside, sigma, spots, run);
    narrow = std::move(wide);
  }
}

}  // namespace

std::vector<NoduleSpot> nodule_spots(const LungCube& cube, double maximum_mm, Run& run) {
  std::vector<NoduleSpot> spots;
  const auto fill = static_cast<float>(cube.background_hu);
  collect_spots(
      cube, [&](float hu) { return std::clamp(hu, fill - 80, ceiling_hu); }, 1.0, maximum_mm, spots, run);
  run.progress(0.45, "nodules");
  const auto veil = [&](float hu) {
    if (hu <= ceiling_hu) return std::max(hu, fill - 80);
    return fill + (ceiling_hu - fill) * std::max(0.0F, (vessel_hu - hu) / (vessel_hu - ceiling_hu));
  };
  collect_spots(cube, veil, 1.41, std::min(maximum_mm, 9.0), spots, run);
  run.progress(0.7, "nodules");
  return spots;
}

NoduleFeatures nodule_features(const LungCube& cube, const NoduleSpot& spot) {
  const CubeSampler sampler(cube.hu, cube.inside);
  std::array<Vec3, directions> along;
  for (std::size_t d = 0; d < directions; ++d) along[d] = sampler.voxels(few_directions()[d]);
  NoduleFeatures features{};
  float* next = features.data();
  const double contrast = soft_tissue_hu - cube.background_hu;
  for (const double radius : shell_mm) {
    std::array<float, directions> density{}, sorted{};
    int inside = 0;
    Vec3 first;
    Eigen::Matrix3d second = Eigen::Matrix3d::Zero();
    for (std::size_t d = 0; d < directions; ++d) {
      const Vec3 p = spot.voxel + radius * along[d], u = few_directions()[d];
      inside += sampler.inside(p);
      density[d] = std::clamp(static_cast<float>((sampler.hu(p) - cube.background_hu) / contrast), -0.25F, 1.15F);
      const double t = density[d] / directions;
      first = first + t * u;
      const Eigen::Vector3d v(u.x, u.y, u.z);
      second += 3 * t * v * v.transpose();
    }
    sorted = density;
    std::sort(sorted.begin(), sorted.end());
    for (const std::size_t rank : {2, 12, 24, 36, 45}) *next++ = sorted[rank];
    *next++ = static_cast<float>(inside) / directions;
    *next++ = static_cast<float>(norm(first));
    Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver;
    solver.computeDirect(second, Eigen::EigenvaluesOnly);
    for (int e = 0; e < 3; ++e) *next++ = static_cast<float>(solver.eigenvalues()[e]);
    float through = -1;
    for (std::size_t d = 0; d < directions; ++d) {
      float other = -1;
      for (const std::size_t o : opposites()[d]) other = std::max(other, density[o]);
      through = std::max(through, std::min(density[d], other));
    }
    *next++ = through;
  }
  *next++ = static_cast<float>(std::log(spot.sigma_mm));
  *next++ = static_cast<float>(spot.response / 100);
  *next++ = static_cast<float>(std::max({cube.sample_mm.x, cube.sample_mm.y, cube.sample_mm.z}));
  return features;
}

}  // namespace gantry::analysis
