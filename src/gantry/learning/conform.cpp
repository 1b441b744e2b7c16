// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/conform.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/resample.h"

namespace gantry::learning {

namespace {

constexpr int bins = 1000;
constexpr double share_below = 0.999;

/// Lowest value and the one that the brightest thousandth of what is not zero exceeds.
std::pair<double, double> intensity_range(std::span<const float> values) {
  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  const double low = *lowest, high = *highest;
  if (!(high > low)) throw Error(ErrorCode::not_possible, "image: must have contrast; all its values are equal");
  std::vector<std::int64_t> counts(bins);
  std::int64_t not_zero = 0;
  for (const float value : values) {
    const auto bin = static_cast<std::int64_t>((value - low) / (high - low) * bins);
    ++counts[static_cast<std::size_t>(std::clamp<std::int64_t>(bin, 0, bins - 1))];
    not_zero += value != 0;
  }
  const auto wanted =
      static_cast<std::int64_t>(values.size()) - static_cast<std::int64_t>((1 - share_below) * static_cast<double>(not_zero));
  std::int64_t below = 0;
  int bin = 0;
  while (bin < bins && below + counts[static_cast<std::size_t>(bin)] < wanted) below += counts[static_cast<std::size_t>(bin++)];
  // A picture whose brightest thousandth fills the lowest bins keeps its whole range.
  const double end = bin < 2 ? high : low + (high - low) * std::min(bin + 1, bins) / bins;
  return {low, end};
}

bool is_conformed(const Image& image, const Size3& size) {
  return image.type() == PixelType::u8 && image.grid().size() == size && image.grid().slice_positions_mm().empty() &&
         image.grid().same_space(conformed_grid(image.grid(), size), 0.01);
}

}  // namespace

Grid conformed_grid(const Grid& grid, const Size3& size) {
  const auto middle = [](const Size3& of) {
    return Vec3{static_cast<double>(of[0] - 1) / 2, static_cast<double>(of[1] - 1) / 2, static_cast<double>(of[2] - 1) / 2};
  };
  Mat3 direction;
  direction.column = {Vec3{1, 0, 0}, Vec3{0, 0, -1}, Vec3{0, -1, 0}};
  return Grid(size, {1, 1, 1}, grid.world_from_voxel(middle(grid.size())) - direction * middle(size), direction);
}

Voxels<float> conformed(const Image& image, const Size3& size, const Run& run) {
  if (image.components() != 1 || image.frames() != 1)
    throw Error(ErrorCode::not_possible, fmt::format("image: must have one component and one frame; got {} components and {} frames",
                                                     image.components(), image.frames()));
  if (is_conformed(image, size)) return image.as<float>().clone();
  Voxels<float> source = image.as<float>().clone();
  for (float& value : source.values())
    if (!std::isfinite(value)) value = 0;
  const auto [low, high] = intensity_range(source.values());
  const Grid target = conformed_grid(image.grid(), size);
  const auto outside = static_cast<float>(low);
  Voxels<float> volume = resample(source, target, Interpolation::linear, outside, run);
  const auto scale = static_cast<float>(255 / (high - low));
  std::int64_t inside = 0;
  for (float& value : volume.values()) {
    value = std::clamp(std::nearbyint((value - outside) * scale), 0.0F, 255.0F);
    inside += value > 0;
  }
  if (inside * 1000 < volume.count())
    throw Error(ErrorCode::not_possible, "image: must show something within the box that the network sees; almost all of it is empty");
  return volume;
}

double quantile(std::span<const float> values, double share) {
  if (values.empty()) return 0;
  std::vector<float> sorted(values.begin(), values.end());
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = sorted.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(sorted.begin(), below, sorted.end());
  const double low = *below, fraction = place - std::floor(place);
  if (fraction == 0 || below + 1 == sorted.end()) return low;
  return low + fraction * (static_cast<double>(*std::min_element(below + 1, sorted.end())) - low);
}

void scale_to_range(Voxels<float>& volume, const bundle::InputRange& range, const Run& run) {
  const double low = quantile(volume.values(), range.low), high = quantile(volume.values(), range.high);
  if (!(high > low)) throw Error(ErrorCode::not_possible, "image: must have contrast; the stated quantiles of its values are equal");
  const auto from = static_cast<float>(low), scale = static_cast<float>(1 / (high - low));
  parallel_for(run, volume.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) volume[n] = (volume[n] - from) * scale;
  });
}

}  // namespace gantry::learning
