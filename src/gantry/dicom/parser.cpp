// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/data_set.h"

namespace gantry::dicom {

namespace {

constexpr std::uint64_t max_header_bytes = std::uint64_t{256} << 20;
constexpr std::uint64_t bulk_bytes = std::uint64_t{1} << 20;
constexpr std::uint32_t undefined_length = 0xFFFFFFFFU;
constexpr int max_depth = 64;
constexpr Tag item_tag = 0xFFFEE000U, item_end = 0xFFFEE00DU, sequence_end = 0xFFFEE0DDU;

constexpr bool is_pixel_tag(Tag tag) { return tag == 0x7FE00010U || tag == 0x7FE00008U || tag == 0x7FE00009U; }

/// 0 = no value representation of the standard, 2 = with a 16-bit length, 4 = with a 32-bit length.
int length_size(char first, char second) {
  static constexpr std::string_view narrow = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US ";
  static constexpr std::string_view wide = "OB OD OF OL OV OW SQ SV UC UN UR UT UV ";
  const char vr[3] = {first, second, ' '};
  const auto in = [&](std::string_view list) {
    for (std::size_t n = 0; n < list.size(); n += 3) {
      if (list[n] == vr[0] && list[n + 1] == vr[1]) return true;
    }
    return false;
  };
  return in(narrow) ? 2 : in(wide) ? 4 : 0;
}

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }

std::uint32_t word16(const std::byte* at, bool big) {
  const auto a = std::to_integer<std::uint32_t>(at[0]), b = std::to_integer<std::uint32_t>(at[1]);
  return big ? a << 8 | b : b << 8 | a;
}
std::uint32_t word32(const std::byte* at, bool big) {
  return big ? word16(at, true) << 16 | word16(at + 2, true) : word16(at + 2, false) << 16 | word16(at, false);
}

[[noreturn]] void damaged(std::string text) { throw Error(ErrorCode::unreadable, std::move(text)); }

}  // namespace

/// Walks through a source, keeping what belongs to the header in one growing buffer; bulk values are stepped over, so that
/// position in the source = position in the buffer + `delta_`.
class Parser {
 public:
  Parser(const Reader& reader, Bytes first) : reader_(&reader), buffer_(std::move(first)), view_(buffer_) {}
  /// Over an item in memory, without a copy.
  explicit Parser(std::span<const std::byte> item) : view_(item) {}

  struct Prefix {
    Tag tag = 0;
    char vr[2] = {0, 0};
    std::uint32_t length = 0;
    std::uint64_t value = 0;  ///< position of the value in the buffer
  };

  Bytes& buffer() { return buffer_; }
  std::uint64_t source_offset(std::uint64_t position) const { return position + delta_; }
  std::uint64_t left(std::uint64_t position) const {
    const std::uint64_t at = position + delta_, size = reader_ ? reader_->size() : view_.size();
    return at < size ? size - at : 0;
  }

  bool ensure(std::uint64_t position, std::uint64_t count) {
    if (position + count <= view_.size()) return true;
    if (!reader_ || left(position) < count) return false;
    const std::uint64_t need = position + count - buffer_.size();
    const std::uint64_t rest = reader_->size() - delta_ - buffer_.size();
    const std::uint64_t take = std::min(rest, std::max(need, chunk_));
    chunk_ = std::min<std::uint64_t>(chunk_ * 4, 1 << 20);
    if (buffer_.size() + need > max_header_bytes) {
      throw Error(ErrorCode::refused, fmt::format("header: may take at most {} bytes", max_header_bytes));
    }
    const std::size_t old = buffer_.size();
    buffer_.resize(old + static_cast<std::size_t>(take));
    const std::size_t got = reader_->read(old + delta_, std::span(buffer_).subspan(old));
    buffer_.resize(old + got);
    view_ = buffer_;
    return position + count <= view_.size();
  }

  const std::byte* at(std::uint64_t position) const { return view_.data() + position; }

