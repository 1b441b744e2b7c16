// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_working.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/resample.h"

namespace gantry::analysis {

namespace {

/// Largest angle in radians between a voxel axis and its nearest world axis.
double obliquity(const Grid& grid) {
  double worst = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const Vec3 d = grid.direction().column[static_cast<std::size_t>(axis)];
    worst = std::max(worst, std::acos(std::min(1.0, std::max({std::abs(d.x), std::abs(d.y), std::abs(d.z)}))));
  }
  return worst;
}

Grid shrunk_grid(const Grid& grid, const std::array<std::int64_t, 3>& factor) {
  const Vec3 spacing = grid.spacing_mm();
  Size3 size{};
  Vec3 wide, offset;
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    size[a] = (grid.size(axis) + factor[a] - 1) / factor[a];
    wide[axis] = spacing[axis] * static_cast<double>(factor[a]);
    offset[axis] = 0.5 * static_cast<double>(factor[a] - 1);
  }
  const Vec3 origin = grid.world_from_voxel(offset);
  Grid shrunk(size, wide, origin, grid.direction());
  if (!grid.slice_positions_mm().empty()) shrunk = shrunk.with_slice_positions(grid.slice_positions_mm());
  return shrunk;
}

struct Shrunk {
  Voxels<float> hu;
  Mask padding;
};

template <class T>
Shrunk block_means(const VoxelView<T>& image, const std::array<std::int64_t, 3>& factor, const Run& run) {
  const Grid& grid = image.grid();
  const Grid small = shrunk_grid(grid, factor);
  Shrunk result{Voxels<float>::uninitialized(small), Mask::uninitialized(small)};
  parallel_for(run, small.size(2), 1, [&](std::int64_t k_begin, std::int64_t k_end) {
    const std::int64_t nx = small.size(0);
    std::vector<double> sum(static_cast<std::size_t>(nx));
    std::vector<std::int32_t> valid(static_cast<std::size_t>(nx)), all(static_cast<std::size_t>(nx));
    for (std::int64_t k = k_begin; k < k_end; ++k) {
      for (std::int64_t j = 0; j < small.size(1); ++j) {
        std::fill(sum.begin(), sum.end(), 0.0);
        std::fill(valid.begin(), valid.end(), 0);
        std::fill(all.begin(), all.end(), 0);
        for (std::int64_t z = k * factor[2]; z < std::min(grid.size(2), (k + 1) * factor[2]); ++z) {
          for (std::int64_t y = j * factor[1]; y < std::min(grid.size(1), (j + 1) * factor[1]); ++y) {
            const T* row = image.data() + grid.index(0, y, z);
            for (std::int64_t i = 0, x = 0; i < nx; ++i) {
              for (std::int64_t end = std::min(grid.size(0), x + factor[0]); x < end; ++x) {
                const auto value = static_cast<float>(row[x]);
                const bool good = value > padding_hu;  // false for NaN too
                sum[static_cast<std::size_t>(i)] += good ? static_cast<double>(value) : 0.0;
                valid[static_cast<std::size_t>(i)] += good;
                ++all[static_cast<std::size_t>(i)];
              }
            }
          }
        }
        const std::int64_t out = small.index(0, j, k);
        for (std::int64_t i = 0; i < nx; ++i) {
          const auto n = static_cast<std::size_t>(i);
          const bool padded = 2 * valid[n] < all[n] || valid[n] == 0;
          result.padding[out + i] = padded;
          result.hu[out + i] = padded ? -1000.0F : static_cast<float>(std::min(sum[n] / valid[n], 4000.0));
        }
      }
    }
  });
  return result;
}

/// The axis-parallel grid of cubes that covers `grid`.
Grid world_grid(const Grid& grid, double spacing_mm) {
  Vec3 low{1e30, 1e30, 1e30}, high{-1e30, -1e30, -1e30};
  for (int corner = 0; corner < 8; ++corner) {
    Vec3 voxel;
    for (int axis = 0; axis < 3; ++axis) voxel[axis] = (corner >> axis & 1) != 0 ? static_cast<double>(grid.size(axis) - 1) : 0.0;
    const Vec3 world = grid.world_from_voxel(voxel);
    for (int axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], world[axis]);
      high[axis] = std::max(high[axis], world[axis]);
    }
  }
  Size3 size{};
  for (int axis = 0; axis < 3; ++axis) {
    size[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(std::ceil((high[axis] - low[axis]) / spacing_mm)) + 1;
  }
  return Grid(size, {spacing_mm, spacing_mm, spacing_mm}, low);
}

