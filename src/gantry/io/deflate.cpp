// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/deflate.h"

#include <libdeflate.h>
#include <zlib.h>

#include <cstring>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/io/block_index.h"

namespace gantry::io {

namespace {

/// One Huffman code of a block (RFC 1951, 3.2.2): short codes by table, long ones bit by bit.
class HuffmanCode {
 public:
  enum Kind : std::uint16_t { literal, match, end_of_block };

  /// `extra(symbol)` = number of extra bits behind the symbol and its kind.
  template <class Extra>
  HuffmanCode(std::span<const std::uint8_t> lengths, Extra&& extra) {
    for (const std::uint8_t length : lengths) ++count_[length];
    count_[0] = 0;
    std::array<std::uint16_t, 16> next_code{}, next_index{};
    for (std::size_t length = 1; length < 16; ++length) {
      next_code[length] = static_cast<std::uint16_t>((next_code[length - 1] + count_[length - 1]) << 1);
      next_index[length] = static_cast<std::uint16_t>(next_index[length - 1] + count_[length - 1]);
    }
    for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      const std::size_t length = lengths[symbol];
      if (length == 0) continue;
      const auto [kind, bits] = extra(symbol);
      const auto entry = static_cast<std::uint16_t>(length | static_cast<unsigned>(bits) << 4 | static_cast<unsigned>(kind) << 8);
      entries_[next_index[length]++] = entry;
      const unsigned code = next_code[length]++;
      if (length > table_bits) continue;
      unsigned reversed = 0;
      for (std::size_t bit = 0; bit < length; ++bit) reversed |= (code >> bit & 1u) << (length - 1 - bit);
      for (std::size_t at = reversed; at < table_.size(); at += std::size_t{1} << length) table_[at] = entry;
    }
  }

  /// Length of the code at the low end of `bits` in bits 0-3, extra bits in 4-7, kind in 8-9; 0 = no code.
  std::uint16_t lookup(std::uint64_t bits) const {
    if (const std::uint16_t entry = table_[bits & (table_.size() - 1)]) return entry;
    int code = 0, first = 0, index = 0;
    for (std::size_t length = 1; length < 16; ++length) {
      code |= static_cast<int>(bits >> (length - 1) & 1);
      const int count = count_[length];
      if (code - count < first) return entries_[static_cast<std::size_t>(index + code - first)];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return 0;
  }

 private:
  static constexpr std::size_t table_bits = 11;
  std::array<std::uint16_t, 1 << table_bits> table_{};
  std::array<std::uint16_t, 16> count_{};
  std::array<std::uint16_t, 320> entries_{};
};

/// A position in a stream of bits, least significant first.
class BitCursor {
 public:
  explicit BitCursor(std::span<const std::byte> stream) : stream_(stream) {}
  std::uint64_t position() const { return position_; }
  /// At least 56 bits from here on; zeros behind the end.
  std::uint64_t peek() const {
    const std::size_t at = position_ >> 3;
    std::uint64_t word = 0;
    if (at + 8 <= stream_.size()) {
      std::memcpy(&word, stream_.data() + at, 8);
    } else if (at < stream_.size()) {
      std::memcpy(&word, stream_.data() + at, stream_.size() - at);
    } else if (at > stream_.size()) {
      fail();
    }
    return word >> (position_ & 7);
  }
  void skip(std::uint64_t bits) { position_ += bits; }
  std::uint64_t take(unsigned bits) {
    const std::uint64_t value = peek() & ((std::uint64_t{1} << bits) - 1);
    position_ += bits;
    return value;
  }
  void align() { position_ = (position_ + 7) & ~std::uint64_t{7}; }
  [[noreturn]] static void fail() { throw Error(ErrorCode::internal, "deflate stream: must be whole and valid"); }