  /// Reads tag, value representation and length at `position`; false when fewer than 8 bytes are left.
  bool prefix(std::uint64_t position, Encoding encoding, Prefix& p) {
    if (!ensure(position, 8)) return false;
    const std::byte* b = at(position);
    p.tag = word16(b, encoding.big_endian) << 16 | word16(b + 2, encoding.big_endian);
    p.vr[0] = p.vr[1] = 0;
    p.value = position + 8;
    if (encoding.implicit || (p.tag >> 16) == 0xFFFEU) {
      p.length = word32(b + 4, encoding.big_endian);
      return true;
    }
    const char first = static_cast<char>(b[4]), second = static_cast<char>(b[5]);
    int size = length_size(first, second);
    if (size == 0 && is_capital(first) && is_capital(second)) size = 4;
    if (size == 0) {  // an implicit element in an explicit data set
      p.length = word32(b + 4, encoding.big_endian);
      if (p.length != undefined_length && p.length > left(p.value)) p.length = word16(b + 6, encoding.big_endian);
      return true;
    }
    p.vr[0] = first;
    p.vr[1] = second;
    if (size == 2) {
      p.length = word16(b + 6, encoding.big_endian);
      return true;
    }
    if (!ensure(position, 12)) return false;
    p.length = word32(at(position) + 8, encoding.big_endian);
    p.value = position + 12;
    return true;
  }

  /// End of the items of an undefined-length sequence whose first item is at `position`; `next` is behind the delimiter.
  std::uint64_t sequence_end_at(std::uint64_t position, Encoding encoding, int depth, std::uint64_t& next) {
    if (depth > max_depth) damaged(fmt::format("sequences: may be nested {} deep at most", max_depth));
    for (;;) {
      Prefix p;
      if (!prefix(position, encoding, p)) damaged("a sequence has no end");
      if (p.tag == sequence_end) {
        next = position + 8;
        return position;
      }
      if (p.tag != item_tag) damaged(fmt::format("a sequence holds {} where an item is due", text_of(p.tag)));
      if (p.length != undefined_length) {
        if (!ensure(p.value, p.length)) damaged(fmt::format("an item states {} bytes, {} are left", p.length, left(p.value)));
        position = p.value + p.length;
        continue;
      }
      position = item_end_at(p.value, encoding, depth + 1);
    }
  }

  /// Behind the delimiter of an undefined-length item whose first element is at `position`.
  std::uint64_t item_end_at(std::uint64_t position, Encoding encoding, int depth) {
    for (;;) {
      Prefix p;
      if (!prefix(position, encoding, p)) damaged("an item has no end");
      if (p.tag == item_end) return p.value;
      if (p.tag == sequence_end) return position;  // the item's delimiter is missing
      if (p.length == undefined_length) {
        const bool unknown = p.vr[0] == 'U' && p.vr[1] == 'N';
        std::uint64_t next = 0;
        sequence_end_at(p.value, unknown ? Encoding{true, false} : encoding, depth + 1, next);
        position = next;
      } else {
        if (!ensure(p.value, p.length)) {
          damaged(fmt::format("{} states {} bytes, {} are left", text_of(p.tag), p.length, left(p.value)));
        }
        position = p.value + p.length;
      }
    }
  }

  /// Steps over the encapsulated pixel fragments at `position`; returns what is present up to the delimiter.
  void encapsulated(std::uint64_t position, bool big, PixelElement& pixel, std::string& complaint) {
    pixel.encapsulated = true;
    pixel.offset = source_offset(position);
    std::uint64_t offset = pixel.offset;
    for (;;) {
      std::byte raw[8];
      const bool cached = offset - delta_ + 8 <= buffer_.size();
      if (cached) std::memcpy(raw, at(offset - delta_), 8);
      if (!cached && reader_->read(offset, raw) < 8) {
        complaint = "the pixel data have no end (truncated file)";
        break;
      }
      const Tag tag = word16(raw, big) << 16 | word16(raw + 2, big);
      const std::uint64_t length = word32(raw + 4, big);
      if (tag == sequence_end) {
        pixel.length = pixel.present = offset - pixel.offset;
        skip_to(position, offset + 8);
        return;
      }
      if (tag != item_tag) {
        complaint = fmt::format("the pixel data hold {} where a fragment is due", text_of(tag));
        break;
      }
      if (length > reader_->size() - offset - 8) {
        complaint = fmt::format("a pixel fragment states {} bytes, {} are left (truncated file)", length, reader_->size() - offset - 8);
        offset = reader_->size();
        break;
      }
      offset += 8 + length;
    }
    pixel.length = pixel.present = std::min(offset, reader_->size()) - pixel.offset;
    skip_to(position, reader_->size());
  }

  /// Drops the buffer behind `position` and goes on at `source` there.
  void skip_to(std::uint64_t position, std::uint64_t source) {
    if (source - delta_ <= buffer_.size()) {
      buffer_.erase(buffer_.begin() + static_cast<std::ptrdiff_t>(position),
                    buffer_.begin() + static_cast<std::ptrdiff_t>(source - delta_));
    } else {
      buffer_.resize(static_cast<std::size_t>(position));
    }
    view_ = buffer_;
    delta_ = source - position;
  }

