// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/parallel.h"

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <mutex>

namespace gantry {

namespace {

/// One arena per number of threads, kept for the life of the process; the limit of workers follows the largest.
tbb::task_arena& arena_of(int threads) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<tbb::task_arena>> arenas;
  static std::unique_ptr<tbb::global_control> limit;
  static int most = 0;
  const std::lock_guard lock(mutex);
  if (threads > most) {
    most = threads;
    limit.reset();
    limit = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  }
  auto& arena = arenas[threads];
  if (!arena) arena = std::make_unique<tbb::task_arena>(threads);
  return *arena;
}

}  // namespace

void parallel_for(const Run& run, std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t, std::int64_t)>& body) {
  grain = std::max<std::int64_t>(1, grain);
  const std::int64_t blocks = (count + grain - 1) / grain;
  const auto block = [&](std::int64_t b) {
    run.check();
    body(b * grain, std::min(count, (b + 1) * grain));
  };
  if (run.threads() <= 1 || blocks <= 1) {
    for (std::int64_t b = 0; b < blocks; ++b) block(b);
    return;
  }
  arena_of(run.threads()).execute([&] { tbb::parallel_for(std::int64_t{0}, blocks, block, tbb::simple_partitioner()); });
}

}  // namespace gantry
