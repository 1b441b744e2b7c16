// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <libdeflate.h>
#include <zlib.h>

#include <atomic>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/io/block_index.h"
#include "gantry/io/deflate.h"
#include "gantry/io/input_file.h"

namespace gantry::io {

namespace {

[[noreturn]] void fail_damaged() { throw Error(ErrorCode::unreadable, "compressed data: are damaged"); }

struct DecompressorDeleter {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
};
using Decompressor = std::unique_ptr<libdeflate_decompressor, DecompressorDeleter>;

Decompressor allocate_decompressor() {
  Decompressor decompressor(libdeflate_alloc_decompressor());
  if (!decompressor) throw Error(ErrorCode::out_of_memory, "memory: decompression needs 64 KiB");
  return decompressor;
}

/// zlib's streaming decoder, which takes any stream and any amount of output.
class Stream {
 public:
  Stream(std::span<const std::byte> compressed, Wrapper wrapper) : wrapper_(wrapper), rest_(compressed) {
    const int window = wrapper == Wrapper::gzip ? 15 + 16 : wrapper == Wrapper::zlib ? 15 : -15;
    if (::inflateInit2(&state_, window) != Z_OK) throw Error(ErrorCode::out_of_memory, "memory: decompression needs 64 KiB");
  }
  ~Stream() { ::inflateEnd(&state_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool ended() const { return ended_; }

  /// Fills `out`, fewer bytes only at the end of the stream or of its input.
  std::size_t read(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size() && !ended_) {
      constexpr std::size_t piece = std::size_t{1} << 30;
      if (state_.avail_in == 0) {
        const auto input = rest_.first(std::min(piece, rest_.size()));
        state_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
        state_.avail_in = static_cast<uInt>(input.size());
        rest_ = rest_.subspan(input.size());
      }
      state_.next_out = reinterpret_cast<Bytef*>(out.data() + done);
      const auto room = static_cast<uInt>(std::min(piece, out.size() - done));
      state_.avail_out = room;
      const uInt input_before = state_.avail_in;
      const int result = ::inflate(&state_, Z_NO_FLUSH);
      const uInt produced = room - state_.avail_out;
      done += produced;
      if (result == Z_STREAM_END) {
        ended_ = !next_member();
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        fail_damaged();
      } else if (produced == 0 && input_before == state_.avail_in && rest_.empty()) {
        return done;  // the input is exhausted
      }
    }
    return done;
  }

 private:
  /// A gzip file may hold several members one after the other (RFC 1952, 2.2).
  bool next_member() {
    if (wrapper_ != Wrapper::gzip || state_.avail_in < 18 || state_.next_in[0] != 0x1f || state_.next_in[1] != 0x8b) return false;
    return ::inflateReset(&state_) == Z_OK;
  }

  Wrapper wrapper_;
  std::span<const std::byte> rest_;
  z_stream state_{};
  bool ended_ = false;
};

void inflate_streaming(std::span<const std::byte> compressed, Wrapper wrapper, std::uint64_t skip, std::span<std::byte> out,
                       const Run& run) {
  Stream stream(compressed, wrapper);
  Bytes dump(std::size_t{64} << 10);
  std::uint64_t done = 0;
  while (done < skip) {
    const std::size_t count = stream.read(std::span(dump).first(std::min<std::uint64_t>(dump.size(), skip - done)));
    if (count == 0) break;
    done += count;
  }
  std::size_t filled = 0;
  while (done == skip && filled < out.size()) {
    run.check();
    const std::size_t count = stream.read(out.subspan(filled, std::min(out.size() - filled, std::size_t{8} << 20)));
    if (count == 0) break;
    filled += count;
  }
  if (done < skip || filled < out.size()) {
    throw Error(ErrorCode::unreadable,
                fmt::format("compressed data: are truncated: {} bytes are announced; found {}", skip + out.size(), done + filled));
  }
  // When the content ends here, its checksum follows.
  if (stream.read(dump) == 0 && !stream.ended())
    throw Error(ErrorCode::unreadable, "compressed data: are truncated: the checksum is missing");
}

/// The whole content with libdeflate; false when that is impossible, whatever the reason.
bool inflate_whole(std::span<const std::byte> compressed, Wrapper wrapper, std::span<std::byte> out) {
  const Decompressor decompressor = allocate_decompressor();
  std::size_t used = 0, produced = 0;
  if (wrapper == Wrapper::raw) {
    return libdeflate_deflate_decompress_ex(decompressor.get(), compressed.data(), compressed.size(), out.data(), out.size(), &used,
                                            &produced) == LIBDEFLATE_SUCCESS &&
           produced == out.size();
  }
  if (wrapper == Wrapper::zlib) {
    return libdeflate_zlib_decompress_ex(decompressor.get(), compressed.data(), compressed.size(), out.data(), out.size(), &used,
                                         &produced) == LIBDEFLATE_SUCCESS &&
           produced == out.size();
  }
  std::size_t done = 0;
  while (done < out.size()) {
    if (libdeflate_gzip_decompress_ex(decompressor.get(), compressed.data(), compressed.size(), out.data() + done, out.size() - done, &used,
                                      &produced) != LIBDEFLATE_SUCCESS) {
      return false;
    }
    done += produced;
    compressed = compressed.subspan(used);
  }
  return true;
}

/// The blocks of a file that `deflate` wrote, in parallel; false when the index does not fit the content that is asked for.
bool inflate_blocks(std::span<const std::byte> compressed, std::uint64_t skip, std::span<std::byte> out, const Run& run) {
  const auto parsed = BlockIndex::parse(compressed);
  if (!parsed || parsed->first.total != skip + out.size()) return false;
  const auto& [index, header_size] = *parsed;
  const std::size_t blocks = index.block_count();
  std::vector<std::uint64_t> begins(blocks, header_size);
  for (std::size_t b = 1; b < blocks; ++b) begins[b] = begins[b - 1] + index.compressed_sizes[b - 1];
  std::vector<std::uint32_t> checks(blocks);
  std::atomic<bool> whole = true;
  parallel_for(run, static_cast<std::int64_t>(blocks), 1, [&](std::int64_t begin, std::int64_t end) {
    const Decompressor decompressor = allocate_decompressor();
    for (auto b = static_cast<std::size_t>(begin); b < static_cast<std::size_t>(end) && whole; ++b) {
      const auto [offset, size] = index.range(b);
      // An empty final block behind the block's own makes it a stream of its own.
      const auto part = compressed.subspan(begins[b], index.compressed_sizes[b]);
      Bytes stream(part.begin(), part.end());
      if (b + 1 < blocks) {
        for (const unsigned value : {0x01u, 0x00u, 0x00u, 0xffu, 0xffu}) stream.push_back(static_cast<std::byte>(value));
      }
      const bool direct = offset >= skip;
      Bytes scratch(direct ? 0 : size);
      std::byte* const target = direct ? out.data() + (offset - skip) : scratch.data();
      if (libdeflate_deflate_decompress(decompressor.get(), stream.data(), stream.size(), target, size, nullptr) != LIBDEFLATE_SUCCESS) {
        whole = false;
        return;
      }
      checks[b] = libdeflate_crc32(0, target, size);
      if (!direct && offset + size > skip) std::memcpy(out.data(), scratch.data() + (skip - offset), offset + size - skip);
    }
  });
  if (!whole) return false;
  std::uint32_t check = checks[0];
  for (std::size_t b = 1; b < blocks; ++b)
    check = static_cast<std::uint32_t>(::crc32_combine(check, checks[b], static_cast<z_off_t>(index.range(b).size)));
  return check == load_number<std::uint32_t>(compressed, compressed.size() - 8);
}

}  // namespace

Bytes inflate_head(std::span<const std::byte> compressed, Wrapper wrapper, std::size_t count) {
  Bytes head(count);
  Stream stream(compressed, wrapper);
  std::size_t done = 0;
  while (done < head.size()) {
    const std::size_t more = stream.read(std::span(head).subspan(done));
    if (more == 0) break;
    done += more;
  }
  head.resize(done);
  return head;
}

void check_expansion(std::uint64_t compressed_size, std::uint64_t content_size) {
  // Deflate cannot expand more than 1032 times: a match of 258 bytes takes at least 2 bits.
  if (static_cast<double>(content_size) <= 1032.0 * static_cast<double>(compressed_size) + 1024.0) return;
  throw Error(ErrorCode::unreadable,
              fmt::format("compressed data: are truncated: {} bytes are announced; {} compressed bytes cannot hold them", content_size,
                          compressed_size));
}

void inflate(std::span<const std::byte> compressed, Wrapper wrapper, std::uint64_t skip, std::span<std::byte> out, Run& run) {
  const std::uint64_t total = skip + out.size();
  check_expansion(compressed.size(), total);
  if (wrapper == Wrapper::gzip && inflate_blocks(compressed, skip, out, run)) return;
  if (skip == 0) {
    if (inflate_whole(compressed, wrapper, out)) return;
  } else if (Scratch scratch = allocate_scratch(total); inflate_whole(compressed, wrapper, scratch.bytes())) {
    parallel_for(run, static_cast<std::int64_t>(out.size()), std::int64_t{4} << 20, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(out.data() + begin, scratch.data.get() + skip + begin, static_cast<std::size_t>(end - begin));
    });
    return;
  }
  inflate_streaming(compressed, wrapper, skip, out, run);
}

}  // namespace gantry::io