  /// Parses elements from `position` until the source ends or, in the meta header, another group begins. Returns where it stopped.
  std::uint64_t data_set(std::uint64_t position, Encoding encoding, bool meta, DataSet& set, PixelElement* pixel, std::string& complaint) {
    struct Sort {  // also when damage ends the loop
      std::vector<Element>& elements;
      ~Sort() {
        const auto before = [](const Element& a, const Element& b) { return a.tag < b.tag; };
        if (!std::is_sorted(elements.begin(), elements.end(), before)) std::stable_sort(elements.begin(), elements.end(), before);
      }
    } const sort{set.elements_};
    set.encoding_ = encoding;
    while (left(position) >= 8) {
      Prefix p;
      if (!prefix(position, encoding, p)) break;
      if (meta && (p.tag >> 16) != 2) break;
      if (p.tag == sequence_end || p.tag == item_end || p.tag == item_tag) {
        position = p.value;
        continue;
      }
      if (p.tag == 0 && p.length == 0) {
        complaint = "bytes follow the data set";
        break;
      }
      Element element;
      element.tag = p.tag;
      element.vr[0] = p.vr[0];
      element.vr[1] = p.vr[1];
      element.offset = p.value;
      element.length = p.length;
      if (pixel && is_pixel_tag(p.tag) && pixel->tag == 0) {
        pixel->tag = p.tag;
        pixel->vr[0] = p.vr[0];
        pixel->vr[1] = p.vr[1];
        if (p.length == undefined_length) {
          encapsulated(p.value, encoding.big_endian, *pixel, complaint);
        } else {
          pixel->offset = source_offset(p.value);
          pixel->length = p.length;
          pixel->present = std::min<std::uint64_t>(p.length, left(p.value));
          if (pixel->present < pixel->length) {
            complaint = fmt::format("the pixel data state {} bytes, {} are left (truncated file)", pixel->length, pixel->present);
          }
          if (pixel->offset + pixel->present >= reader_->size()) {
            skip_to(p.value, reader_->size());
            break;
          }
          skip_to(p.value, pixel->offset + pixel->present);
        }
        position = p.value;
        continue;
      }
      if (p.length == undefined_length) {
        const bool unknown = p.vr[0] == 'U' && p.vr[1] == 'N';
        std::uint64_t next = 0;
        const std::uint64_t end = with_context(text_of(p.tag), [&] {
          return sequence_end_at(p.value, unknown ? Encoding{true, false} : encoding, 1, next);
        });
        element.undefined = true;
        element.length = end - p.value;
        position = next;
      } else if (p.length > left(p.value)) {
        const std::string text = fmt::format("{} states {} bytes, {} are left", text_of(p.tag), p.length, left(p.value));
        if (pixel && pixel->tag != 0) {
          complaint = text;
          break;
        }
        damaged(text);
      } else if (reader_ && p.length > bulk_bytes && !is_sequence(p)) {
        element.external = true;
        element.offset = source_offset(p.value);
        skip_to(p.value, element.offset + p.length);
        position = p.value;
      } else {
        if (!ensure(p.value, p.length)) damaged(fmt::format("{} cannot be read", text_of(p.tag)));
        position = p.value + p.length;
      }
      set.elements_.push_back(element);
    }
    return position;
  }

 private:
  static bool is_sequence(const Prefix& p) {
    if (p.vr[0] != 0 && !(p.vr[0] == 'U' && p.vr[1] == 'N')) return p.vr[0] == 'S' && p.vr[1] == 'Q';
    const auto* entry = dictionary_entry(p.tag);
    return entry && entry->vr == "SQ";
  }

  const Reader* reader_ = nullptr;
  Bytes buffer_;
  std::span<const std::byte> view_;  ///< the buffer, or the item
  std::uint64_t delta_ = 0;
  std::uint64_t chunk_ = 32768;
};

