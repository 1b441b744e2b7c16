// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/prepared.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/resample.h"

namespace gantry {

namespace {

constexpr float unknown = std::numeric_limits<float>::quiet_NaN();

/// The value that fills what was not scanned, by the rule of the header.
std::optional<float> padding_of(const std::vector<float>& sorted) {
  const float lowest = sorted.front();
  if (!(lowest < -1024)) return {};
  const auto above = std::upper_bound(sorted.begin(), sorted.end(), lowest);
  const auto count = static_cast<std::size_t>(above - sorted.begin());
  if (count * 10000 < sorted.size() || above == sorted.end()) return {};
  const float range = sorted[sorted.size() * 99 / 100] - *above;
  if (!(*above - lowest > 0.1F * range)) return {};
  return lowest;
}

}  // namespace

Prepared prepare(const Image& image, const Labels* mask, std::string_view subject, Run& run) {
  const auto refuse = [&](const std::string& words) { return Error(ErrorCode::not_possible, fmt::format("{}: {}", subject, words)); };
  if (image.empty()) throw refuse("holds nothing");
  if (image.components() != 1) throw refuse(fmt::format("must have one component; has {}", image.components()));
  if (image.frames() != 1) throw refuse(fmt::format("must have one frame; has {}", image.frames()));
  if (is_complex(image.type())) throw refuse("must be real; is complex");
  for (int axis = 0; axis < 3; ++axis) {
    if (image.grid().size(axis) < 4)
      throw refuse(fmt::format("must be a volume of at least 4 voxels along each axis; has {} x {} x {}", image.grid().size(0),
                               image.grid().size(1), image.grid().size(2)));
  }
  Voxels<float> values = image.as<float>().clone();
  if (mask != nullptr) {
    if (!mask->image().grid().same_space(image.grid())) throw refuse("its mask must lie on the same grid");
    if (mask->image().components() != 1 || mask->image().frames() != 1) throw refuse("its mask must have one component and one frame");
    const auto inside = mask->image().as<std::int32_t>();
    std::int64_t count = 0;
    for (std::int64_t n = 0; n < values.count(); ++n) {
      if (inside[n] == 0) values[n] = unknown;
      count += inside[n] != 0 ? 1 : 0;
    }
    if (count == 0) throw refuse("its mask holds no voxel");
  }
  std::vector<float> sorted;
  // Every so many voxels are enough for quantiles and padding.
  const std::int64_t step = std::max<std::int64_t>(1, values.count() / 4000000);
  for (std::int64_t n = 0; n < values.count(); n += step) {
    if (std::isfinite(values[n])) sorted.push_back(values[n]);
  }
  if (sorted.empty()) throw refuse("has no finite value");
  std::sort(sorted.begin(), sorted.end());
  const std::optional<float> padding = padding_of(sorted);
  if (padding) sorted.erase(sorted.begin(), std::upper_bound(sorted.begin(), sorted.end(), *padding));
  Prepared prepared;
  prepared.low = sorted[sorted.size() / 200];
  prepared.high = sorted[sorted.size() - 1 - sorted.size() / 200];
  if (!(prepared.high > prepared.low)) {  // little in an empty field: the whole range
    prepared.low = sorted.front();
    prepared.high = sorted.back();
  }
  if (!(prepared.high > prepared.low)) throw refuse(fmt::format("is constant; all its values are {}", prepared.low));
  const auto low = static_cast<float>(prepared.low), scale = static_cast<float>(1 / (prepared.high - prepared.low));
  parallel_for(run, values.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const float v = values[n];
      values[n] = std::isfinite(v) && !(padding && v == *padding) ? std::clamp((v - low) * scale, 0.0F, 1.0F) : unknown;
    }
  });
  const Grid& grid = values.grid();
  if (!grid.slice_positions_mm().empty()) {
    const Grid even = with_spacing(grid, grid.spacing_mm());
    values = resample(values, even, Interpolation::linear, unknown, run);
  }
  Vec3 middle;
  for (int axis = 0; axis < 3; ++axis) middle[axis] = 0.5 * static_cast<double>(values.grid().size(axis) - 1);
  prepared.centre_mm = values.grid().world_from_voxel(middle);
  prepared.values = std::move(values);
  return prepared;
}

Voxels<float> coarser(const VoxelView<float>& values, double spacing_mm, const Run& run) {
  std::array<int, 3> factor{};
  for (int axis = 0; axis < 3; ++axis) {
    const double wanted = std::min(spacing_mm / values.grid().spacing_mm()[axis], static_cast<double>(values.grid().size(axis)) / 4);
    factor[static_cast<std::size_t>(axis)] = static_cast<int>(std::max(1.0, std::round(wanted)));
  }
  if (factor == std::array<int, 3>{1, 1, 1}) return values.clone();
  auto known = Voxels<float>::uninitialized(values.grid()), filled = Voxels<float>::uninitialized(values.grid());
  parallel_for(run, values.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const bool is_known = !std::isnan(values[n]);
      known[n] = is_known ? 1.0F : 0.0F;
      filled[n] = is_known ? values[n] : 0.0F;
    }
  });
  const Voxels<float> share = shrink(known, factor, run);
  Voxels<float> mean = shrink(filled, factor, run);
  for (std::int64_t n = 0; n < mean.count(); ++n) mean[n] = share[n] >= 0.5F ? mean[n] / share[n] : unknown;
  return mean;
}

}  // namespace gantry
