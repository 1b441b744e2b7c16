// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <mutex>

#include "gantry/base/error.h"
#include "gantry/codec/codec.h"
#include "gantry/codec/worker_pool.h"
#include "gantry/compute/parallel.h"

namespace gantry::codec {

namespace {

/// The process's pool for the program that `find_resource` finds now; empty when it finds none or it does not start.
std::shared_ptr<WorkerPool> shared_pool() {
  static std::mutex mutex;
  static std::shared_ptr<WorkerPool> pool;
  static Path program;
  const std::lock_guard lock(mutex);
  const Path found = find_resource("gantry-decode");
  if (found != program || (!pool && !found.empty())) {
    program = found;
    pool = found.empty() ? nullptr : std::make_shared<WorkerPool>(found);
    if (pool && !pool->can_start()) pool = nullptr;
  }
  return pool;
}

void decode_here(std::string_view transfer_syntax_uid, std::span<const std::span<const std::byte>> streams, const FrameFormat& declared,
                 const std::function<void(std::size_t, Frame&&)>& decoded, Run& run) {
  std::mutex mutex;
  parallel_for(run, static_cast<std::int64_t>(streams.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
      Frame frame = with_context(fmt::format("frame {}", n + 1), [&] { return decode(transfer_syntax_uid, streams[n], declared); });
      const std::lock_guard lock(mutex);
      decoded(n, std::move(frame));
    }
  });
}

}  // namespace

void decode_untrusted(std::string_view transfer_syntax_uid, std::span<const std::span<const std::byte>> streams,
                      const FrameFormat& declared, const std::function<void(std::size_t, Frame&&)>& decoded, Run& run) {
  if (streams.empty()) return;
  if (const auto pool = shared_pool()) return decode_with(*pool, transfer_syntax_uid, streams, declared, decoded, run);
  run.warn("gantry-decode: is missing or does not start; untrusted pixels are decoded in this process");
  decode_here(transfer_syntax_uid, streams, declared, decoded, run);
}

}  // namespace gantry::codec
