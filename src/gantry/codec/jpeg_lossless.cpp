// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <bit>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"

/// JPEG lossless, process 14, selection value 1 (ISO 10918-1, annex H): each sample is predicted by its left neighbour.
namespace gantry::codec {

namespace {

constexpr std::size_t categories = 17;

/// Code lengths and codes by category, from the frequencies, at most 16 bits long and without the code of all ones (annex K.2).
struct HuffmanTable {
  std::array<std::uint8_t, 17> count_of_length{};
  std::vector<std::uint8_t> symbols;  ///< in the order of their codes
  std::array<std::uint16_t, categories> code{};
  std::array<std::uint8_t, categories> length{};
};

HuffmanTable build_table(const std::array<std::uint64_t, categories>& frequencies) {
  // The extra symbol of frequency 1 takes the code of all ones.
  std::array<std::uint64_t, categories + 1> frequency{};
  std::copy(frequencies.begin(), frequencies.end(), frequency.begin());
  frequency[categories] = 1;
  std::array<int, categories + 1> depth{}, next{};
  next.fill(-1);
  for (;;) {
    int least = -1, second = -1;
    for (int n = 0; n <= static_cast<int>(categories); ++n) {
      const std::uint64_t f = frequency[static_cast<std::size_t>(n)];
      if (f == 0) continue;
      if (least < 0 || f <= frequency[static_cast<std::size_t>(least)]) {
        second = least;
        least = n;
      } else if (second < 0 || f <= frequency[static_cast<std::size_t>(second)]) {
        second = n;
      }
    }
    if (second < 0) break;
    frequency[static_cast<std::size_t>(least)] += frequency[static_cast<std::size_t>(second)];
    frequency[static_cast<std::size_t>(second)] = 0;
    // Both chains of merged symbols become one bit deeper.
    int last = least;
    for (int n = least; n >= 0; n = next[static_cast<std::size_t>(n)]) {
      ++depth[static_cast<std::size_t>(n)];
      last = n;
    }
    next[static_cast<std::size_t>(last)] = second;
    for (int n = second; n >= 0; n = next[static_cast<std::size_t>(n)]) ++depth[static_cast<std::size_t>(n)];
  }
  std::array<int, 33> counts{};
  for (const int d : depth) {
    if (d > 0) ++counts[static_cast<std::size_t>(d)];
  }
  for (std::size_t length = 32; length > 16; --length) {
    while (counts[length] > 0) {
      std::size_t shorter = length - 2;
      while (counts[shorter] == 0) --shorter;
      counts[length] -= 2;
      ++counts[length - 1];
      counts[shorter + 1] += 2;
      --counts[shorter];
    }
  }
  std::size_t longest = 16;
  while (counts[longest] == 0) --longest;
  --counts[longest];

  HuffmanTable table;
  std::vector<std::size_t> order;
  for (std::size_t n = 0; n < categories; ++n) {
    if (frequencies[n] > 0) order.push_back(n);
  }
  std::ranges::stable_sort(order, {}, [&](std::size_t n) { return depth[n]; });
  std::uint16_t code = 0;
  std::size_t at = 0;
  for (std::size_t length = 1; length <= 16; ++length, code = static_cast<std::uint16_t>(code << 1)) {
    table.count_of_length[length] = static_cast<std::uint8_t>(counts[length]);
    for (int n = 0; n < counts[length]; ++n, ++at) {
      table.symbols.push_back(static_cast<std::uint8_t>(order[at]));
      table.code[order[at]] = code++;
      table.length[order[at]] = static_cast<std::uint8_t>(length);
    }
  }
  return table;
}

/// Bits, most significant first; 0xff bytes are stuffed with a zero byte.
class BitWriter {
 public:
  explicit BitWriter(Bytes& out) : out_(out) {}
  void put(std::uint32_t bits, unsigned count) {
    held_ = held_ << count | bits;
    held_count_ += count;
    while (held_count_ >= 8) emit(static_cast<unsigned>(held_ >> (held_count_ -= 8)) & 0xffu);
  }
  void finish() {
    if (held_count_ > 0) put((1u << (8 - held_count_)) - 1u, 8 - held_count_);
  }

 private:
  void emit(unsigned octet) {
    out_.push_back(static_cast<std::byte>(octet));
    if (octet == 0xff) out_.push_back(std::byte{0});
  }
  Bytes& out_;
  std::uint64_t held_ = 0;
  unsigned held_count_ = 0;
};

}  // namespace

Bytes encode_jpeg_lossless(const Frame& frame) {
  const FrameFormat& format = frame.format;
  if (format.bits_allocated > 16 || format.bits_stored < 2)
    throw Error(ErrorCode::not_possible, "JPEG lossless: needs samples of 2 to 16 bits");
  const std::vector<std::uint16_t> samples = patterns_of(frame);
  const auto components = static_cast<std::size_t>(format.samples_per_pixel);
  const auto row = static_cast<std::size_t>(format.columns) * components;

  // Differences modulo 2^16 (H.1.2.1); the first sample of a row is predicted by the one above, the very first by half the range.
  std::vector<std::int32_t> differences(samples.size());
  std::array<std::uint64_t, categories> frequencies{};
  const auto category_of = [](std::int32_t difference) {
    return difference == 0 ? 0u : static_cast<unsigned>(std::bit_width(static_cast<std::uint32_t>(std::abs(difference))));
  };
  for (std::size_t n = 0; n < samples.size(); ++n) {
    const std::size_t column = n % row;
    const int prediction = column >= components ? samples[n - components] : n >= row ? samples[n - row] : 1 << (format.bits_stored - 1);
    const auto wrapped = static_cast<std::int16_t>(samples[n] - prediction);
    differences[n] = wrapped == -32768 ? 32768 : wrapped;
    ++frequencies[category_of(differences[n])];
  }
  const HuffmanTable table = build_table(frequencies);

  Bytes stream;
  const auto put = [&](std::initializer_list<int> octets) {
    for (const int octet : octets) stream.push_back(static_cast<std::byte>(octet));
  };
  const int count = format.samples_per_pixel;
  put({0xff, 0xd8, 0xff, 0xc3, 0, 8 + 3 * count, format.bits_stored, format.rows >> 8, format.rows & 255, format.columns >> 8,
       format.columns & 255, count});
  for (int c = 0; c < count; ++c) put({c + 1, 0x11, 0});
  put({0xff, 0xc4, 0, 19 + static_cast<int>(table.symbols.size()), 0});
  for (std::size_t length = 1; length <= 16; ++length) put({table.count_of_length[length]});
  for (const std::uint8_t symbol : table.symbols) put({symbol});
  put({0xff, 0xda, 0, 6 + 2 * count, count});
  for (int c = 0; c < count; ++c) put({c + 1, 0});
  put({1, 0, 0});
  BitWriter bits(stream);
  for (const std::int32_t difference : differences) {
    const unsigned category = category_of(difference);
    bits.put(table.code[category], table.length[category]);
    if (category == 0 || category == 16) continue;
    bits.put(static_cast<std::uint32_t>(difference > 0 ? difference : difference - 1) & ((1u << category) - 1u), category);
  }
  bits.finish();
  put({0xff, 0xd9});
  if (stream.size() % 2 != 0) stream.push_back(std::byte{0});
  return stream;
}

}  // namespace gantry::codec
