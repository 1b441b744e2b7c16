// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"

/// The run-length coding of DICOM (PS3.5 annex G): byte planes, most significant first, each packed as TIFF PackBits.
namespace gantry::codec {

namespace {

constexpr std::size_t header_size = 64;
constexpr std::size_t max_segments = 15;

std::uint32_t load_u32(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value;
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

/// Unpacks a segment into every `step`-th byte from `out` on, `count` bytes in all.
void unpack(std::span<const std::byte> segment, std::byte* out, std::size_t count, std::size_t step) {
  std::size_t at = 0, done = 0;
  while (done < count) {
    if (at >= segment.size()) throw Error(ErrorCode::unreadable, fmt::format("RLE segment: must hold {} bytes; holds {}", count, done));
    const unsigned control = std::to_integer<unsigned>(segment[at++]);
    if (control == 128) continue;
    const bool literal = control < 128;
    const std::size_t length = std::min<std::size_t>(literal ? control + 1 : 257 - control, count - done);
    if (at + (literal ? length : 1) > segment.size())
      throw Error(ErrorCode::unreadable, fmt::format("RLE segment: must hold {} bytes; holds {}", count, done));
    for (std::size_t n = 0; n < length; ++n) out[(done + n) * step] = segment[at + (literal ? n : 0)];
    at += literal ? length : 1;
    done += length;
  }
}

/// Packs one row; runs of three and more become repeats.
void pack(std::span<const std::byte> row, Bytes& out) {
  std::size_t at = 0;
  while (at < row.size()) {
    std::size_t run = 1;
    while (at + run < row.size() && run < 128 && row[at + run] == row[at]) ++run;
    if (run >= 3 || (run == 2 && at + 2 == row.size())) {
      out.push_back(static_cast<std::byte>(257 - run));
      out.push_back(row[at]);
      at += run;
      continue;
    }
    std::size_t end = at + 1;
    while (end < row.size() && end - at < 128 && !(end + 2 < row.size() && row[end] == row[end + 1] && row[end] == row[end + 2])) ++end;
    out.push_back(static_cast<std::byte>(end - at - 1));
    out.insert(out.end(), row.begin() + static_cast<std::ptrdiff_t>(at), row.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
  }
}

}  // namespace

Frame decode_rle(std::span<const std::byte> stream, const FrameFormat& declared) {
  const std::size_t size = frame_bytes(declared);
  const bool packed = declared.bits_allocated == 1;
  const std::size_t cell = packed ? 1 : static_cast<std::size_t>(declared.bits_allocated) / 8;
  const std::size_t samples = packed ? 1 : static_cast<std::size_t>(declared.samples_per_pixel);
  const std::size_t segments = cell * samples;
  if (segments > max_segments) throw Error(ErrorCode::unreadable, fmt::format("RLE: at most 15 segments; {} are needed", segments));
  if (stream.size() < header_size)
    throw Error(ErrorCode::unreadable, fmt::format("RLE: needs a header of 64 bytes; has {}", stream.size()));
  const std::uint32_t stated = load_u32(stream, 0);
  if (stated != segments) throw Error(ErrorCode::unreadable, fmt::format("RLE: must have {} segments; has {}", segments, stated));
  if (size / 64 > stream.size())
    throw Error(ErrorCode::unreadable, fmt::format("RLE: {} bytes cannot hold the declared frame of {}", stream.size(), size));
  Frame frame{declared, Bytes(size)};
  const std::size_t count = size / segments;
  for (std::size_t s = 0; s < segments; ++s) {
    const std::size_t begin = load_u32(stream, 4 + 4 * s);
    const std::size_t end = s + 1 < segments ? load_u32(stream, 8 + 4 * s) : stream.size();
    if (!(begin >= header_size && begin <= end && end <= stream.size()))
      throw Error(ErrorCode::unreadable, fmt::format("RLE segment {}: must lie inside the stream of {} bytes; begins at {}, ends at {}", s,
                                                     stream.size(), begin, end));
    const std::size_t sample = s / cell, byte = cell - 1 - s % cell;
    unpack(stream.subspan(begin, end - begin), frame.pixels.data() + sample * cell + byte, count, segments);
  }
  extend_sign(frame);
  return frame;
}

Bytes encode_rle(const Frame& frame) {
  const FrameFormat& format = frame.format;
  const bool packed = format.bits_allocated == 1;
  const std::size_t cell = packed ? 1 : static_cast<std::size_t>(format.bits_allocated) / 8;
  const std::size_t segments = packed ? 1 : cell * static_cast<std::size_t>(format.samples_per_pixel);
  if (segments > max_segments) throw Error(ErrorCode::not_possible, fmt::format("RLE: at most 15 segments; {} are needed", segments));
  const std::size_t count = frame.pixels.size() / segments;
  const std::size_t row_bytes = packed ? count : static_cast<std::size_t>(format.columns);
  Bytes stream(header_size), row(row_bytes);
  const auto put_u32 = [&](std::size_t at, std::size_t value) {
    const auto number = static_cast<std::uint32_t>(value);
    std::memcpy(stream.data() + at, &number, 4);
  };
  put_u32(0, segments);
  for (std::size_t s = 0; s < segments; ++s) {
    put_u32(4 + 4 * s, stream.size());
    const std::size_t offset = s / cell * cell + (cell - 1 - s % cell);
    for (std::size_t begin = 0; begin < count; begin += row_bytes) {
      for (std::size_t n = 0; n < row_bytes; ++n) row[n] = frame.pixels[(begin + n) * segments + offset];
      pack(row, stream);
    }
    if (stream.size() % 2 != 0) stream.push_back(std::byte{0});
  }
  return stream;
}

}  // namespace gantry::codec
