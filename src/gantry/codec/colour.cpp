// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/codec/colour.h"

#include <cstring>

#include "gantry/base/error.h"

namespace gantry::codec {

namespace {

template <class Cell>
Cell rounded(double value, double high) {
  return static_cast<Cell>(std::clamp(std::nearbyint(value), 0.0, high));
}

template <class Cell>
void full_to_rgb(std::span<std::byte> bytes, int bits_stored) {
  const double half = static_cast<double>(std::uint64_t{1} << (bits_stored - 1));
  const double high = 2 * half - 1;
  for (std::size_t at = 0; at + 3 * sizeof(Cell) <= bytes.size(); at += 3 * sizeof(Cell)) {
    std::array<Cell, 3> cell;
    std::memcpy(cell.data(), bytes.data() + at, sizeof(cell));
    const double y = cell[0], cb = cell[1] - half, cr = cell[2] - half;
    cell = {rounded<Cell>(y + 1.402 * cr, high), rounded<Cell>(y - 0.344136 * cb - 0.714136 * cr, high),
            rounded<Cell>(y + 1.772 * cb, high)};
    std::memcpy(bytes.data() + at, cell.data(), sizeof(cell));
  }
}

/// Reversible transform of JPEG 2000 (ISO 15444-1, G.2): Y1 = G - B, Y2 = R - G, both kept modulo their range plus half of it.
template <class Cell>
void reversible_to_rgb(std::span<std::byte> bytes, int bits_stored) {
  const int half = 1 << (bits_stored - 1), high = 2 * half - 1;
  for (std::size_t at = 0; at + 3 * sizeof(Cell) <= bytes.size(); at += 3 * sizeof(Cell)) {
    std::array<Cell, 3> cell;
    std::memcpy(cell.data(), bytes.data() + at, sizeof(cell));
    const int cb = cell[1] - half, cr = cell[2] - half;
    const int green = cell[0] - ((cb + cr) >> 2);
    cell = {static_cast<Cell>(std::clamp(cr + green, 0, high)), static_cast<Cell>(std::clamp(green, 0, high)),
            static_cast<Cell>(std::clamp(cb + green, 0, high))};
    std::memcpy(bytes.data() + at, cell.data(), sizeof(cell));
  }
}

/// Y0 Y1 Cb Cr of two pixels -> Y Cb Cr of each.
Bytes unpacked_422(std::span<const std::byte> packed) {
  Bytes full(packed.size() / 4 * 6);
  for (std::size_t pair = 0; pair < packed.size() / 4; ++pair) {
    const auto in = packed.subspan(4 * pair, 4);
    std::byte* out = full.data() + 6 * pair;
    out[0] = in[0];
    out[3] = in[1];
    out[1] = out[4] = in[2];
    out[2] = out[5] = in[3];
  }
  return full;
}

}  // namespace

void convert_to_rgb(Frame& frame) {
  FrameFormat& format = frame.format;
  const std::string& colour = format.photometric_interpretation;
  const bool reversible = colour == "YBR_RCT";
  if (format.samples_per_pixel != 3 || !(colour == "YBR_FULL" || colour == "YBR_FULL_422" || colour == "YBR_ICT" || reversible)) return;
  const std::size_t pixels = static_cast<std::size_t>(format.rows) * static_cast<std::size_t>(format.columns);
  if (colour == "YBR_FULL_422" && format.bits_allocated == 8 && frame.pixels.size() / 2 == pixels && pixels % 2 == 0)
    frame.pixels = unpacked_422(std::span(frame.pixels).first(2 * pixels));
  if (format.bits_allocated == 8) {
    reversible ? reversible_to_rgb<std::uint8_t>(frame.pixels, format.bits_stored)
               : full_to_rgb<std::uint8_t>(frame.pixels, format.bits_stored);
  } else if (format.bits_allocated == 16) {
    reversible ? reversible_to_rgb<std::uint16_t>(frame.pixels, format.bits_stored)
               : full_to_rgb<std::uint16_t>(frame.pixels, format.bits_stored);
  } else {
    throw Error(ErrorCode::unreadable, fmt::format("colour: cells must have 8 or 16 bits; have {}", format.bits_allocated));
  }
  format.photometric_interpretation = "RGB";
}

}  // namespace gantry::codec
