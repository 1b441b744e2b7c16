// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/resample.h"

#include "gantry/compute/parallel.h"
#include "gantry/volume/bspline.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/sampling.h"

namespace gantry {

namespace {

void require_finite(const VoxelView<float>& image, const Run& run) {
  const std::int64_t bad = parallel_reduce(
      run, image.count(), 1 << 18, std::int64_t{0},
      [&](std::int64_t begin, std::int64_t end) {
        std::int64_t count = 0;
        for (std::int64_t n = begin; n < end; ++n) count += std::abs(image[n]) <= std::numeric_limits<float>::max() ? 0 : 1;
        return count;
      },
      [](std::int64_t& total, std::int64_t part) { total += part; });
  if (bad != 0) {
    throw Error(ErrorCode::not_possible, fmt::format("image: cubic interpolation needs finite values; {} voxels are NaN or infinite", bad));
  }
}

}  // namespace

Voxels<float> resample(const VoxelView<float>& image, const Grid& target, Interpolation interpolation, float outside, const Run& run) {
  require_volume(image, "image");
  if (interpolation == Interpolation::nearest) return resample_nearest(image, target, outside, run);
  const auto separable = separable_map(image.grid(), target);
  if (interpolation == Interpolation::cubic) {
    require_finite(image, run);
    const VoxelView<float> coefficients = bspline_coefficients(image, run);
    return separable ? interpolate_separable(coefficients, target, *separable, interpolation, outside, run)
                     : interpolate_oblique(coefficients, target, interpolation, outside, run);
  }
  return separable ? interpolate_separable(image, target, *separable, interpolation, outside, run)
                   : interpolate_oblique(image, target, interpolation, outside, run);
}

template <class T>
Voxels<T> resample_nearest(const VoxelView<T>& image, const Grid& target, T outside, const Run& run) {
  require_volume(image, "image");
  const auto separable = separable_map(image.grid(), target);
  return separable ? nearest_separable(image, target, *separable, outside, run) : nearest_oblique(image, target, outside, run);
}

template <class T>
Voxels<T> resample_labels(const VoxelView<T>& labels, const Grid& target, const Run& run) {
  return resample_nearest(labels, target, T{}, run);
}

template Voxels<std::uint8_t> resample_nearest(const VoxelView<std::uint8_t>&, const Grid&, std::uint8_t, const Run&);
template Voxels<std::uint8_t> resample_labels(const VoxelView<std::uint8_t>&, const Grid&, const Run&);
template Voxels<std::int16_t> resample_nearest(const VoxelView<std::int16_t>&, const Grid&, std::int16_t, const Run&);
template Voxels<std::int16_t> resample_labels(const VoxelView<std::int16_t>&, const Grid&, const Run&);
template Voxels<std::uint16_t> resample_nearest(const VoxelView<std::uint16_t>&, const Grid&, std::uint16_t, const Run&);
template Voxels<std::uint16_t> resample_labels(const VoxelView<std::uint16_t>&, const Grid&, const Run&);
template Voxels<std::int32_t> resample_nearest(const VoxelView<std::int32_t>&, const Grid&, std::int32_t, const Run&);
template Voxels<std::int32_t> resample_labels(const VoxelView<std::int32_t>&, const Grid&, const Run&);
template Voxels<std::uint32_t> resample_nearest(const VoxelView<std::uint32_t>&, const Grid&, std::uint32_t, const Run&);
template Voxels<std::uint32_t> resample_labels(const VoxelView<std::uint32_t>&, const Grid&, const Run&);
template Voxels<float> resample_nearest(const VoxelView<float>&, const Grid&, float, const Run&);
template Voxels<float> resample_labels(const VoxelView<float>&, const Grid&, const Run&);

Grid with_spacing(const Grid& grid, Vec3 spacing_mm) {
  Size3 size{};
  Vec3 first_centre;  // in voxels of `grid`, measured along evenly spaced axes
  for (int axis = 0; axis < 3; ++axis) {
    const double spacing = spacing_mm[axis];
    if (!(spacing > 0 && std::isfinite(spacing))) throw Error(ErrorCode::parameter, "spacing: must be positive and finite");
    const double extent = static_cast<double>(grid.size(axis)) * grid.spacing_mm()[axis];
    const double count = std::max(1.0, std::round(extent / spacing));
    if (!(count <= 0x7fffffff))
      throw Error(ErrorCode::parameter, fmt::format("spacing: {} voxels along axis {} are too many", count, axis));
    size[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(count);
    first_centre[axis] = 0.5 * (spacing - grid.spacing_mm()[axis]);
  }
  return Grid(size, spacing_mm, grid.world_from_voxel({0, 0, 0}) + grid.direction() * first_centre, grid.direction());
}

Voxels<float> shrink(const VoxelView<float>& image, std::array<int, 3> factor, const Run& run) {
  require_volume(image, "image");
  const Grid& grid = image.grid();
  Size3 size{};
  Vec3 spacing, first;
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    if (!(factor[a] >= 1)) throw Error(ErrorCode::parameter, fmt::format("factor: must be at least 1; got {}", factor[a]));
    const std::int64_t f = std::min<std::int64_t>(factor[a], grid.size(axis));
    factor[a] = static_cast<int>(f);
    size[a] = (grid.size(axis) + f - 1) / f;
    spacing[axis] = grid.spacing_mm()[axis] * static_cast<double>(f);
    first[axis] = 0.5 * static_cast<double>(f - 1);
  }
  Vec3 origin = grid.world_from_voxel(first);
  const auto& positions = grid.slice_positions_mm();
  std::vector<double> centres;
  if (positions.size() > 1) {
    for (std::int64_t k = 0; k < size[2]; ++k) {
      const std::int64_t begin = k * factor[2], end = std::min<std::int64_t>(grid.size(2), begin + factor[2]);
      double sum = 0;
      for (std::int64_t s = begin; s < end; ++s) sum += positions[static_cast<std::size_t>(s)];
      centres.push_back(sum / static_cast<double>(end - begin));
    }
    origin = grid.world_from_voxel({first.x, first.y, 0}) + (centres.front() - positions.front()) * grid.direction().column[2];
    const double start = centres.front();
    for (double& centre : centres) centre -= start;
  }
  Grid target(size, spacing, origin, grid.direction());
  if (centres.size() > 1) target = target.with_slice_positions(std::move(centres));

  auto result = Voxels<float>::uninitialized(target);
  parallel_for(run, size[2], 1, [&](std::int64_t k_begin, std::int64_t k_end) {
    std::vector<float> sums(static_cast<std::size_t>(size[0]));
    for (std::int64_t k = k_begin; k < k_end; ++k) {
      const std::int64_t z0 = k * factor[2], z1 = std::min<std::int64_t>(grid.size(2), z0 + factor[2]);
      for (std::int64_t j = 0; j < size[1]; ++j) {
        const std::int64_t y0 = j * factor[1], y1 = std::min<std::int64_t>(grid.size(1), y0 + factor[1]);
        std::fill(sums.begin(), sums.end(), 0.0F);
        for (std::int64_t z = z0; z < z1; ++z) {
          for (std::int64_t y = y0; y < y1; ++y) {
            const float* row = &image(0, y, z);
            for (std::int64_t i = 0; i < size[0]; ++i) {
              const std::int64_t x1 = std::min<std::int64_t>(grid.size(0), (i + 1) * factor[0]);
              for (std::int64_t x = i * factor[0]; x < x1; ++x) sums[static_cast<std::size_t>(i)] += row[x];
            }
          }
        }
        for (std::int64_t i = 0; i < size[0]; ++i) {
          const std::int64_t width = std::min<std::int64_t>(grid.size(0), (i + 1) * factor[0]) - i * factor[0];
          result(i, j, k) = sums[static_cast<std::size_t>(i)] / static_cast<float>(width * (y1 - y0) * (z1 - z0));
        }
      }
    }
  });
  return result;
}

}  // namespace gantry
