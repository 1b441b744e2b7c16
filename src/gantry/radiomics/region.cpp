// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiomics/region.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"

namespace gantry::radiomics {

namespace {

struct Box {
  Size3 begin{}, size{};
};

/// The box of the voxels where `inside` is not zero; Error(not_possible) when there is none.
Box box_of(const MaskView& mask) {
  const Size3 size = mask.grid().size();
  Size3 low = size, high{-1, -1, -1};
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      const std::uint8_t* const row = &mask(0, j, k);
      for (std::int64_t i = 0; i < size[0]; ++i) {
        if (row[i] == 0) continue;
        const Size3 at{i, j, k};
        for (std::size_t a = 0; a < 3; ++a) {
          low[a] = std::min(low[a], at[a]);
          high[a] = std::max(high[a], at[a]);
        }
      }
    }
  }
  if (high[0] < 0) throw Error(ErrorCode::not_possible, "mask: must mark at least one voxel; it marks none");
  return {low, {high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1}};
}

/// The grid of the given spacing with the same centre, as many voxels as cover the old ones (IBSI 1, section 2.4: align by centre).
Grid centred_grid(const Grid& grid, Vec3 spacing_mm) {
  Size3 size = grid.size();
  Vec3 centre_voxel, first;
  for (int a = 0; a < 3; ++a) {
    const auto n = static_cast<double>(size[static_cast<std::size_t>(a)]);
    centre_voxel[a] = (n - 1) / 2;
    const double extent = n * grid.spacing_mm()[a];
    // A hair less, so that an extent of whole voxels does not get one more by rounding.
    const double voxels = std::max(1.0, std::ceil(extent / spacing_mm[a] - 1e-6));
    if (!(voxels <= 65535)) {
      throw Error(ErrorCode::not_possible,
                  fmt::format("spacing: {} mm makes {:.0f} voxels along an axis (65535 at most)", spacing_mm[a], voxels));
    }
    size[static_cast<std::size_t>(a)] = std::llround(voxels);
    first[a] = -(voxels - 1) / 2 * spacing_mm[a];
  }
  const Grid even(grid.size(), grid.spacing_mm(), grid.origin_mm(), grid.direction());
  const Vec3 centre = even.world_from_voxel(centre_voxel);
  return Grid(size, spacing_mm, centre + grid.direction() * first, grid.direction());
}

/// `box` with `margin` voxels around it, as far as the grid reaches.
Box widened(const Box& box, const Size3& size, const Size3& margin) {
  Box wide;
  for (std::size_t a = 0; a < 3; ++a) {
    wide.begin[a] = std::max<std::int64_t>(0, box.begin[a] - margin[a]);
    wide.size[a] = std::min(size[a], box.begin[a] + box.size[a] + margin[a]) - wide.begin[a];
  }
  return wide;
}

Size3 margin_voxels(const Grid& grid, double margin_mm) {
  const Vec3 s = grid.spacing_mm();
  return {std::llround(std::ceil(margin_mm / s.x)), std::llround(std::ceil(margin_mm / s.y)), std::llround(std::ceil(margin_mm / s.z))};
}

/// The box of the original mask on another grid, with a voxel around it.
Box box_on(const Grid& to, const Grid& from, const Box& box) {
  Vec3 low{1e300, 1e300, 1e300}, high{-1e300, -1e300, -1e300};
  for (int corner = 0; corner < 8; ++corner) {
    Vec3 at;
    for (int a = 0; a < 3; ++a) {
      const auto axis = static_cast<std::size_t>(a);
      at[a] = static_cast<double>(box.begin[axis]) + ((corner >> a & 1) != 0 ? static_cast<double>(box.size[axis]) : -1.0);
    }
    const Vec3 voxel = to.voxel_from_world(from.world_from_voxel(at));
    for (int a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], voxel[a]);
      high[a] = std::max(high[a], voxel[a]);
    }
  }
  Box result;
  for (int a = 0; a < 3; ++a) {
    const auto axis = static_cast<std::size_t>(a);
    const std::int64_t n = to.size(a), begin = std::clamp<std::int64_t>(std::llround(std::floor(low[a])), 0, n - 1);
    result.begin[axis] = begin;
    result.size[axis] = std::clamp<std::int64_t>(std::llround(std::ceil(high[a])) + 1 - begin, 1, n - begin);
  }
  return result;
}

struct Sampled {
  Voxels<float> image;
  Mask mask;
};

/// Image and mask (linear, at least one half) on new voxels, as far as `margin_mm` around the mask.
Sampled resampled(const VoxelView<float>& image, const MaskView& mask, const Processing& processing, double margin_mm, const Run& run) {
  Vec3 spacing = *processing.spacing_mm;
  if (spacing.z == 0) spacing.z = image.grid().spacing_mm().z;
  const bool keeps_slices = processing.spacing_mm->z == 0;
  Grid grid = centred_grid(image.grid(), spacing);
  if (keeps_slices && grid.size(2) != image.grid().size(2)) throw Error(ErrorCode::internal, "spacing: the slices were not kept");
  const Box box = widened(box_on(grid, image.grid(), box_of(mask)), grid.size(), margin_voxels(grid, margin_mm));
  grid = grid.cropped(box.begin, box.size);
  auto fraction = Voxels<float>::uninitialized(mask.grid());
  for (std::int64_t n = 0; n < mask.count(); ++n) fraction[n] = mask[n] != 0 ? 1.0F : 0.0F;
  Sampled sampled{resample(image, grid, processing.interpolation, std::numeric_limits<float>::quiet_NaN(), run), Mask()};
  const Voxels<float> share = resample(VoxelView<float>(fraction), grid, Interpolation::linear, 0, run);
  sampled.mask = Mask::uninitialized(grid);
  // One half by the arithmetic of floats, whichever way its last bit was rounded.
  for (std::int64_t n = 0; n < share.count(); ++n) sampled.mask[n] = share[n] >= 0.5F - 1e-5F && std::isfinite(sampled.image[n]) ? 1 : 0;
  return sampled;
}

