// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <span>

#include "gantry/codec/codec.h"

namespace gantry::codec {

/// One decoder per coding. Each takes a whole frame's stream, checks its stated size against `declared` before it takes memory, and
/// leaves the colour space as the stream has it (format.photometric_interpretation says which). All throw Error(unreadable).
Frame decode_rle(std::span<const std::byte> stream, const FrameFormat& declared);
Frame decode_deflated(std::span<const std::byte> stream, const FrameFormat& declared);
/// JPEG of every process: 8-bit lossy here, 12-bit and lossless by `decode_jpeg_ijg`.
Frame decode_jpeg(std::span<const std::byte> stream, const FrameFormat& declared);
Frame decode_jpeg_ls(std::span<const std::byte> stream, const FrameFormat& declared);
Frame decode_jpeg_2000(std::span<const std::byte> stream, const FrameFormat& declared);
Frame decode_htj2k(std::span<const std::byte> stream, const FrameFormat& declared);

/// Sets up what the decoding libraries would otherwise open or start at their first error: called before a sandbox forbids it.
void prepare_decoders();
void prepare_jpeg_ijg();
void prepare_htj2k();

/// One encoder per coding; the frame has been checked by `encode`. All throw Error(not_possible).
Bytes encode_rle(const Frame& frame);
Bytes encode_deflated(const Frame& frame);
Bytes encode_jpeg_baseline(const Frame& frame);
Bytes encode_jpeg_lossless(const Frame& frame);
Bytes encode_jpeg_ls(const Frame& frame);
Bytes encode_jpeg_2000(const Frame& frame);
Bytes encode_htj2k(const Frame& frame);

/// What a JPEG stream's frame header states (ISO 10918-1, B.2.2).
struct JpegHeader {
  int process = 0;  ///< n of the SOFn marker: 0 baseline, 1 extended, 2 progressive, 3 lossless
  int precision = 0, rows = 0, columns = 0, components = 0;
  bool subsampled = false;
  enum class Colour { unstated, rgb, ybr } colour = Colour::unstated;  ///< by Adobe and JFIF segments and component names
};
JpegHeader parse_jpeg_header(std::span<const std::byte> stream);
/// 12-bit and lossless JPEG into cells of 1 (precision up to 8) or 2 bytes.
Bytes decode_jpeg_ijg(std::span<const std::byte> stream, const JpegHeader& header);

/// Bytes of the cells of one frame; 1-bit cells are packed, eight to a byte. Throws Error(unreadable) for a format that no frame has.
std::size_t frame_bytes(const FrameFormat& format);
/// Throws Error(unreadable) unless the stream's size and samples are those declared and its depth fits the declared cells.
void require_agreement(const FrameFormat& declared, std::int64_t rows, std::int64_t columns, std::int64_t samples, int precision);
/// The declared format; bits_stored and high_bit follow a codestream of higher precision.
FrameFormat format_of(const FrameFormat& declared, int precision);

/// Puts samples of `precision` bits, held in T, into the frame's cells from cell `first` on, `step` cells apart: the bit pattern is kept
/// and extended by its sign when the frame is signed.
template <class T>
void put_samples(Frame& frame, std::span<const T> samples, int precision, std::size_t first = 0, std::size_t step = 1);
/// The samples of a frame as bit patterns of `bits_stored` bits. Throws Error(not_possible) when a cell holds more.
std::vector<std::uint16_t> patterns_of(const Frame& frame);

/// Sign-extends each cell from `high_bit` in place; nothing to do for unsigned frames.
void extend_sign(Frame& frame);

}  // namespace gantry::codec
