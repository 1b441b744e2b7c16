// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gantry/base/files.h"

namespace gantry::io {

/// How a gzip member that Gantry wrote is cut into blocks that can be inflated independently: one block for the head (when there is
/// one), then blocks of `block_size`. It travels in the member's extra field, subfield "GN", which other readers skip (RFC 1952, 2.3.1.1).
struct BlockIndex {
  struct Range {
    std::uint64_t offset;
    std::uint64_t size;
  };

  std::uint64_t total = 0;
  std::uint32_t head_size = 0;
  std::uint32_t block_size = 1;
  std::vector<std::uint32_t> compressed_sizes;

  /// 512 KiB, more for very large contents because the extra field holds at most 64 KiB.
  static std::uint32_t block_size_for(std::uint64_t body_size);
  /// At least 1: an empty content has one empty block.
  std::size_t block_count() const;
  /// Uncompressed place of a block.
  Range range(std::size_t block) const;
  /// The gzip header with this index; without a time.
  Bytes gzip_header() const;
  /// The index of a gzip file and the length of its header; nothing when there is none or it contradicts itself or the file's size.
  static std::optional<std::pair<BlockIndex, std::size_t>> parse(std::span<const std::byte> file);
};

}  // namespace gantry::io
