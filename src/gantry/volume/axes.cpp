// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/axes.h"

#include "gantry/base/error.h"
#include "gantry/volume/resample.h"

namespace gantry {

namespace {

/// The order that undoes `order`.
AxisOrder inverse_of(const AxisOrder& order) {
  AxisOrder back;
  for (std::size_t a = 0; a < 3; ++a) {
    const auto s = static_cast<std::size_t>(order.from[a]);
    back.from[s] = static_cast<int>(a);
    back.flipped[s] = order.flipped[a];
  }
  return back;
}

}  // namespace

AxisOrder canonical_order(const Grid& grid) {
  std::array<int, 3> candidate{0, 1, 2};
  std::array<int, 3> best = candidate;
  double best_sum = -1;
  do {
    double sum = 0;
    for (int a = 0; a < 3; ++a)
      sum += std::abs(grid.direction().column[static_cast<std::size_t>(candidate[static_cast<std::size_t>(a)])][a]);
    if (sum > best_sum + 1e-9) {
      best_sum = sum;
      best = candidate;
    }
  } while (std::next_permutation(candidate.begin(), candidate.end()));
  AxisOrder order{best, {}};
  for (int a = 0; a < 3; ++a) {
    const auto n = static_cast<std::size_t>(a);
    order.flipped[n] = grid.direction().column[static_cast<std::size_t>(best[n])][a] < 0;
  }
  return order;
}

Grid rearranged(const Grid& grid, const AxisOrder& order) {
  if (order.identity()) return grid;
  const auto& positions = grid.slice_positions_mm();
  if (positions.size() > 1 && order.from[2] != 2) {
    throw Error(ErrorCode::not_possible, "axes: slices that are not evenly spaced must stay along axis k; resample the image first");
  }
  Size3 size{};
  Vec3 spacing, corner;
  Mat3 direction;
  for (std::size_t a = 0; a < 3; ++a) {
    const int s = order.from[a];
    size[a] = grid.size(s);
    spacing[static_cast<int>(a)] = grid.spacing_mm()[s];
    direction.column[a] = (order.flipped[a] ? -1.0 : 1.0) * grid.direction().column[static_cast<std::size_t>(s)];
    corner[s] = order.flipped[a] ? static_cast<double>(grid.size(s) - 1) : 0.0;
  }
  Grid result(size, spacing, grid.world_from_voxel(corner), direction);
  if (positions.size() <= 1) return result;
  std::vector<double> moved(positions.size());
  for (std::size_t k = 0; k < positions.size(); ++k) {
    moved[k] = order.flipped[2] ? positions.back() - positions[positions.size() - 1 - k] : positions[k] - positions.front();
  }
  return result.with_slice_positions(std::move(moved));
}

template <class T>
void rearrange(const T* source, const Size3& source_size, const AxisOrder& order, std::int64_t components, std::int64_t frames, T* target) {
  const std::array<std::int64_t, 3> source_stride{components, components * source_size[0], components * source_size[0] * source_size[1]};
  Size3 size{}, step{};
  std::int64_t first = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    const auto s = static_cast<std::size_t>(order.from[a]);
    size[a] = source_size[s];
    step[a] = order.flipped[a] ? -source_stride[s] : source_stride[s];
    if (order.flipped[a]) first += (size[a] - 1) * source_stride[s];
  }
  // Tiles, so that an axis that is contiguous in the source is read in whole cache lines whatever its place in the result.
  constexpr std::int64_t tile = 32;
  const std::array<std::int64_t, 3> stride{components, components * size[0], components * size[0] * size[1]};
  const std::int64_t volume = components * size[0] * size[1] * size[2];
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const T* const in = source + frame * volume + first;
    T* const out = target + frame * volume;
    for (std::int64_t k0 = 0; k0 < size[2]; k0 += tile) {
      for (std::int64_t j0 = 0; j0 < size[1]; j0 += tile) {
        for (std::int64_t i0 = 0; i0 < size[0]; i0 += tile) {
          for (std::int64_t k = k0; k < std::min(size[2], k0 + tile); ++k) {
            for (std::int64_t j = j0; j < std::min(size[1], j0 + tile); ++j) {
              const T* p = in + i0 * step[0] + j * step[1] + k * step[2];
              T* q = out + i0 * stride[0] + j * stride[1] + k * stride[2];
              for (std::int64_t i = i0; i < std::min(size[0], i0 + tile); ++i, p += step[0], q += stride[0]) {
                for (std::int64_t c = 0; c < components; ++c) q[c] = p[c];
              }
            }
          }
        }
      }
    }
  }
}

