// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/volume/bspline.h"
#include "gantry/volume/sampling.h"

namespace gantry {

namespace {

/// The taps of every plane of one axis; planes outside [begin, end) lie outside the source.
struct AxisTable {
  std::vector<std::int32_t> index;  ///< tap-major
  std::vector<float> weight;        ///< tap-major
  std::int64_t begin = 0, end = 0, count = 0;
  const std::int32_t* indices(int tap) const { return index.data() + tap * count; }
  const float* weights(int tap) const { return weight.data() + tap * count; }
};

bool inside(double position, std::int64_t n) { return position >= -0.5 && position <= static_cast<double>(n) - 0.5; }

AxisTable axis_table(const std::vector<double>& positions, std::int64_t n, int taps) {
  AxisTable table;
  table.count = static_cast<std::int64_t>(positions.size());
  table.index.resize(positions.size() * static_cast<std::size_t>(taps));
  table.weight.resize(table.index.size());
  while (table.begin < table.count && !inside(positions[static_cast<std::size_t>(table.begin)], n)) ++table.begin;
  table.end = table.begin;
  while (table.end < table.count && inside(positions[static_cast<std::size_t>(table.end)], n)) ++table.end;
  for (std::int64_t t = table.begin; t < table.end; ++t) {
    const double p = positions[static_cast<std::size_t>(t)];
    const auto put = [&](int tap, std::int64_t index, double weight) {
      table.index[static_cast<std::size_t>(tap * table.count + t)] = static_cast<std::int32_t>(index);
      table.weight[static_cast<std::size_t>(tap * table.count + t)] = static_cast<float>(weight);
    };
    if (taps == 1) {
      put(0, std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(p + 0.5)), 0, n - 1), 1);
    } else if (taps == 2) {
      const double clamped = std::clamp(p, 0.0, static_cast<double>(n - 1));
      const double base = std::floor(clamped);
      const double f = clamped - base;
      const auto i = static_cast<std::int64_t>(base);
      put(0, i, f > 0 ? 1 - f : 0.5);  // on a sample twice its half, so that its neighbour's NaN or infinity does not reach it
      put(1, f > 0 ? i + 1 : i, f > 0 ? f : 0.5);
    } else {
      const double base = std::floor(p);
      const auto weights = bspline_weights(p - base);
      for (int tap = 0; tap < 4; ++tap) {
        put(tap, whole_sample_index(static_cast<std::int64_t>(base) - 1 + tap, n), weights[static_cast<std::size_t>(tap)]);
      }
    }
  }
  return table;
}

GANTRY_SIMD void gather_two(const float* row, const std::int32_t* a, const std::int32_t* b, const float* wa, const float* wb, float* out,
                            std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = wa[i] * row[a[i]] + wb[i] * row[b[i]];
}

GANTRY_SIMD void gather_four(const float* row, const AxisTable& t, std::int64_t first, float* out, std::int64_t n) {
  const std::int32_t *a = t.indices(0) + first, *b = t.indices(1) + first, *c = t.indices(2) + first, *d = t.indices(3) + first;
  const float *wa = t.weights(0) + first, *wb = t.weights(1) + first, *wc = t.weights(2) + first, *wd = t.weights(3) + first;
  for (std::int64_t i = 0; i < n; ++i) out[i] = wa[i] * row[a[i]] + wb[i] * row[b[i]] + (wc[i] * row[c[i]] + wd[i] * row[d[i]]);
}

GANTRY_SIMD void blend_two(const float* a, const float* b, float wa, float wb, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = wa * a[i] + wb * b[i];
}

GANTRY_SIMD void blend_four(const float* a, const float* b, const float* c, const float* d, float wa, float wb, float wc, float wd,
                            float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = wa * a[i] + wb * b[i] + (wc * c[i] + wd * d[i]);
}

/// The voxels in the target's order of axes (a copy only where it differs).
template <class T>
VoxelView<T> in_order(const VoxelView<T>& image, const AxisOrder& order) {
  if (order.identity()) return image;
  Size3 size{};
  for (std::size_t a = 0; a < 3; ++a) size[a] = image.grid().size(order.from[a]);
  auto copy = Voxels<T>::uninitialized(Grid(size));
  rearrange(image.data(), image.grid().size(), order, 1, 1, copy.data());
  return copy;
}

