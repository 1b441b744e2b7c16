// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/runs.h"

#include <limits>
#include <numeric>

#include "gantry/compute/parallel.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/row_scan.h"

namespace gantry {

namespace {

constexpr std::int64_t rows_per_block = 512;
constexpr std::int64_t slices_per_slab = 16;

void append_runs(const std::uint8_t* row, std::int64_t n, bool background, std::vector<RunTable::Item>& items) {
  std::int64_t i = 0;
  while (true) {
    i = background ? skip_non_zeros(row, i, n) : skip_zeros(row, i, n);
    if (i >= n) return;
    const std::int64_t begin = i;
    i = background ? skip_zeros(row, i, n) : skip_non_zeros(row, i, n);
    items.push_back({static_cast<std::int32_t>(begin), static_cast<std::int32_t>(i)});
  }
}

/// Sets of runs; the representative is always the smallest member, so the result does not depend on the order of unions.
class Sets {
 public:
  explicit Sets(std::int64_t count) : parent_(static_cast<std::size_t>(count)) { std::iota(parent_.begin(), parent_.end(), 0); }

  void join(std::int64_t a, std::int64_t b) {
    std::int32_t x = root(static_cast<std::int32_t>(a));
    std::int32_t y = root(static_cast<std::int32_t>(b));
    if (x == y) return;
    if (x > y) std::swap(x, y);
    parent_[static_cast<std::size_t>(y)] = x;
  }

  /// Points every run at its representative.
  std::vector<std::int32_t> flattened() && {
    for (auto& p : parent_) p = parent_[static_cast<std::size_t>(p)];
    return std::move(parent_);
  }

 private:
  std::int32_t root(std::int32_t n) {
    while (parent_[static_cast<std::size_t>(n)] != n) {
      auto& p = parent_[static_cast<std::size_t>(n)];
      p = parent_[static_cast<std::size_t>(p)];
      n = p;
    }
    return n;
  }
  std::vector<std::int32_t> parent_;
};

/// Joins touching runs of two rows; `slack` 1 lets them touch at corners.
void join_rows(const RunTable& table, std::int64_t row_a, std::int64_t row_b, std::int32_t slack, Sets& sets) {
  std::int64_t a = table.first[static_cast<std::size_t>(row_a)], b = table.first[static_cast<std::size_t>(row_b)];
  const std::int64_t a_end = table.first[static_cast<std::size_t>(row_a) + 1], b_end = table.first[static_cast<std::size_t>(row_b) + 1];
  while (a < a_end && b < b_end) {
    const auto& p = table.items[static_cast<std::size_t>(a)];
    const auto& q = table.items[static_cast<std::size_t>(b)];
    if (p.begin < q.end + slack && q.begin < p.end + slack) sets.join(a, b);
    if (p.end < q.end) {
      ++a;
    } else {
      ++b;
    }
  }
}

struct RowNeighbour {
  int dj, dk;
  std::int32_t slack;
};

std::vector<RowNeighbour> neighbours_of(Connectivity connectivity) {
  switch (connectivity) {
    case Connectivity::faces:
      return {{-1, 0, 0}, {0, -1, 0}};
    case Connectivity::edges:
      return {{-1, 0, 1}, {-1, -1, 0}, {0, -1, 1}, {1, -1, 0}};
    case Connectivity::corners:
      break;
  }
  return {{-1, 0, 1}, {-1, -1, 1}, {0, -1, 1}, {1, -1, 1}};
}

}  // namespace

RunTable runs_of(const MaskView& mask, bool background, const Run& run) {
  require_volume(mask, "mask");
  RunTable table;
  table.size = mask.grid().size();
  const std::int64_t ni = table.size[0];
  const std::int64_t rows = table.size[1] * table.size[2];
  const std::int64_t blocks = (rows + rows_per_block - 1) / rows_per_block;
  std::vector<std::vector<RunTable::Item>> parts(static_cast<std::size_t>(blocks));
  table.first.assign(static_cast<std::size_t>(rows) + 1, 0);
  parallel_for(run, rows, rows_per_block, [&](std::int64_t begin, std::int64_t end) {
    auto& items = parts[static_cast<std::size_t>(begin / rows_per_block)];
    for (std::int64_t row = begin; row < end; ++row) {
      table.first[static_cast<std::size_t>(row)] = static_cast<std::int64_t>(items.size());
      append_runs(mask.data() + row * ni, ni, background, items);
    }
  });
  std::int64_t total = 0;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::int64_t end = std::min(rows, (b + 1) * rows_per_block);
    for (std::int64_t row = b * rows_per_block; row < end; ++row) table.first[static_cast<std::size_t>(row)] += total;
    total += static_cast<std::int64_t>(parts[static_cast<std::size_t>(b)].size());
  }
  table.first.back() = total;
  if (total > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorCode::not_possible, fmt::format("mask: at most 2147483647 runs of voxels can be labelled; got {}", total));
  }
  table.items.reserve(static_cast<std::size_t>(total));
  for (const auto& part : parts) table.items.insert(table.items.end(), part.begin(), part.end());
  return table;
}

std::vector<std::int32_t> joined_runs(const RunTable& table, Connectivity connectivity, bool within_slices, const Run& run) {
  const std::int64_t nj = table.size[1], nk = table.size[2];
  const auto neighbours = neighbours_of(connectivity);
  Sets sets(static_cast<std::int64_t>(table.items.size()));
  const auto join_slice = [&](std::int64_t k, bool same_slice, bool slice_below) {
    for (std::int64_t j = 0; j < nj; ++j) {
      for (const auto& [dj, dk, slack] : neighbours) {
        if (j + dj < 0 || j + dj >= nj || k + dk < 0 || !(dk == 0 ? same_slice : slice_below)) continue;
        join_rows(table, k * nj + j, (k + dk) * nj + j + dj, slack, sets);
      }
    }
  };
  // Slabs touch only their own runs; the planes between slabs follow on one thread.
  parallel_for(run, nk, slices_per_slab, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) join_slice(k, true, k > begin && !within_slices);
  });
  if (!within_slices) {
    for (std::int64_t k = slices_per_slab; k < nk; k += slices_per_slab) join_slice(k, false, true);
  }
  return std::move(sets).flattened();
}

}  // namespace gantry
