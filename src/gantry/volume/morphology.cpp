// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/morphology.h"

#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/volume/ball.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/distance.h"
#include "gantry/volume/resample.h"

namespace gantry {

namespace {

void check_radius(double radius_mm) {
  if (!(radius_mm >= 0 && std::isfinite(radius_mm))) {
    throw Error(ErrorCode::parameter, fmt::format("radius: must be at least 0 mm and finite; got {}", shortest(radius_mm)));
  }
}

GANTRY_SIMD void within_row(const float* squared, float limit, std::uint8_t inside, std::uint8_t* out, std::int64_t n) {
  const auto outside = static_cast<std::uint8_t>(1 - inside);
  for (std::int64_t i = 0; i < n; ++i) out[i] = squared[i] <= limit ? inside : outside;
}

/// 1 (dilation) or 0 (erosion) where the nearest voxel of the mask (of the background) lies within the radius. The radius is taken a
/// millionth larger, so that spacing that is no binary fraction does not lose voxels at exactly that distance.
Mask within(const MaskView& mask, double radius_mm, bool erosion, const Run& run) {
  require_volume(mask, "mask");
  check_radius(radius_mm);
  const double limit_mm2 = radius_mm * radius_mm * (1 + 2e-6);
  if (auto quick = morphology_by_words(mask, limit_mm2, erosion, run)) return std::move(*quick);
  const Voxels<float> squared = squared_distance(mask, erosion, false, run);
  const auto limit = static_cast<float>(limit_mm2);
  auto result = Mask::uninitialized(mask.grid());
  parallel_for(run, result.count(), 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    within_row(squared.data() + begin, limit, erosion ? 0 : 1, result.data() + begin, end - begin);
  });
  return result;
}

}  // namespace

Mask dilate(const MaskView& mask, double radius_mm, const Run& run) { return within(mask, radius_mm, false, run); }

Mask erode(const MaskView& mask, double radius_mm, const Run& run) { return within(mask, radius_mm, true, run); }

Mask open(const MaskView& mask, double radius_mm, const Run& run) { return dilate(erode(mask, radius_mm, run), radius_mm, run); }

Mask close(const MaskView& mask, double radius_mm, const Run& run) {
  require_volume(mask, "mask");
  check_radius(radius_mm);
  const Grid& grid = mask.grid();
  // Extended by the radius along every axis of more than one voxel; only the box of the foreground matters.
  Size3 margin{}, size{};
  Vec3 first;
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    if (grid.size(axis) > 1) margin[a] = static_cast<std::int64_t>(std::ceil(radius_mm / grid.spacing_mm()[axis])) + 1;
    size[a] = grid.size(axis) + 2 * margin[a];
    first[axis] = -static_cast<double>(margin[a]);
  }
  Grid larger(size, grid.spacing_mm(), grid.world_from_voxel(first), grid.direction());
  if (const auto& positions = grid.slice_positions_mm(); positions.size() > 1) {
    std::vector<double> extended;
    const double before = positions[1] - positions[0], after = positions.back() - positions[positions.size() - 2];
    for (std::int64_t p = margin[2]; p > 0; --p) extended.push_back(positions.front() - before * static_cast<double>(p));
    extended.insert(extended.end(), positions.begin(), positions.end());
    for (std::int64_t p = 1; p <= margin[2]; ++p) extended.push_back(positions.back() + after * static_cast<double>(p));
    const double start = extended.front();
    for (double& position : extended) position -= start;
    larger = larger.with_slice_positions(std::move(extended));
  }
  Mask extended(larger);
  const auto [ni, nj, nk] = grid.size();
  for (std::int64_t k = 0; k < nk; ++k) {
    for (std::int64_t j = 0; j < nj; ++j) std::copy_n(&mask(0, j, k), ni, &extended(margin[0], j + margin[1], k + margin[2]));
  }
  Mask closed = crop<std::uint8_t>(erode(dilate(extended, radius_mm, run), radius_mm, run), margin, grid.size());
  closed.set_grid(grid);
  return closed;
}

}  // namespace gantry
