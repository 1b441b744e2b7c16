// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "gantry/codec/codec.h"

namespace gantry::codec {

/// One running `gantry-decode` process.
class Worker;

/// Worker processes that are kept between calls. Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(Path program, double seconds_per_frame = 10.0);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Starts a worker when none is idle; true when it works. Asked once before untrusted streams are handed over.
  bool can_start();
  /// Decodes one stream in a worker. A crash, a hang (the time limit grows with the frame) or a refusal there is an Error(unreadable) with
  /// the reason; the worker is then replaced. Throws Error(cancelled) when the run is.
  Frame decode(std::string_view transfer_syntax_uid, std::span<const std::byte> stream, const FrameFormat& declared, Run& run);

 private:
  std::unique_ptr<Worker> take(std::uint64_t memory_bytes);
  void give_back(std::unique_ptr<Worker> worker);

  Path program_;
  double seconds_per_frame_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
};

/// The body of `decode_untrusted` with a given pool: every stream is tried; then the first failure, by index, is thrown.
void decode_with(WorkerPool& pool, std::string_view transfer_syntax_uid, std::span<const std::span<const std::byte>> streams,
                 const FrameFormat& declared, const std::function<void(std::size_t, Frame&&)>& decoded, Run& run);

}  // namespace gantry::codec