double median_of_outside_air(const VoxelView<float>& hu, const MaskView& padding) {
  // Air within two voxels of the in-plane border that is no padding: what surrounds the patient.
  const Grid& grid = hu.grid();
  std::vector<float> values;
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      const bool edge_row = j < 2 || j >= grid.size(1) - 2;
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        if (!edge_row && i == 2) i = std::max<std::int64_t>(2, grid.size(0) - 2);
        const std::int64_t n = grid.index(i, j, k);
        if (padding[n] == 0 && hu[n] < -900) values.push_back(hu[n]);
      }
    }
  }
  if (values.size() < 200) return -1000;
  return std::clamp(quantile(std::move(values), 0.5), -1050.0, -950.0);
}

}  // namespace

WorkingVolume working_volume(const Image& image, double target_mm, const Run& run) {
  if (image.components() != 1 || image.frames() != 1 || is_complex(image.type())) {
    throw Error(ErrorCode::not_possible, "CT volume: must have one component and one time point");
  }
  const Grid& grid = image.grid();
  std::array<std::int64_t, 3> factor{};
  for (int axis = 0; axis < 3; ++axis) {
    const bool uneven = axis == 2 && !grid.slice_positions_mm().empty();
    const double room = std::floor(target_mm / grid.spacing_mm()[axis] + 0.01);
    factor[static_cast<std::size_t>(axis)] = uneven ? 1 : std::max<std::int64_t>(1, static_cast<std::int64_t>(room));
  }
  Shrunk small = visit_real(image, [&](const auto& view) { return block_means(view, factor, run); });

  WorkingVolume volume;
  constexpr double fifteen_degrees = 0.2618;
  if (obliquity(grid) > fifteen_degrees || !grid.slice_positions_mm().empty()) {
    const Vec3 s = small.hu.grid().spacing_mm();
    const double spacing = std::max(std::min({s.x, s.y, s.z}), 0.75 * target_mm);
    const Grid target = world_grid(small.hu.grid(), spacing);
    volume.hu = resample(small.hu, target, Interpolation::linear, -1000.0F, run);
    // Outside the original volume there is nothing: sampling a field of ones tells where.
    auto inside = Voxels<float>::uninitialized(small.hu.grid());
    for (std::int64_t n = 0; n < inside.count(); ++n) inside[n] = small.padding[n] != 0 ? 0.0F : 1.0F;
    const Voxels<float> coverage = resample(inside, target, Interpolation::linear, 0.0F, run);
    volume.padding = Mask::uninitialized(target);
    for (std::int64_t n = 0; n < coverage.count(); ++n) volume.padding[n] = coverage[n] < 0.5F;
  } else {
    volume.hu = to_canonical(VoxelView<float>(small.hu));
    volume.padding = to_canonical(MaskView(small.padding));
  }
  volume.air_hu = median_of_outside_air(volume.hu, volume.padding);
  return volume;
}

VoxelBox bounding_box(const MaskView& mask, std::int64_t margin) {
  const Grid& grid = mask.grid();
  VoxelBox box{grid.size(), {0, 0, 0}};
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      const std::uint8_t* row = mask.data() + grid.index(0, j, k);
      const std::uint8_t* end = row + grid.size(0);
      const std::uint8_t* first = std::find_if(row, end, [](std::uint8_t v) { return v != 0; });
      if (first == end) continue;
      const std::uint8_t* last = end - 1;
      while (*last == 0) --last;
      box.begin = {std::min(box.begin[0], std::int64_t(first - row)), std::min(box.begin[1], j), std::min(box.begin[2], k)};
      box.end = {std::max(box.end[0], std::int64_t(last - row) + 1), std::max(box.end[1], j + 1), std::max(box.end[2], k + 1)};
    }
  }
  if (box.empty()) return {};
  for (std::size_t a = 0; a < 3; ++a) {
    box.begin[a] = std::max<std::int64_t>(0, box.begin[a] - margin);
    box.end[a] = std::min(grid.size()[a], box.end[a] + margin);
  }
  return box;
}

