// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/network/identifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::dicom::network {

namespace {

constexpr std::uint32_t undefined_length = 0xFFFFFFFFU;
constexpr int deepest = 64;

bool is_long(std::string_view vr) {
  static constexpr std::string_view list = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
  return list.find(vr) != std::string_view::npos;
}

std::size_t cell_size(std::string_view vr) {
  static constexpr std::string_view two = "AT OW SS US", four = "FL OF OL SL UL", eight = "FD OD OV SV UV";
  if (two.find(vr) != std::string_view::npos) return 2;
  if (four.find(vr) != std::string_view::npos) return 4;
  return eight.find(vr) != std::string_view::npos ? 8 : 1;
}

class Writer {
 public:
  explicit Writer(Encoding encoding) : encoding_(encoding) {}

  void word(std::uint64_t value, int size) {
    for (int n = 0; n < size; ++n) {
      const int shift = 8 * (encoding_.big_endian ? size - 1 - n : n);
      out.push_back(static_cast<std::byte>(value >> shift & 0xFFU));
    }
  }
  void tag(Tag tag) {
    word(tag >> 16, 2);
    word(tag & 0xFFFFU, 2);
  }
  void prefix(Tag name, std::string_view vr, std::uint32_t length) {
    tag(name);
    if (encoding_.implicit) {
      word(length, 4);
      return;
    }
    // A value too long for its representation is written as one of unknown representation (PS3.5 section 6.2.2).
    if (!is_long(vr) && length > 0xFFFFU) vr = "UN";
    for (const char c : vr) out.push_back(static_cast<std::byte>(c));
    if (is_long(vr)) word(0, 2);
    word(length, is_long(vr) ? 4 : 2);
  }
  void bytes(std::span<const std::byte> more) { out.insert(out.end(), more.begin(), more.end()); }

  void data_set(const DataSet& set, int depth) {
    if (depth > deepest) throw Error(ErrorCode::unreadable, fmt::format("sequences: may be nested {} deep at most", deepest));
    for (const Element& element : set.elements()) {
      if ((element.tag & 0xFFFFU) == 0) continue;  // group lengths would be wrong
      const std::string vr = set.vr(element);
      if (vr == "SQ") {
        prefix(element.tag, vr, undefined_length);
        for (const DataSet& item : set.items(element.tag)) {
          tag(0xFFFEE000U);
          word(undefined_length, 4);
          data_set(item, depth + 1);
          tag(0xFFFEE00DU);
          word(0, 4);
        }
        tag(0xFFFEE0DDU);
        word(0, 4);
        continue;
      }
      if (element.undefined) throw Error(ErrorCode::not_possible, "transfer syntax: encapsulated pixel data cannot be written otherwise");
      const auto value = set.value(element);
      if (value.size() != element.length) throw Error(ErrorCode::internal, "data set: must lie in memory whole");
      prefix(element.tag, vr, static_cast<std::uint32_t>(value.size() + value.size() % 2));
      const std::size_t begin = out.size();
      bytes(value);
      const std::size_t cell = cell_size(vr);
      if (cell > 1 && set.encoding().big_endian != encoding_.big_endian) {
        for (std::size_t at = begin; at + cell <= out.size(); at += cell) {
          std::reverse(out.begin() + static_cast<std::ptrdiff_t>(at), out.begin() + static_cast<std::ptrdiff_t>(at + cell));
        }
      }
      if (value.size() % 2 != 0) out.push_back(std::byte{});
    }
  }

  Bytes out;

 private:
  Encoding encoding_;
};

/// Cells of a binary value representation; nothing when a value is no number of it.
void append_numbers(Writer& value, std::string_view vr, const std::string& text) {
  for (const std::string& part : split(text, '\\')) {
    if (vr == "FL" || vr == "FD") {
      const auto number = parse_double(part);
      if (!number) return value.out.clear();
      value.word(vr == "FD" ? std::bit_cast<std::uint64_t>(*number) : std::bit_cast<std::uint32_t>(static_cast<float>(*number)),
                 vr == "FD" ? 8 : 4);
    } else if (vr == "AT") {
      const auto tag = tag_of(part);
      if (!tag) return value.out.clear();
      value.tag(*tag);
    } else {
      const int size = static_cast<int>(cell_size(vr));
      const auto number = parse_integer(part);
      const long long span = size == 8 ? std::numeric_limits<long long>::max() : 1LL << (8 * size);
      if (!number || *number >= span || *number < -span / 2) return value.out.clear();
      value.word(static_cast<std::uint64_t>(*number), size);
    }
  }
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Bytes encode_identifier(const Identifier& identifier, Encoding encoding) {
  Identifier all = identifier;
  const bool plain = std::all_of(all.begin(), all.end(), [](const auto& one) { return is_ascii(one.second); });
  if (!plain) all[0x00080005U] = "ISO_IR 192";
  Writer writer(encoding);
  for (const auto& [tag, text] : all) {
    if ((tag & 0xFFFFU) == 0) continue;
    const DictionaryEntry* entry = dictionary_entry(tag);
    std::string_view vr = entry ? entry->vr : std::string_view("UN");
    if (vr == "XS") vr = "US";
    if (vr == "OX") vr = "OW";
    Writer value(encoding);
    if (vr == "SQ" || vr.front() == 'O') {
      // Written empty.
    } else if (cell_size(vr) > 1) {
      if (!text.empty()) append_numbers(value, vr, text);
    } else {
      std::string_view kept(text);
      if (kept.size() > 0xFFFEU) {
        kept = kept.substr(0, 0xFFFEU);
        while (!kept.empty() && !is_utf8(kept)) kept.remove_suffix(1);
      }
      value.bytes(std::as_bytes(std::span(kept.data(), kept.size())));
      if (value.out.size() % 2 != 0) value.out.push_back(vr == "UI" || vr == "UN" ? std::byte{} : std::byte{' '});
    }
    writer.prefix(tag, vr, static_cast<std::uint32_t>(value.out.size()));
    writer.bytes(value.out);
  }
  return std::move(writer.out);
}

Bytes recode(const DataSet& set, Encoding encoding) {
  Writer writer(encoding);
  writer.data_set(set, 1);
  return std::move(writer.out);
}

}  // namespace gantry::dicom::network
