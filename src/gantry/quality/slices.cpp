// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/quality/slices.h"

#include <algorithm>
#include <cmath>

#include "gantry/compute/parallel.h"

namespace gantry::quality {

namespace {

constexpr std::int64_t least_voxels = 100;

struct Centre {
  double x = 0, y = 0;
};

/// Deviation in percent of the middle slice's mean from its neighbours', over the voxels that all three have inside.
std::optional<double> jump_of(const VoxelView<float>& image, const MaskView& inside, double background, std::int64_t k) {
  const Size3 size = image.grid().size();
  const std::int64_t slice = size[0] * size[1];
  double middle = 0, around = 0;
  std::int64_t count = 0;
  for (std::int64_t n = k * slice; n < (k + 1) * slice; ++n) {
    if (inside[n] == 0 || inside[n - slice] == 0 || inside[n + slice] == 0) continue;
    middle += image[n] - background;
    around += (static_cast<double>(image[n - slice]) + image[n + slice]) / 2 - background;
    ++count;
  }
  if (count < least_voxels || !(around > 0)) return std::nullopt;
  return 100 * (middle / around - 1);
}

}  // namespace

std::vector<SliceQuality> slice_quality(const VoxelView<float>& image, const MaskView& inside, double background, const Run& run) {
  const Grid& grid = image.grid();
  const Size3 size = grid.size();
  const std::int64_t slice = size[0] * size[1];
  std::vector<SliceQuality> slices(static_cast<std::size_t>(size[2]));
  std::vector<Centre> centres(slices.size());
  parallel_for(run, size[2], 1, [&](std::int64_t k, std::int64_t) {
    SliceQuality& s = slices[static_cast<std::size_t>(k)];
    const auto& positions = grid.slice_positions_mm();
    s.position_mm = positions.empty() ? static_cast<double>(k) * grid.spacing_mm().z : positions[static_cast<std::size_t>(k)];
    const float* const values = image.data() + k * slice;
    s.empty = std::all_of(values, values + slice, [&](float v) { return v == values[0]; });
    s.repeated = k > 0 && !s.empty && std::equal(values, values + slice, values - slice);
    Centre& centre = centres[static_cast<std::size_t>(k)];
    double sum = 0;
    for (std::int64_t n = 0; n < slice; ++n) {
      if (inside[k * slice + n] == 0) continue;
      ++s.voxels;
      sum += values[n];
      centre.x += static_cast<double>(n % size[0]);
      centre.y += static_cast<double>(n / size[0]);
    }
    if (s.voxels == 0) return;
    const auto count = static_cast<double>(s.voxels);
    s.mean = sum / count;
    centre = {centre.x / count * grid.spacing_mm().x, centre.y / count * grid.spacing_mm().y};
  });
  std::int64_t most = 0;
  for (const SliceQuality& s : slices) most = std::max(most, s.voxels);
  const auto enough = [&](std::size_t k) { return slices[k].voxels >= std::max(least_voxels, most / 4); };
  parallel_for(run, std::max<std::int64_t>(0, size[2] - 2), 1, [&](std::int64_t first, std::int64_t) {
    const auto k = static_cast<std::size_t>(first + 1);
    if (!enough(k - 1) || !enough(k) || !enough(k + 1)) return;
    // Neighbours at their own distances: what moves evenly from slice to slice is no shift.
    const double below = slices[k].position_mm - slices[k - 1].position_mm, above = slices[k + 1].position_mm - slices[k].position_mm;
    const double share = below / (below + above);
    const Centre &a = centres[k - 1], &b = centres[k + 1], &c = centres[k];
    slices[k].shift_mm = std::hypot(c.x - (a.x + share * (b.x - a.x)), c.y - (a.y + share * (b.y - a.y)));
    slices[k].jump_percent = jump_of(image, inside, background, first + 1);
  });
  return slices;
}

SliceSteps slice_steps(const Grid& grid) {
  const auto& positions = grid.slice_positions_mm();
  if (positions.size() < 2) return {grid.spacing_mm().z, 0, 0};
  std::vector<double> steps;
  for (std::size_t k = 1; k < positions.size(); ++k) steps.push_back(positions[k] - positions[k - 1]);
  std::vector<double> sorted = steps;
  std::sort(sorted.begin(), sorted.end());
  SliceSteps result;
  result.median_mm = sorted[(sorted.size() - 1) / 2];  // of two middle ones the smaller: a gap makes it larger
  result.spread_percent = 100 * (sorted.back() - sorted.front()) / result.median_mm;
  for (const double step : steps) result.missing += std::max(0, static_cast<int>(std::lround(step / result.median_mm)) - 1);
  return result;
}

}  // namespace gantry::quality
