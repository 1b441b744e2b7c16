// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <mutex>

#include "gantry/base/error.h"
#include "gantry/codec/codec.h"
#include "gantry/compute/parallel.h"

namespace gantry::codec {

void decode_untrusted(std::string_view transfer_syntax_uid, std::span<const std::span<const std::byte>> streams,
                      const FrameFormat& declared, const std::function<void(std::size_t, Frame&&)>& decoded, Run& run) {
  std::mutex mutex;
  parallel_for(run, static_cast<std::int64_t>(streams.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
      Frame frame = with_context(fmt::format("frame {}", n + 1), [&] { return decode(transfer_syntax_uid, streams[n], declared); });
      const std::lock_guard lock(mutex);
      decoded(n, std::move(frame));
    }
  });
}

}  // namespace gantry::codec
