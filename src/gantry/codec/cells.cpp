// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"

namespace gantry::codec {

namespace {

[[noreturn]] void refuse(std::string message) { throw Error(ErrorCode::unreadable, std::move(message)); }

template <class Cell, class T>
void put(std::byte* cells, std::span<const T> samples, int precision, bool is_signed, std::size_t first, std::size_t step) {
  const std::uint32_t mask = precision >= 32 ? ~0u : (1u << precision) - 1u;
  const std::uint32_t sign = is_signed ? 1u << (precision - 1) : 0u;
  std::byte* at = cells + first * sizeof(Cell);
  for (const T sample : samples) {
    // (x ^ sign) - sign extends the sign of a two's complement pattern.
    const std::uint32_t pattern = static_cast<std::uint32_t>(sample) & mask;
    const auto cell = static_cast<Cell>((pattern ^ sign) - sign);
    std::memcpy(at, &cell, sizeof(Cell));
    at += step * sizeof(Cell);
  }
}

template <class Cell>
void extend(std::span<std::byte> cells, int bits) {
  const auto mask = static_cast<Cell>((std::uint64_t{1} << bits) - 1);
  const auto sign = static_cast<Cell>(std::uint64_t{1} << (bits - 1));
  for (std::size_t n = 0; n + sizeof(Cell) <= cells.size(); n += sizeof(Cell)) {
    Cell cell;
    std::memcpy(&cell, cells.data() + n, sizeof(Cell));
    cell = static_cast<Cell>(((cell & mask) ^ sign) - sign);
    std::memcpy(cells.data() + n, &cell, sizeof(Cell));
  }
}

}  // namespace

std::size_t frame_bytes(const FrameFormat& format) {
  if (!(format.rows >= 1 && format.rows <= 65535 && format.columns >= 1 && format.columns <= 65535))
    refuse(fmt::format("frame: rows and columns must lie between 1 and 65535; got {} x {}", format.rows, format.columns));
  if (!(format.samples_per_pixel >= 1 && format.samples_per_pixel <= 4))
    refuse(fmt::format("frame: samples per pixel must lie between 1 and 4; got {}", format.samples_per_pixel));
  const int bits = format.bits_allocated;
  if (bits != 1 && bits != 8 && bits != 16 && bits != 32 && bits != 64)
    refuse(fmt::format("frame: bits allocated must be 1, 8, 16, 32 or 64; got {}", bits));
  if (!(format.bits_stored >= 1 && format.bits_stored <= bits))
    refuse(fmt::format("frame: bits stored must lie between 1 and {}; got {}", bits, format.bits_stored));
  if (!(format.high_bit >= format.bits_stored - 1 && format.high_bit < bits))
    refuse(fmt::format("frame: high bit must lie between {} and {}; got {}", format.bits_stored - 1, bits - 1, format.high_bit));
  const std::uint64_t cells = static_cast<std::uint64_t>(format.rows) * static_cast<std::uint64_t>(format.columns) *
                              static_cast<std::uint64_t>(format.samples_per_pixel);
  const std::uint64_t bytes = bits == 1 ? (cells + 7) / 8 : cells * static_cast<std::uint64_t>(bits / 8);
  if (bytes >= std::uint64_t{1} << 31) refuse(fmt::format("frame: at most 2 GiB are decoded; {} bytes are declared", bytes));
  return bytes;
}

void require_agreement(const FrameFormat& declared, std::int64_t rows, std::int64_t columns, std::int64_t samples, int precision) {
  if (rows != declared.rows || columns != declared.columns)
    refuse(fmt::format("codestream: must have the declared {} x {} pixels; has {} x {}", declared.rows, declared.columns, rows, columns));
  if (samples != declared.samples_per_pixel)
    refuse(fmt::format("codestream: must have the declared {} samples per pixel; has {}", declared.samples_per_pixel, samples));
  if (declared.bits_allocated < 8) refuse("codestream: cells of one bit are not supported by this coding");
  if (!(precision >= 1 && precision <= declared.bits_allocated))
    refuse(fmt::format("codestream: must fit the declared cells of {} bits; has {} bits", declared.bits_allocated, precision));
}

FrameFormat format_of(const FrameFormat& declared, int precision) {
  FrameFormat format = declared;
  format.bits_stored = std::max(declared.bits_stored, precision);
  format.high_bit = format.bits_stored - 1;
  return format;
}

template <class T>
void put_samples(Frame& frame, std::span<const T> samples, int precision, std::size_t first, std::size_t step) {
  const auto size = static_cast<std::size_t>(frame.format.bits_allocated / 8);
  if (samples.empty()) return;
  if ((first + (samples.size() - 1) * step + 1) * size > frame.pixels.size())
    throw Error(ErrorCode::internal, "frame: samples must fit the cells");
  switch (size) {
    case 1:
      return put<std::uint8_t>(frame.pixels.data(), samples, precision, frame.format.is_signed, first, step);
    case 2:
      return put<std::uint16_t>(frame.pixels.data(), samples, precision, frame.format.is_signed, first, step);
    case 4:
      return put<std::uint32_t>(frame.pixels.data(), samples, precision, frame.format.is_signed, first, step);
    default:
      refuse(fmt::format("codestream: cells of {} bits are not supported by this coding", frame.format.bits_allocated));
  }
}
template void put_samples(Frame&, std::span<const std::uint8_t>, int, std::size_t, std::size_t);
template void put_samples(Frame&, std::span<const std::uint16_t>, int, std::size_t, std::size_t);
template void put_samples(Frame&, std::span<const std::int32_t>, int, std::size_t, std::size_t);

std::vector<std::uint16_t> patterns_of(const Frame& frame) {
  const FrameFormat& format = frame.format;
  if (format.bits_allocated != 8 && format.bits_allocated != 16)
    throw Error(ErrorCode::not_possible,
                fmt::format("frame: cells must have 8 or 16 bits for this coding; have {}", format.bits_allocated));
  const std::size_t size = static_cast<std::size_t>(format.bits_allocated) / 8;
  const unsigned mask = (1u << format.bits_stored) - 1u;
  std::vector<std::uint16_t> patterns(frame.pixels.size() / size);
  bool fits = true;
  for (std::size_t n = 0; n < patterns.size(); ++n) {
    unsigned cell = std::to_integer<unsigned>(frame.pixels[n * size]);
    if (size == 2) cell |= std::to_integer<unsigned>(frame.pixels[2 * n + 1]) << 8;
    const unsigned above = cell & ~mask;
    const bool negative = format.is_signed && (cell >> (format.bits_stored - 1) & 1u);
    fits = fits && above == (negative ? ((size == 2 ? 0xffffu : 0xffu) & ~mask) : 0u);
    patterns[n] = static_cast<std::uint16_t>(cell & mask);
  }
  if (!fits) throw Error(ErrorCode::not_possible, fmt::format("frame: values must fit the {} bits stored", format.bits_stored));
  return patterns;
}

void extend_sign(Frame& frame) {
  const int bits = frame.format.high_bit + 1;
  if (!frame.format.is_signed || bits >= frame.format.bits_allocated) return;
  if (frame.format.bits_allocated == 8) extend<std::uint8_t>(frame.pixels, bits);
  if (frame.format.bits_allocated == 16) extend<std::uint16_t>(frame.pixels, bits);
  if (frame.format.bits_allocated == 32) extend<std::uint32_t>(frame.pixels, bits);
}

}  // namespace gantry::codec
