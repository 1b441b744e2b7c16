// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/parallel.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/runs.h"

namespace gantry {

namespace {

constexpr std::int64_t component_rows = 512;

struct Sums {
  Components::Item item;
  std::array<std::int64_t, 3> sum{};
  std::int32_t root = 0;
};

/// Writes `value_of(run)` over each run and zero between, row by row.
template <class T, class ValueOf>
void paint(const RunTable& table, Voxels<T>& voxels, const Run& run, ValueOf value_of) {
  const std::int64_t ni = table.size[0];
  parallel_for(run, table.size[1] * table.size[2], component_rows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      T* const out = voxels.data() + row * ni;
      std::int64_t at = 0;
      for (std::int64_t r = table.first[static_cast<std::size_t>(row)]; r < table.first[static_cast<std::size_t>(row) + 1]; ++r) {
        const auto& item = table.items[static_cast<std::size_t>(r)];
        std::fill(out + at, out + item.begin, T{});
        std::fill(out + item.begin, out + item.end, value_of(r));
        at = item.end;
      }
      std::fill(out + at, out + ni, T{});
    }
  });
}

}  // namespace

Components connected_components(const MaskView& mask, Connectivity connectivity, const Run& run) {
  const RunTable table = runs_of(mask, false, run);
  const std::vector<std::int32_t> root = joined_runs(table, connectivity, false, run);
  const auto [ni, nj, nk] = table.size;

  // Roots are met before the other runs of their component, so slots are numbered by the first voxel.
  std::vector<std::int32_t> slot(root.size());
  std::vector<Sums> sums;
  for (std::int64_t row = 0; row < nj * nk; ++row) {
    const std::int64_t j = row % nj, k = row / nj;
    for (std::int64_t r = table.first[static_cast<std::size_t>(row)]; r < table.first[static_cast<std::size_t>(row) + 1]; ++r) {
      const auto n = static_cast<std::size_t>(r);
      if (root[n] == r) {
        slot[n] = static_cast<std::int32_t>(sums.size());
        Sums fresh;
        fresh.item.begin = {ni, nj, nk};
        fresh.root = root[n];
        sums.push_back(fresh);
      } else {
        slot[n] = slot[static_cast<std::size_t>(root[n])];
      }
      const std::int64_t begin = table.items[n].begin, end = table.items[n].end, length = end - begin;
      Sums& s = sums[static_cast<std::size_t>(slot[n])];
      s.item.voxels += length;
      s.item.begin = {std::min(s.item.begin[0], begin), std::min(s.item.begin[1], j), std::min(s.item.begin[2], k)};
      s.item.end = {std::max(s.item.end[0], end), std::max(s.item.end[1], j + 1), std::max(s.item.end[2], k + 1)};
      s.sum = {s.sum[0] + (begin + end - 1) * length / 2, s.sum[1] + j * length, s.sum[2] + k * length};
    }
  }

  std::vector<std::int32_t> by_size(sums.size());
  for (std::size_t n = 0; n < by_size.size(); ++n) by_size[n] = static_cast<std::int32_t>(n);
  std::stable_sort(by_size.begin(), by_size.end(), [&](std::int32_t a, std::int32_t b) {
    return sums[static_cast<std::size_t>(a)].item.voxels > sums[static_cast<std::size_t>(b)].item.voxels;
  });
  Components result;
  result.items.reserve(sums.size());
  std::vector<std::int32_t> label(sums.size());
  for (const std::int32_t from : by_size) {
    const Sums& s = sums[static_cast<std::size_t>(from)];
    Components::Item item = s.item;
    const auto count = static_cast<double>(item.voxels);
    item.centroid_voxel = {static_cast<double>(s.sum[0]) / count, static_cast<double>(s.sum[1]) / count,
                           static_cast<double>(s.sum[2]) / count};
    item.touches_border = item.begin[0] == 0 || item.begin[1] == 0 || item.end[0] == ni || item.end[1] == nj;
    result.items.push_back(item);
    label[static_cast<std::size_t>(from)] = static_cast<std::int32_t>(result.items.size());
  }
  result.labels = Voxels<std::int32_t>::uninitialized(mask.grid());
  paint(table, result.labels, run, [&](std::int64_t r) { return label[static_cast<std::size_t>(slot[static_cast<std::size_t>(r)])]; });
  return result;
}

Mask largest_component(const MaskView& mask, Connectivity connectivity, const Run& run) {
  const RunTable table = runs_of(mask, false, run);
  const std::vector<std::int32_t> root = joined_runs(table, connectivity, false, run);
  std::vector<std::int64_t> voxels(root.size());
  for (std::size_t r = 0; r < root.size(); ++r) voxels[static_cast<std::size_t>(root[r])] += table.items[r].end - table.items[r].begin;
  const auto largest = static_cast<std::int32_t>(std::max_element(voxels.begin(), voxels.end()) - voxels.begin());
  auto result = Mask::uninitialized(mask.grid());
  paint(table, result, run,
        [&](std::int64_t r) { return static_cast<std::uint8_t>(root[static_cast<std::size_t>(r)] == largest ? 1 : 0); });
  return result;
}

Mask fill_holes(const MaskView& mask, bool per_slice, const Run& run) {
  const RunTable table = runs_of(mask, true, run);
  const std::vector<std::int32_t> root = joined_runs(table, Connectivity::faces, per_slice, run);
  const auto [ni, nj, nk] = table.size;
  std::vector<std::uint8_t> open(root.size());
  for (std::int64_t row = 0; row < nj * nk; ++row) {
    const std::int64_t j = row % nj, k = row / nj;
    const bool edge = j == 0 || j == nj - 1 || (!per_slice && (k == 0 || k == nk - 1));
    for (std::int64_t r = table.first[static_cast<std::size_t>(row)]; r < table.first[static_cast<std::size_t>(row) + 1]; ++r) {
      const auto n = static_cast<std::size_t>(r);
      if (edge || table.items[n].begin == 0 || table.items[n].end == ni) open[static_cast<std::size_t>(root[n])] = 1;
    }
  }
  auto result = Mask::uninitialized(mask.grid());
  paint(table, result, run, [&](std::int64_t r) { return open[static_cast<std::size_t>(root[static_cast<std::size_t>(r)])]; });
  parallel_for(run, result.count(), 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) result[n] = result[n] ^ 1U;
  });
  return result;
}

}  // namespace gantry