namespace {

/// The encoding that the bytes at the start of a data set show.
Encoding encoding_of(const std::byte* first) {
  const std::uint32_t group = word16(first, false);
  Encoding encoding;
  encoding.big_endian = group >= 0x0100 && (group & 0xFF) == 0 && group <= 0x1000;
  encoding.implicit = length_size(static_cast<char>(first[4]), static_cast<char>(first[5])) == 0;
  return encoding;
}

std::string trimmed_text(const DataSet& set, Tag tag) {
  const Element* element = set.find(tag);
  if (!element) return {};
  const auto bytes = set.value(*element);
  return std::string(trim({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

}  // namespace

bool looks_like_dicom(std::span<const std::byte> first) {
  if (first.size() >= 132 && std::memcmp(first.data() + 128, "DICM", 4) == 0) return true;
  if (first.size() < 16) return false;
  const Encoding encoding = encoding_of(first.data());
  const std::uint32_t group = word16(first.data(), encoding.big_endian), element = word16(first.data() + 2, encoding.big_endian);
  if ((group != 2 && group != 8) || element > 0x0100) return false;
  return !encoding.implicit || word32(first.data() + 4, encoding.big_endian) <= 0x10000;
}

std::shared_ptr<const Header::Data> read_header(const Origin& origin) {
  const auto reader = origin.open();
  return read_header(origin, *reader, first_bytes(*reader));
}

Bytes first_bytes(const Reader& reader) {
  Bytes first(static_cast<std::size_t>(std::min<std::uint64_t>(reader.size(), 8192)));
  first.resize(reader.read(0, first));
  return first;
}

std::shared_ptr<const Header::Data> read_header(const Origin& origin, const Reader& reader, Bytes first) {
  auto data = std::make_shared<Header::Data>();
  data->origin = origin;
  data->source_size = reader.size();
  Parser parser(reader, std::move(first));
  std::uint64_t position = 0;
  if (parser.ensure(0, 132) && std::memcmp(parser.at(128), "DICM", 4) == 0) {
    data->has_preamble = true;
    position = 132;
  }
  if (!parser.ensure(position, 8)) damaged("file: is too short for a data set");
  Encoding meta_encoding{false, false};
  if (encoding_of(parser.at(position)).implicit) meta_encoding.implicit = true;
  std::string complaint;
  position = parser.data_set(position, meta_encoding, true, data->meta, nullptr, complaint);
  data->meta.set_bytes(parser.buffer());
  data->transfer_syntax = trimmed_text(data->meta, 0x00020010U);
  const std::string& syntax = data->transfer_syntax;
  if (syntax == "1.2.840.10008.1.2.1.99" && !origin.deflated_after) {
    Origin inflated = origin;
    inflated.deflated_after = position;
    return read_header(inflated);
  }
  if (!parser.ensure(position, 8)) damaged("file: ends before its data set begins");
  const Encoding seen = encoding_of(parser.at(position));
  Encoding encoding{syntax == "1.2.840.10008.1.2", syntax == "1.2.840.10008.1.2.2"};
  if (syntax.empty()) {
    encoding = seen;
    complaint = data->has_preamble ? "the meta header states no transfer syntax" : "there is no meta header";
  } else if (encoding.implicit != seen.implicit || encoding.big_endian != seen.big_endian) {
    complaint = fmt::format("the data set is written in {} {} VR unlike its transfer syntax",
                            seen.big_endian ? "big endian" : "little endian", seen.implicit ? "implicit" : "explicit");
    encoding = seen;
  }
  std::string pixel_complaint;
  with_context("data set", [&] { parser.data_set(position, encoding, false, data->root, &data->pixel, pixel_complaint); });
  if (!pixel_complaint.empty()) complaint = complaint.empty() ? pixel_complaint : complaint + "; " + pixel_complaint;
  data->complaint = complaint;
  if (syntax.empty()) {
    data->transfer_syntax = encoding.big_endian ? "1.2.840.10008.1.2.2" : encoding.implicit ? "1.2.840.10008.1.2" : "1.2.840.10008.1.2.1";
  }
  data->bytes.assign(parser.buffer().begin(), parser.buffer().end());
  data->meta.set_bytes(data->bytes);
  data->root.set_bytes(data->bytes);
  return data;
}

bool item_extent(std::span<const std::byte> bytes, std::size_t begin, Encoding encoding, std::size_t& end, std::size_t& next) {
  Parser parser(bytes);
  try {
    next = static_cast<std::size_t>(parser.item_end_at(begin, encoding, 1));
  } catch (const Error&) {
    return false;
  }
  end = next >= 8 ? next - 8 : next;
  const bool closed =
      end >= begin && word32(bytes.data() + end + 4, false) == 0 && word16(bytes.data() + end + 2, encoding.big_endian) == 0xE00DU;
  if (!closed) end = next;
  return true;
}

DataSet parse_item(std::span<const std::byte> bytes, Encoding encoding, const DataSet* parent) {
  DataSet set(bytes, encoding, parent);
  Parser parser(bytes);
  std::string complaint;
  try {
    parser.data_set(0, encoding, false, set, nullptr, complaint);
  } catch (const Error&) {
    return set;  // what came before the damage
  }
  return set;
}

}  // namespace gantry::dicom