 private:
  std::span<const std::byte> stream_;
  std::uint64_t position_ = 0;
};

std::pair<HuffmanCode::Kind, int> length_extra(std::size_t symbol) {
  if (symbol < 256) return {HuffmanCode::literal, 0};
  if (symbol == 256) return {HuffmanCode::end_of_block, 0};
  if (symbol < 265 || symbol >= 285) return {HuffmanCode::match, 0};
  return {HuffmanCode::match, static_cast<int>(symbol - 261) / 4};
}

std::pair<HuffmanCode::Kind, int> distance_extra(std::size_t symbol) {
  return {HuffmanCode::match, symbol < 4 ? 0 : static_cast<int>(symbol) / 2 - 1};
}

struct BlockCodes {
  HuffmanCode length, distance;
};

BlockCodes fixed_codes() {
  std::array<std::uint8_t, 288> lengths;
  for (std::size_t n = 0; n < lengths.size(); ++n) lengths[n] = n < 144 ? 8 : n < 256 ? 9 : n < 280 ? 7 : 8;
  std::array<std::uint8_t, 30> distances;
  distances.fill(5);
  return {HuffmanCode(lengths, length_extra), HuffmanCode(distances, distance_extra)};
}

BlockCodes dynamic_codes(BitCursor& cursor) {
  static constexpr std::array<std::uint8_t, 19> order{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  const std::size_t length_count = cursor.take(5) + 257;
  const std::size_t distance_count = cursor.take(5) + 1;
  const std::size_t order_count = cursor.take(4) + 4;
  std::array<std::uint8_t, 19> code_lengths{};
  for (std::size_t n = 0; n < order_count; ++n) code_lengths[order[n]] = static_cast<std::uint8_t>(cursor.take(3));
  // The kind and the extra bits of an entry together hold the symbol here.
  const HuffmanCode code(code_lengths, [](std::size_t symbol) {
    return std::pair(static_cast<HuffmanCode::Kind>(symbol >> 4), static_cast<int>(symbol & 15));
  });
  std::array<std::uint8_t, 320> lengths{};
  std::size_t n = 0;
  while (n < length_count + distance_count) {
    const unsigned entry = code.lookup(cursor.peek());
    if (entry == 0) BitCursor::fail();
    cursor.skip(entry & 15);
    const unsigned symbol = entry >> 4;
    if (symbol < 16) {
      lengths[n++] = static_cast<std::uint8_t>(symbol);
      continue;
    }
    const std::size_t repeat = symbol == 16 ? 3 + cursor.take(2) : symbol == 17 ? 3 + cursor.take(3) : 11 + cursor.take(7);
    const std::uint8_t value = symbol == 16 && n > 0 ? lengths[n - 1] : std::uint8_t{0};
    if (n + repeat > length_count + distance_count) BitCursor::fail();
    for (std::size_t r = 0; r < repeat; ++r) lengths[n++] = value;
  }
  const std::span all(lengths);
  return {HuffmanCode(all.first(length_count), length_extra), HuffmanCode(all.subspan(length_count, distance_count), distance_extra)};
}

void skip_symbols(BitCursor& cursor, const BlockCodes& codes) {
  for (;;) {
    std::uint64_t bits = cursor.peek();
    unsigned entry = codes.length.lookup(bits);
    // A literal takes at most 15 of the 56 bits in hand: three fit with a match's length code behind them.
    for (int n = 0; n < 2 && entry != 0 && entry < 16; ++n) {
      cursor.skip(entry);
      bits >>= entry;
      entry = codes.length.lookup(bits);
    }
    if (entry == 0) BitCursor::fail();
    cursor.skip((entry & 15) + (entry >> 4 & 15));
    const unsigned kind = entry >> 8;
    if (kind == HuffmanCode::end_of_block) return;
    if (kind == HuffmanCode::literal) continue;
    const unsigned distance = codes.distance.lookup(cursor.peek());
    if (distance == 0) BitCursor::fail();
    cursor.skip((distance & 15) + (distance >> 4 & 15));
  }
}

struct CompressorDeleter {
  void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
};

/// The whole stream with repetitions searched for, for anything but noise.
Bytes compress_thoroughly(std::span<const std::byte> input) {
  constexpr int level = 6;
  const std::unique_ptr<libdeflate_compressor, CompressorDeleter> compressor(libdeflate_alloc_compressor(level));
  if (!compressor) throw Error(ErrorCode::out_of_memory, "memory: compression needs 1 MiB");
  Bytes output(libdeflate_deflate_compress_bound(compressor.get(), input.size()));
  output.resize(libdeflate_deflate_compress(compressor.get(), input.data(), input.size(), output.data(), output.size()));
  return output;
}

/// The stream with runs of one byte as its only repetitions (zlib's Z_RLE): whole when it is the `last` part of a longer one, else up to
/// a byte border behind an empty stored block.
Bytes compress_runs(std::span<const std::byte> input, bool last) {
  constexpr int raw_deflate = -15, memory_level = 8;
  z_stream stream{};
  if (::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, raw_deflate, memory_level, Z_RLE) != Z_OK)
    throw Error(ErrorCode::out_of_memory, "memory: compression needs 1 MiB");
  Bytes output(::deflateBound(&stream, static_cast<uLong>(input.size())) + 16);
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(output.data());
  stream.avail_out = static_cast<uInt>(output.size());
  const int status = ::deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH);
  output.resize(stream.total_out);
  ::deflateEnd(&stream);
  if (status != (last ? Z_STREAM_END : Z_OK) || stream.avail_in != 0 || stream.avail_out == 0)
    throw Error(ErrorCode::internal, "deflate stream: must end with its input");
  return output;
}

/// Noisy floating-point mantissas hold no repetitions: to look for runs alone is then smaller than the thorough search, at four times
/// the speed. A sample of the block decides.
bool is_noise(std::span<const std::byte> block) {
  constexpr std::size_t sample_size = std::size_t{1} << 14;
  if (block.size() < 8 * sample_size) return false;
  const auto sample = block.subspan((block.size() - sample_size) / 2, sample_size);
  return compress_runs(sample, true).size() <= compress_thoroughly(sample).size();
}

/// A block as a part of a longer stream: unless it is the last, its final bit is cleared and an empty stored block brings the next one to
/// a byte border.
Bytes compress_block(std::span<const std::byte> block, bool last) {
  if (is_noise(block)) return compress_runs(block, last);
  Bytes output = compress_thoroughly(block);
  if (last) return output;
  const DeflateEnd end = find_deflate_end(output);
  output[end.last_block_bit >> 3] &= ~(std::byte{1} << (end.last_block_bit & 7));
  const std::uint64_t marker_bit = end.end_bit + 3;
  output.resize((marker_bit + 7) / 8);
  for (const unsigned value : {0x00u, 0x00u, 0xffu, 0xffu}) output.push_back(static_cast<std::byte>(value));
  return output;
}

void append(Bytes& bytes, std::span<const std::byte> more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

void append_big_endian(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(value >> shift));
}

void append_little_endian(Bytes& bytes, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::byte>(value >> shift));
}

}  // namespace

