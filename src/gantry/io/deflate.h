// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gantry/base/files.h"
#include "gantry/base/run.h"

namespace gantry::io {

/// What surrounds deflated data (RFC 1951): a gzip member (RFC 1952), a zlib stream (RFC 1950) or nothing.
enum class Wrapper : std::uint8_t { gzip, zlib, raw };

/// The first bytes of the uncompressed content; fewer when it is shorter. Throws Error(unreadable) for data that are no such stream.
Bytes inflate_head(std::span<const std::byte> compressed, Wrapper wrapper, std::size_t count);

/// Throws Error(unreadable) when `compressed_size` bytes cannot expand to `content_size`: asked before memory for it is taken.
void check_expansion(std::uint64_t compressed_size, std::uint64_t content_size);

/// Fills `out` with the uncompressed content from byte `skip`; takes no more memory than that content has, whatever the stream would
/// expand to. gzip files of several members are read as one. Content beyond is ignored. Files that `deflate` wrote are read on several
/// threads. Throws Error(unreadable) for a truncated or damaged stream, before it allocates when the stream is too short to hold the
/// content at all.
void inflate(std::span<const std::byte> compressed, Wrapper wrapper, std::uint64_t skip, std::span<std::byte> out, Run& run);

/// Compresses `head` followed by `body` into one gzip member, zlib stream or raw deflate stream that any reader takes. Works on
/// independent blocks in parallel; the bytes depend neither on the number of threads nor on the time. For gzip an extra field lists
/// the blocks (subfield "GN"), so that `inflate` can read them in parallel.
Bytes deflate(std::span<const std::byte> head, std::span<const std::byte> body, Wrapper wrapper, const Run& run);

/// Where the last block of a raw deflate stream begins and where it ends, in bits.
struct DeflateEnd {
  std::uint64_t last_block_bit = 0;
  std::uint64_t end_bit = 0;
};
/// Walks a valid raw deflate stream without producing its content. Throws Error(internal) when it is damaged.
DeflateEnd find_deflate_end(std::span<const std::byte> stream);

}  // namespace gantry::io
