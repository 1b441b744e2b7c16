// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Times one case as the peers' script times the same: {"gantry": SECONDS, "result": NUMBER}. Argument: gamma2, gamma3 or dvh.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string_view>

#include "gantry/radiotherapy/dose_volume.h"
#include "gantry/radiotherapy/gamma_index.h"

namespace {

using namespace gantry;

/// 1 + top / (1 + exp((r - radius) / 6)) Gy around `centre`: a target with a penumbra.
Voxels<float> target(const Grid& grid, double top, double radius, Vec3 centre) {
  auto dose = Voxels<float>::uninitialized(grid);
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const Vec3 p = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        dose(i, j, k) = static_cast<float>(1 + top / (1 + std::exp((norm(p - centre) - radius) / 6)));
      }
    }
  }
  return dose;
}

/// A sphere as circles of 360 corners in planes 2 mm apart.
ContouredRegion ball(double radius_mm, Vec3 centre) {
  ContouredRegion region{.number = 1, .name = "ball"};
  for (double z = -radius_mm + 1; z < radius_mm; z += 2) {
    Contour circle;
    for (int n = 0; n < 360; ++n) {
      const double across = std::sqrt(radius_mm * radius_mm - z * z), angle = n * 0.017453292519943295;
      circle.push_back(centre + Vec3{across * std::cos(angle), across * std::sin(angle), z});
    }
    region.polygons.push_back(std::move(circle));
  }
  return region;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view name = count > 1 ? arguments[1] : "";
  if (name != "gamma2" && name != "gamma3" && name != "dvh") {
    std::fputs("radiotherapy bench: name gamma2, gamma3 or dvh\n", stderr);
    return 2;
  }
  const Grid grid =
      name == "gamma2" ? Grid({250, 250, 1}, {1, 1, 1}, {-124.5, -124.5, 0}) : Grid({64, 64, 64}, {3, 3, 3}, {-94.5, -94.5, -94.5});
  const double radius = name == "gamma2" ? 80 : 50;
  const auto reference = target(grid, 60, radius, {}),
             evaluated = target(grid, 60.9, radius + 0.5, {1.2, -0.8, grid.size(2) > 1 ? 0.5 : 0});
  Run run(RunOptions{.threads = 2});
  double result = 0;
  const auto begin = std::chrono::steady_clock::now();
  if (name == "dvh") {
    for (int n = 0; n < 5; ++n) result += dose_volume(reference, ball(40, {n * 8.0 - 16, 0, 0}), 0.01, 0, EndCaps::half, run).mean_gy / 5;
  } else {
    const GammaMap map = gamma_index(reference, evaluated, {.dose_difference_gy = 1.83, .distance_mm = 3, .threshold_gy = 6.1}, run);
    for (const float gamma : map.gamma.values()) result += gamma <= 1 ? 100.0 / static_cast<double>(map.judged) : 0;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{{\"gantry\": {}, \"result\": {}}}\n", seconds, result);
  return 0;
}