DeflateEnd find_deflate_end(std::span<const std::byte> stream) {
  BitCursor cursor(stream);
  DeflateEnd end;
  for (bool last = false; !last;) {
    end.last_block_bit = cursor.position();
    last = cursor.take(1) != 0;
    const std::uint64_t type = cursor.take(2);
    if (type == 0) {
      cursor.align();
      const std::uint64_t length = cursor.take(16);
      cursor.skip(16 + 8 * length);
    } else if (type == 1) {
      skip_symbols(cursor, fixed_codes());
    } else if (type == 2) {
      const BlockCodes codes = dynamic_codes(cursor);
      skip_symbols(cursor, codes);
    } else {
      BitCursor::fail();
    }
    if (cursor.position() > 8 * stream.size()) BitCursor::fail();
  }
  end.end_bit = cursor.position();
  return end;
}

Bytes deflate(std::span<const std::byte> head, std::span<const std::byte> body, Wrapper wrapper, const Run& run) {
  BlockIndex index;
  index.total = head.size() + body.size();
  index.head_size = static_cast<std::uint32_t>(head.size());
  index.block_size = BlockIndex::block_size_for(body.size());
  const std::size_t blocks = index.block_count();
  std::vector<Bytes> parts(blocks);
  std::vector<std::uint32_t> checks(blocks);
  parallel_for(run, static_cast<std::int64_t>(blocks), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto b = static_cast<std::size_t>(begin); b < static_cast<std::size_t>(end); ++b) {
      const auto [offset, size] = index.range(b);
      const auto block = offset < head.size() ? head : body.subspan(offset - head.size(), size);
      parts[b] = compress_block(block, b + 1 == blocks);
      checks[b] =
          wrapper == Wrapper::zlib ? libdeflate_adler32(1, block.data(), block.size()) : libdeflate_crc32(0, block.data(), block.size());
    }
  });
  std::size_t size = 0;
  for (const Bytes& part : parts) {
    index.compressed_sizes.push_back(static_cast<std::uint32_t>(part.size()));
    size += part.size();
  }
  std::uint32_t check = checks[0];
  for (std::size_t b = 1; b < blocks; ++b) {
    const auto length = static_cast<z_off_t>(index.range(b).size);
    check = static_cast<std::uint32_t>(wrapper == Wrapper::zlib ? ::adler32_combine(check, checks[b], length)
                                                                : ::crc32_combine(check, checks[b], length));
  }

  Bytes result;
  result.reserve(size + 4 * blocks + 64);
  if (wrapper == Wrapper::gzip) {
    append(result, index.gzip_header());
  } else if (wrapper == Wrapper::zlib) {
    result = {std::byte{0x78}, std::byte{0x9c}};
  }
  for (const Bytes& part : parts) append(result, part);
  if (wrapper == Wrapper::gzip) {
    append_little_endian(result, check);
    append_little_endian(result, static_cast<std::uint32_t>(index.total));
  } else if (wrapper == Wrapper::zlib) {
    append_big_endian(result, check);
  }
  return result;
}

}  // namespace gantry::io
