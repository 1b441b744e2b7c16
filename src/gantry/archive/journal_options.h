// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>

namespace gantry::archive {

/// How the journal of an archive is kept.
struct JournalOptions {
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;  ///< of each of its files
  int most_segments = 4;
  int begins_after = 32;  ///< objects that were stored without it: a folder that takes few needs none
};

}  // namespace gantry::archive