/// Source slices brought to the target's i and j; a few at a time.
class SliceCache {
 public:
  SliceCache(const VoxelView<float>& image, const AxisTable& ti, const AxisTable& tj, int taps)
      : image_(image),
        ti_(ti),
        tj_(tj),
        taps_(taps),
        slots_(static_cast<std::size_t>(taps)),
        held_(static_cast<std::size_t>(taps), -1),
        rows_(static_cast<std::size_t>(image.grid().size(1) * ti.count)),
        needed_(static_cast<std::size_t>(image.grid().size(1))) {
    for (auto& slot : slots_) slot.resize(static_cast<std::size_t>(ti.count * tj.count));
    for (std::int64_t j = tj.begin; j < tj.end; ++j) {
      for (int tap = 0; tap < taps; ++tap) needed_[static_cast<std::size_t>(tj.indices(tap)[j])] = true;
    }
  }

  const float* slice(std::int64_t k) {
    const auto slot = static_cast<std::size_t>(k % taps_);
    if (held_[slot] != k) fill(k, slots_[slot].data());
    held_[slot] = k;
    return slots_[slot].data();
  }

 private:
  void fill(std::int64_t k, float* target) {
    const std::int64_t ni = image_.grid().size(0), nj = image_.grid().size(1), width = ti_.end - ti_.begin;
    for (std::int64_t j = 0; j < nj; ++j) {
      if (!needed_[static_cast<std::size_t>(j)]) continue;
      const float* const row = image_.data() + (k * nj + j) * ni;
      float* const out = rows_.data() + j * ti_.count + ti_.begin;
      if (taps_ == 2) {
        gather_two(row, ti_.indices(0) + ti_.begin, ti_.indices(1) + ti_.begin, ti_.weights(0) + ti_.begin, ti_.weights(1) + ti_.begin, out,
                   width);
      } else {
        gather_four(row, ti_, ti_.begin, out, width);
      }
    }
    for (std::int64_t j = tj_.begin; j < tj_.end; ++j) {
      const auto row = [&](int tap) { return rows_.data() + tj_.indices(tap)[j] * ti_.count + ti_.begin; };
      float* const out = target + j * ti_.count + ti_.begin;
      if (taps_ == 2) {
        blend_two(row(0), row(1), tj_.weights(0)[j], tj_.weights(1)[j], out, width);
      } else {
        blend_four(row(0), row(1), row(2), row(3), tj_.weights(0)[j], tj_.weights(1)[j], tj_.weights(2)[j], tj_.weights(3)[j], out, width);
      }
    }
  }

  const VoxelView<float>& image_;
  const AxisTable &ti_, &tj_;
  std::int64_t taps_;
  std::vector<std::vector<float>> slots_;
  std::vector<std::int64_t> held_;
  std::vector<float> rows_;
  std::vector<bool> needed_;
};

}  // namespace

std::optional<SeparableMap> separable_map(const Grid& source, const Grid& target) {
  constexpr double tolerance_voxels = 1e-3;
  SeparableMap map;
  const Mat3 source_from_target = inverse(source.direction()) * target.direction();
  std::array<bool, 3> taken{};
  for (std::size_t a = 0; a < 3; ++a) {
    const Vec3& along = source_from_target.column[a];
    int best = 0;
    for (int s = 1; s < 3; ++s) {
      if (std::abs(along[s]) > std::abs(along[best])) best = s;
    }
    double extent = static_cast<double>(target.size(static_cast<int>(a)) - 1) * target.spacing_mm()[static_cast<int>(a)];
    if (a == 2 && !target.slice_positions_mm().empty()) extent = target.slice_positions_mm().back();
    for (int s = 0; s < 3; ++s) {
      if (s != best && std::abs(along[s]) * extent > tolerance_voxels * source.spacing_mm()[s]) return std::nullopt;
    }
    if (taken[static_cast<std::size_t>(best)]) return std::nullopt;
    taken[static_cast<std::size_t>(best)] = true;
    map.order.from[a] = best;
    for (std::int64_t n = 0; n < target.size(static_cast<int>(a)); ++n) {
      Vec3 voxel;
      voxel[static_cast<int>(a)] = static_cast<double>(n);
      const double position = source.voxel_from_world(target.world_from_voxel(voxel))[best];
      const double nearest = std::round(position);
      map.positions[a].push_back(std::abs(position - nearest) < 1e-6 ? nearest : position);
    }
  }
  return map;
}

