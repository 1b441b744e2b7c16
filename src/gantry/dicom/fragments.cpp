// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/fragments.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "gantry/base/error.h"

namespace gantry::dicom {

namespace {

using Piece = FrameFragments::Piece;

std::uint64_t little_endian(const std::byte* bytes, int count) {
  std::uint64_t value = 0;
  for (int n = count - 1; n >= 0; --n) value = value << 8 | std::to_integer<std::uint64_t>(bytes[n]);
  return value;
}

/// All items behind `start`; the first is the basic offset table.
std::vector<Piece> pieces_of(const PixelElement& pixel, const Reader& reader) {
  std::vector<Piece> pieces;
  std::uint64_t at = pixel.offset;
  const std::uint64_t end = std::min(pixel.offset + pixel.present, reader.size());
  while (at + 8 <= end) {
    std::byte raw[8];
    if (reader.read(at, raw) < 8 || little_endian(raw, 4) != 0xE000FFFEU) break;
    const std::uint64_t length = std::min(little_endian(raw + 4, 4), end - at - 8);
    pieces.push_back({at + 8, length});
    at += 8 + length;
  }
  return pieces;
}

/// Groups `pieces` by the offsets (of the item headers, from the first fragment's) at which frames begin; empty when they do not fit.
std::vector<FrameFragments> by_offsets(const std::vector<Piece>& pieces, const std::vector<std::uint64_t>& offsets) {
  std::map<std::uint64_t, std::size_t> index;
  const std::uint64_t base = pieces.front().offset - 8;
  for (std::size_t n = 0; n < pieces.size(); ++n) index[pieces[n].offset - 8 - base] = n;
  std::vector<std::size_t> starts;
  for (const std::uint64_t offset : offsets) {
    const auto found = index.find(offset);
    if (found == index.end() || (!starts.empty() && found->second <= starts.back())) return {};
    starts.push_back(found->second);
  }
  std::vector<FrameFragments> frames(starts.size());
  for (std::size_t f = 0; f < starts.size(); ++f) {
    const std::size_t stop = f + 1 < starts.size() ? starts[f + 1] : pieces.size();
    frames[f].pieces.assign(pieces.begin() + static_cast<std::ptrdiff_t>(starts[f]), pieces.begin() + static_cast<std::ptrdiff_t>(stop));
  }
  return frames;
}

bool begins_codestream(const Reader& reader, const Piece& piece) {
  std::byte first[12];
  if (piece.length < 4 || reader.read(piece.offset, first) < 4) return false;
  const auto word = little_endian(first, 2);
  return word == 0xD8FFU || word == 0x4FFFU || little_endian(first, 4) == 0x0C000000U;
}

std::vector<std::uint64_t> wide_table(const Header::Data& data, Tag tag) {
  std::vector<std::uint64_t> values;
  const Element* element = data.root.find(tag);
  if (!element) return values;
  const auto bytes = data.root.value(*element);
  for (std::size_t n = 0; n + 8 <= bytes.size(); n += 8) values.push_back(little_endian(bytes.data() + n, 8));
  return values;
}

}  // namespace

std::vector<FrameFragments> locate_frames(const Header::Data& data, const Reader& reader, std::int64_t frames) {
  std::vector<Piece> pieces = pieces_of(data.pixel, reader);
  if (pieces.empty()) throw Error(ErrorCode::unreadable, "pixel data: hold no fragments");
  const Piece table = pieces.front();
  pieces.erase(pieces.begin());
  if (pieces.empty()) throw Error(ErrorCode::unreadable, "pixel data: hold no fragments");
  const auto count = static_cast<std::size_t>(frames);
  if (count == 1) return {FrameFragments{pieces}};

  if (const auto offsets = wide_table(data, 0x7FE00001U); offsets.size() == count) {
    if (auto found = by_offsets(pieces, offsets); !found.empty()) return found;
  }
  if (table.length == count * 4) {
    Bytes raw(static_cast<std::size_t>(table.length));
    std::vector<std::uint64_t> offsets(count);
    if (reader.read(table.offset, raw) == raw.size()) {
      for (std::size_t n = 0; n < count; ++n) offsets[n] = little_endian(raw.data() + n * 4, 4);
      if (auto found = by_offsets(pieces, offsets); !found.empty()) return found;
    }
  }
  std::vector<FrameFragments> found;
  if (pieces.size() == count) {
    for (const Piece& piece : pieces) found.push_back({{piece}});
    return found;
  }
  if (pieces.size() > count) {
    for (const Piece& piece : pieces) {
      if (found.empty() || begins_codestream(reader, piece)) found.emplace_back();
      found.back().pieces.push_back(piece);
    }
    if (found.size() == count) return found;
    throw Error(ErrorCode::unreadable, fmt::format("pixel data: {} fragments cannot be assigned to {} frames", pieces.size(), count));
  }
  throw Error(ErrorCode::unreadable, fmt::format("pixel data: {} fragments for {} frames", pieces.size(), count));
}

Bytes read_fragments(const Reader& reader, const FrameFragments& frame) {
  std::uint64_t total = 0;
  for (const Piece& piece : frame.pieces) total += piece.length;
  Bytes bytes(static_cast<std::size_t>(total));
  std::size_t at = 0;
  for (const Piece& piece : frame.pieces) {
    const auto part = std::span(bytes).subspan(at, static_cast<std::size_t>(piece.length));
    if (reader.read(piece.offset, part) != part.size()) throw Error(ErrorCode::unreadable, "pixel data: end too early");
    at += part.size();
  }
  return bytes;
}

}  // namespace gantry::dicom