/// Takes the voxels that are out of range, then the outliers of what is left, from the intensity mask.
void segment_again(Region& region, const Processing& processing) {
  const auto each = [&](auto&& keep) {
    for (std::int64_t n = 0; n < region.intensity.count(); ++n) {
      if (region.intensity[n] != 0 && !keep(static_cast<double>(region.values[n]))) region.intensity[n] = 0;
    }
  };
  if (processing.lowest) each([&](double v) { return v >= *processing.lowest; });
  if (processing.highest) each([&](double v) { return v <= *processing.highest; });
  if (processing.outliers) {
    double sum = 0, squares = 0;
    const std::vector<float> values = region.intensities();
    for (const float v : values) sum += v;
    const double mean = sum / static_cast<double>(values.size());
    for (const float v : values) squares += (v - mean) * (v - mean);
    const double reach = *processing.outliers * std::sqrt(squares / static_cast<double>(values.size()));
    if (!values.empty()) each([&](double v) { return std::abs(v - mean) <= reach; });
  }
}

}  // namespace

std::vector<float> Region::intensities() const {
  std::vector<float> result;
  for (std::int64_t n = 0; n < intensity.count(); ++n) {
    if (intensity[n] != 0) result.push_back(values[n]);
  }
  return result;
}

Region prepare_region(const VoxelView<float>& image, const MaskView& mask, const Processing& processing, double margin_mm, const Run& run) {
  const Box box = box_of(mask);
  const bool along_slices = processing.spacing_mm && processing.spacing_mm->z > 0;
  if (!image.grid().slice_positions_mm().empty() && !along_slices) {
    throw Error(ErrorCode::not_possible, "image: has unevenly spaced slices; give a spacing with a third number above 0");
  }
  Sampled sampled;
  if (processing.spacing_mm) {
    sampled = resampled(image, mask, processing, margin_mm, run);
  } else {
    const Box wide = widened(box, image.grid().size(), margin_voxels(image.grid(), margin_mm));
    sampled = {crop(image, wide.begin, wide.size), crop(mask, wide.begin, wide.size)};
  }
  if (processing.round) {
    for (float& v : sampled.image.values()) v = std::round(v);
  }
  Region region;
  const Box inner = box_of(sampled.mask);
  region.margin = inner.begin;
  region.values = crop(VoxelView<float>(sampled.image), inner.begin, inner.size);
  region.morphological = crop(MaskView(sampled.mask), inner.begin, inner.size);
  region.surrounds = std::move(sampled.image);
  region.grid = region.values.grid();
  region.intensity = region.morphological.clone();
  std::int64_t broken = 0;
  for (std::int64_t n = 0; n < region.values.count(); ++n)
    broken += region.morphological[n] != 0 && !std::isfinite(region.values[n]) ? 1 : 0;
  if (broken > 0) {
    throw Error(ErrorCode::not_possible, fmt::format("image: must hold finite values inside the mask; {} voxels do not", broken));
  }
  segment_again(region, processing);
  region.voxels = static_cast<std::int64_t>(std::count(region.intensity.values().begin(), region.intensity.values().end(), 1));
  if (region.voxels == 0) throw Error(ErrorCode::not_possible, "lowest, highest: must leave at least one voxel of the mask; none is left");
  return region;
}

Levels discretise(const Region& region, const Discretisation& discretisation, int most) {
  const std::vector<float> values = region.intensities();
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double lowest = *low, span = static_cast<double>(*high) - lowest;
  const double begin = discretisation.bin_width ? discretisation.begin.value_or(lowest) : lowest;
  // Float32 values carry seven digits: a value that stands for the edge of a bin belongs to the bin that begins there.
  const double width = discretisation.bin_width ? *discretisation.bin_width : span / discretisation.bins;
  const double levels = discretisation.bin_width ? std::floor((*high - begin) / width) + 1 : discretisation.bins;
  if (!(levels <= most)) {
    throw Error(ErrorCode::not_possible,
                fmt::format("bin_width: must make at most {} grey levels; {} makes {:.0f} of intensities from {} to {}", most, width,
                            levels, lowest, *high));
  }
  Levels result{Voxels<std::int32_t>(region.grid, 0), 0};
  for (std::int64_t n = 0; n < region.values.count(); ++n) {
    if (region.intensity[n] == 0) continue;
    const double offset = region.values[n] - begin;
    std::int32_t level = span > 0 || discretisation.bin_width ? static_cast<std::int32_t>(std::floor(offset / width)) + 1 : 1;
    if (!discretisation.bin_width) level = std::min(level, discretisation.bins);
    result.level[n] = level;
    result.count = std::max(result.count, level);
  }
  return result;
}

}  // namespace gantry::radiomics
