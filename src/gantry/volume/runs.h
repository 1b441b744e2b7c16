// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/volume/morphology.h"

namespace gantry {

/// The foreground of a mask as runs along i, row after row. Row r = j + nj * k holds the runs [first[r], first[r + 1]).
struct RunTable {
  struct Item {
    std::int32_t begin = 0, end = 0;  ///< i, end exclusive
  };
  Size3 size{};
  std::vector<Item> items;
  std::vector<std::int64_t> first;
};

/// Runs of the voxels that are not zero, or with `background` of those that are. Throws Error(not_possible) above 2^31 - 1 runs.
RunTable runs_of(const MaskView& mask, bool background, const Run& run);

/// For each run the index of the first run of its component. `within_slices` joins runs of one slice only.
std::vector<std::int32_t> joined_runs(const RunTable& table, Connectivity connectivity, bool within_slices, const Run& run);

}  // namespace gantry