VoxelBox box_on(const Grid& target, const Grid& grid, const VoxelBox& box) {
  if (box.empty()) return {};
  Vec3 low{1e30, 1e30, 1e30}, high{-1e30, -1e30, -1e30};
  for (int corner = 0; corner < 8; ++corner) {
    Vec3 voxel;
    for (int axis = 0; axis < 3; ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      voxel[axis] = (corner >> axis & 1) != 0 ? static_cast<double>(box.end[a]) - 0.5 : static_cast<double>(box.begin[a]) - 0.5;
    }
    const Vec3 there = target.voxel_from_world(grid.world_from_voxel(voxel));
    for (int axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], there[axis]);
      high[axis] = std::max(high[axis], there[axis]);
    }
  }
  VoxelBox result;
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    const auto size = static_cast<double>(target.size(axis));
    result.begin[a] = static_cast<std::int64_t>(std::clamp(std::floor(low[axis]), 0.0, size));
    result.end[a] = static_cast<std::int64_t>(std::clamp(std::ceil(high[axis]) + 1, 0.0, size));
  }
  return result;
}

Mask mask_from_field(const VoxelView<float>& field, const Grid& target, const Run& run) {
  const Grid& grid = field.grid();
  Mask mask(target);
  auto positive = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < field.count(); ++n) positive[n] = field[n] > 0;
  const VoxelBox box = box_on(target, grid, bounding_box(positive, 1));
  if (box.empty()) return mask;
  const std::array<std::int64_t, 3> size = grid.size();
  const std::int64_t step_j = size[0], step_k = size[0] * size[1];
  parallel_for(run, box.end[2] - box.begin[2], 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = box.begin[2] + first; k < box.begin[2] + last; ++k) {
      for (std::int64_t j = box.begin[1]; j < box.end[1]; ++j) {
        const auto at = [&](double i) {
          return grid.voxel_from_world(target.world_from_voxel({i, static_cast<double>(j), static_cast<double>(k)}));
        };
        const Vec3 start = at(0);
        const Vec3 step = at(1) - start;
        std::uint8_t* row = mask.data() + target.index(0, j, k);
        for (std::int64_t i = box.begin[0]; i < box.end[0]; ++i) {
          const Vec3 p = start + static_cast<double>(i) * step;
          std::int64_t base = 0;
          float w[3];
          std::int64_t stride[3] = {1, step_j, step_k};
          bool outside = false;
          for (int axis = 0; axis < 3; ++axis) {
            const auto a = static_cast<std::size_t>(axis);
            const double limit = static_cast<double>(size[a] - 1);
            if (!(p[axis] >= -0.5 - 1e-6 && p[axis] <= limit + 0.5 + 1e-6)) {
              outside = true;
              break;
            }
            const double c = std::clamp(p[axis], 0.0, limit);
            const auto low = std::min(static_cast<std::int64_t>(c), std::max<std::int64_t>(0, size[a] - 2));
            w[axis] = static_cast<float>(c - static_cast<double>(low));
            base += low * stride[axis];
            if (size[a] == 1) stride[axis] = 0;
          }
          if (outside) continue;
          const float* f = field.data() + base;
          const auto line = [&](const float* q) { return q[0] + w[0] * (q[stride[0]] - q[0]); };
          const auto plane = [&](const float* q) {
            const float a = line(q);
            return a + w[1] * (line(q + stride[1]) - a);
          };
          const float a = plane(f);
          row[i] = a + w[2] * (plane(f + stride[2]) - a) > 0;
        }
      }
    }
  });
  return mask;
}

double volume_ml(const MaskView& mask) {
  std::int64_t count = 0;
  for (const std::uint8_t value : mask.values()) count += value != 0;
  return static_cast<double>(count) * mask.grid().voxel_volume_mm3() / 1000.0;
}

}  // namespace gantry::analysis
