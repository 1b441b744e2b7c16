// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "gantry/base/run.h"

namespace gantry {

/// Calls `body(begin, end)` for consecutive blocks of [0, count) of `grain` items (the last may be shorter), on the Run's
/// threads. Block borders never depend on the number of threads, so whatever a block computes is the same for any. An
/// exception in a block is rethrown; cancellation of the Run throws Error(cancelled).
void parallel_for(const Run& run, std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t begin, std::int64_t end)>& body);

/// Reduces [0, count) in blocks of `grain`: `partial = block(begin, end)` in parallel, then `combine(total, partial)` in the order of
/// the blocks on one thread. The result has the same bits for any number of threads.
template <class T, class Block, class Combine>
T parallel_reduce(const Run& run, std::int64_t count, std::int64_t grain, T total, Block&& block, Combine&& combine) {
  const std::int64_t blocks = (count + grain - 1) / grain;
  std::vector<T> partials(static_cast<std::size_t>(blocks));
  parallel_for(run, blocks, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t b = first; b < last; ++b) {
      partials[static_cast<std::size_t>(b)] = block(b * grain, std::min(count, (b + 1) * grain));
    }
  });
  for (T& partial : partials) combine(total, partial);
  return total;
}

}  // namespace gantry