template <class T>
Voxels<T> nearest_separable(const VoxelView<T>& image, const Grid& target, const SeparableMap& map, T outside, const Run& run) {
  const VoxelView<T> source = in_order(image, map.order);
  std::array<AxisTable, 3> table;
  for (std::size_t a = 0; a < 3; ++a) table[a] = axis_table(map.positions[a], source.grid().size(static_cast<int>(a)), 1);
  auto result = Voxels<T>::uninitialized(target);
  const auto [ni, nj, nk] = target.size();
  parallel_for(run, nk, 4, [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
    const auto& [ti, tj, tk] = table;
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < nj; ++j) {
        T* const out = result.data() + (k * nj + j) * ni;
        if (!(k >= tk.begin && k < tk.end && j >= tj.begin && j < tj.end)) {
          std::fill_n(out, ni, outside);
          continue;
        }
        const T* const row = &source(0, tj.index[static_cast<std::size_t>(j)], tk.index[static_cast<std::size_t>(k)]);
        const std::int32_t* const index = ti.indices(0);
        std::fill_n(out, ti.begin, outside);
        for (std::int64_t i = ti.begin; i < ti.end; ++i) out[i] = row[index[i]];
        std::fill_n(out + ti.end, ni - ti.end, outside);
      }
    }
  });
  return result;
}

Voxels<float> interpolate_separable(const VoxelView<float>& image, const Grid& target, const SeparableMap& map, Interpolation interpolation,
                                    float outside, const Run& run) {
  const int taps = interpolation == Interpolation::linear ? 2 : 4;
  const VoxelView<float> source = in_order(image, map.order);
  std::array<AxisTable, 3> table;
  for (std::size_t a = 0; a < 3; ++a) table[a] = axis_table(map.positions[a], source.grid().size(static_cast<int>(a)), taps);
  auto result = Voxels<float>::uninitialized(target);
  const auto [ni, nj, nk] = target.size();
  parallel_for(run, nk, 32, [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
    const auto& [ti, tj, tk] = table;
    SliceCache cache(source, ti, tj, taps);
    for (std::int64_t k = begin; k < end; ++k) {
      run.check();
      float* const out = result.data() + k * ni * nj;
      if (!(k >= tk.begin && k < tk.end) || ti.begin == ti.end || tj.begin == tj.end) {
        std::fill_n(out, ni * nj, outside);
        continue;
      }
      std::array<const float*, 4> slice{};
      for (int tap = 0; tap < taps; ++tap) slice[static_cast<std::size_t>(tap)] = cache.slice(tk.indices(tap)[k]);
      for (std::int64_t j = 0; j < nj; ++j) {
        float* const row = out + j * ni;
        if (!(j >= tj.begin && j < tj.end)) {
          std::fill_n(row, ni, outside);
          continue;
        }
        std::fill_n(row, ti.begin, outside);
        std::fill_n(row + ti.end, ni - ti.end, outside);
        const std::int64_t at = j * ni + ti.begin;
        const std::int64_t width = ti.end - ti.begin;
        if (taps == 2) {
          blend_two(slice[0] + at, slice[1] + at, tk.weights(0)[k], tk.weights(1)[k], row + ti.begin, width);
        } else {
          blend_four(slice[0] + at, slice[1] + at, slice[2] + at, slice[3] + at, tk.weights(0)[k], tk.weights(1)[k], tk.weights(2)[k],
                     tk.weights(3)[k], row + ti.begin, width);
        }
      }
    }
  });
  return result;
}

template Voxels<std::uint8_t> nearest_separable(const VoxelView<std::uint8_t>&, const Grid&, const SeparableMap&, std::uint8_t, const Run&);
template Voxels<std::int16_t> nearest_separable(const VoxelView<std::int16_t>&, const Grid&, const SeparableMap&, std::int16_t, const Run&);
template Voxels<std::uint16_t> nearest_separable(const VoxelView<std::uint16_t>&, const Grid&, const SeparableMap&, std::uint16_t,
                                                 const Run&);
template Voxels<std::int32_t> nearest_separable(const VoxelView<std::int32_t>&, const Grid&, const SeparableMap&, std::int32_t, const Run&);
template Voxels<std::uint32_t> nearest_separable(const VoxelView<std::uint32_t>&, const Grid&, const SeparableMap&, std::uint32_t,
                                                 const Run&);
template Voxels<float> nearest_separable(const VoxelView<float>&, const Grid&, const SeparableMap&, float, const Run&);

}  // namespace gantry