Grid canonical_grid(const Grid& grid) { return rearranged(grid, canonical_order(grid)); }

template <class T>
Voxels<T> to_canonical(const VoxelView<T>& image) {
  if (image.empty()) throw Error(ErrorCode::not_possible, "image: must not be empty");
  const AxisOrder order = canonical_order(image.grid());
  auto result = Voxels<T>::uninitialized(rearranged(image.grid(), order), image.components(), image.frames());
  rearrange(image.data(), image.grid().size(), order, image.components(), image.frames(), result.data());
  return result;
}

template <class T>
Voxels<T> from_canonical(const VoxelView<T>& image, const Grid& original) {
  if (image.empty()) throw Error(ErrorCode::not_possible, "image: must not be empty");
  const AxisOrder order = canonical_order(original);
  if (!image.grid().same_space(rearranged(original, order))) {
    throw Error(ErrorCode::not_possible, "image: must lie on the canonical grid of the original; it lies elsewhere");
  }
  auto result = Voxels<T>::uninitialized(original, image.components(), image.frames());
  rearrange(image.data(), image.grid().size(), inverse_of(order), image.components(), image.frames(), result.data());
  return result;
}

template <class T>
Voxels<T> crop(const VoxelView<T>& image, Size3 begin, Size3 size) {
  if (image.empty()) throw Error(ErrorCode::not_possible, "image: must not be empty");
  auto result = Voxels<T>::uninitialized(image.grid().cropped(begin, size), image.components(), image.frames());
  const std::int64_t c = image.components();
  T* to = result.data();
  for (std::int64_t frame = 0; frame < image.frames(); ++frame) {
    const T* const from = image.data() + frame * image.grid().voxel_count() * c;
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j, to += size[0] * c) {
        std::copy_n(from + image.grid().index(begin[0], begin[1] + j, begin[2] + k) * c, size[0] * c, to);
      }
    }
  }
  return result;
}

template void rearrange(const std::uint8_t*, const Size3&, const AxisOrder&, std::int64_t, std::int64_t, std::uint8_t*);
template Voxels<std::uint8_t> to_canonical(const VoxelView<std::uint8_t>&);
template Voxels<std::uint8_t> from_canonical(const VoxelView<std::uint8_t>&, const Grid&);
template Voxels<std::uint8_t> crop(const VoxelView<std::uint8_t>&, Size3, Size3);

template void rearrange(const std::int16_t*, const Size3&, const AxisOrder&, std::int64_t, std::int64_t, std::int16_t*);
template Voxels<std::int16_t> to_canonical(const VoxelView<std::int16_t>&);
template Voxels<std::int16_t> from_canonical(const VoxelView<std::int16_t>&, const Grid&);
template Voxels<std::int16_t> crop(const VoxelView<std::int16_t>&, Size3, Size3);

template void rearrange(const std::uint16_t*, const Size3&, const AxisOrder&, std::int64_t, std::int64_t, std::uint16_t*);
template Voxels<std::uint16_t> to_canonical(const VoxelView<std::uint16_t>&);
template Voxels<std::uint16_t> from_canonical(const VoxelView<std::uint16_t>&, const Grid&);
template Voxels<std::uint16_t> crop(const VoxelView<std::uint16_t>&, Size3, Size3);

template void rearrange(const std::int32_t*, const Size3&, const AxisOrder&, std::int64_t, std::int64_t, std::int32_t*);
template Voxels<std::int32_t> to_canonical(const VoxelView<std::int32_t>&);
template Voxels<std::int32_t> from_canonical(const VoxelView<std::int32_t>&, const Grid&);
template Voxels<std::int32_t> crop(const VoxelView<std::int32_t>&, Size3, Size3);

template void rearrange(const std::uint32_t*, const Size3&, const AxisOrder&, std::int64_t, std::int64_t, std::uint32_t*);
template Voxels<std::uint32_t> to_canonical(const VoxelView<std::uint32_t>&);
template Voxels<std::uint32_t> from_canonical(const VoxelView<std::uint32_t>&, const Grid&);
template Voxels<std::uint32_t> crop(const VoxelView<std::uint32_t>&, Size3, Size3);

template void rearrange(const float*, const Size3&, const AxisOrder&, std::int64_t, std::int64_t, float*);
template Voxels<float> to_canonical(const VoxelView<float>&);
template Voxels<float> from_canonical(const VoxelView<float>&, const Grid&);
template Voxels<float> crop(const VoxelView<float>&, Size3, Size3);

}  // namespace gantry
