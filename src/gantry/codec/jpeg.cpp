// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <turbojpeg.h>

#include <cstring>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"

namespace gantry::codec {

namespace {

using Handle = std::unique_ptr<void, int (*)(tjhandle)>;

Handle open_decoder() {
  Handle handle(tjInitDecompress(), tjDestroy);
  if (!handle) throw Error(ErrorCode::out_of_memory, "memory: a JPEG decoder needs more");
  return handle;
}

/// Warnings (damaged entropy data that was skipped over) are errors here: pixels that were made up must not pass as read.
void require_success(const Handle& handle, int result) {
  if (result != 0) throw Error(ErrorCode::unreadable, fmt::format("JPEG: {}", tjGetErrorStr2(handle.get())));
}

/// Three planes at full resolution, interleaved as they are: for streams that hold RGB without saying so.
void decode_planes(const Handle& handle, std::span<const std::byte> stream, const JpegHeader& header, std::span<std::uint8_t> samples) {
  const std::size_t pixels = samples.size() / 3;
  std::vector<std::uint8_t> planes(samples.size());
  std::array<unsigned char*, 3> starts{planes.data(), planes.data() + pixels, planes.data() + 2 * pixels};
  require_success(handle, tjDecompressToYUVPlanes(handle.get(), reinterpret_cast<const unsigned char*>(stream.data()), stream.size(),
                                                  starts.data(), header.columns, nullptr, header.rows, TJFLAG_ACCURATEDCT));
  for (std::size_t n = 0; n < pixels; ++n) {
    for (std::size_t c = 0; c < 3; ++c) samples[3 * n + c] = starts[c][n];
  }
}

}  // namespace

JpegHeader parse_jpeg_header(std::span<const std::byte> stream) {
  const auto octet = [&](std::size_t at) { return std::to_integer<int>(stream[at]); };
  const auto number = [&](std::size_t at) { return octet(at) << 8 | octet(at + 1); };
  const auto fail = [](std::string_view what) { throw Error(ErrorCode::unreadable, fmt::format("JPEG: {}", what)); };
  if (stream.size() < 4 || octet(0) != 0xff || octet(1) != 0xd8) fail("must begin with a start marker");
  JpegHeader header;
  bool jfif = false;
  int adobe = -1;
  std::size_t at = 2;
  for (;;) {
    while (at < stream.size() && octet(at) != 0xff) ++at;  // garbage between segments
    while (at < stream.size() && octet(at) == 0xff) ++at;  // fill bytes
    if (at >= stream.size()) fail("has no frame header");
    const int marker = octet(at++);
    if (marker == 0 || marker == 1 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    if (marker == 0xd9 || marker == 0xda) fail("has no frame header");
    if (at + 2 > stream.size()) fail("is truncated");
    const std::size_t length = static_cast<std::size_t>(number(at));
    if (length < 2 || at + length > stream.size()) fail("is truncated");
    const auto text_at = [&](std::size_t offset, std::string_view text) {
      return length >= offset + text.size() && std::memcmp(stream.data() + at + offset, text.data(), text.size()) == 0;
    };
    if (marker == 0xe0 && text_at(2, std::string_view("JFIF\0", 5))) jfif = true;
    if (marker == 0xee && length >= 14 && text_at(2, "Adobe")) adobe = octet(at + 13);
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (!frame) {
      at += length;
      continue;
    }
    if (length < 8) fail("has a short frame header");
    header.process = marker - 0xc0;
    header.precision = octet(at + 2);
    header.rows = number(at + 3);
    header.columns = number(at + 5);
    header.components = octet(at + 7);
    if (length < 8 + 3 * static_cast<std::size_t>(header.components)) fail("has a short frame header");
    std::array<int, 4> names{};
    for (int c = 0; c < header.components; ++c) {
      const std::size_t row = at + 8 + 3 * static_cast<std::size_t>(c);
      if (c < 4) names[static_cast<std::size_t>(c)] = octet(row);
      header.subsampled = header.subsampled || octet(row + 1) != octet(at + 9);
    }
    using Colour = JpegHeader::Colour;
    if (adobe >= 0) {
      header.colour = adobe == 0 ? Colour::rgb : Colour::ybr;
    } else if (jfif) {
      header.colour = Colour::ybr;
    } else if (names[0] == 'R' && names[1] == 'G' && names[2] == 'B') {
      header.colour = Colour::rgb;
    }
    return header;
  }
}

Frame decode_jpeg(std::span<const std::byte> stream, const FrameFormat& declared) {
  frame_bytes(declared);
  const JpegHeader header = parse_jpeg_header(stream);
  require_agreement(declared, header.rows, header.columns, header.components, header.precision);
  if (header.process > 3) throw Error(ErrorCode::unreadable, fmt::format("JPEG: process SOF{} is not supported", header.process));
  Frame frame{format_of(declared, header.precision), {}};
  frame.pixels.resize(frame_bytes(frame.format));
  const std::size_t count = frame.pixels.size() / (static_cast<std::size_t>(declared.bits_allocated) / 8);

  if (header.process == 3 || header.precision != 8) {
    const Bytes decoded = decode_jpeg_ijg(stream, header);
    if (header.precision <= 8 && header.process == 3) {
      put_samples(frame, std::span(reinterpret_cast<const std::uint8_t*>(decoded.data()), count), header.precision);
    } else {
      std::vector<std::uint16_t> samples(count);
      std::memcpy(samples.data(), decoded.data(), 2 * count);
      put_samples(frame, std::span<const std::uint16_t>(samples), header.precision);
    }
    // A lossless or 12-bit stream keeps its colours; what it says beats what the header says.
    if (header.components == 3 && header.colour == JpegHeader::Colour::rgb && header.process != 3)
      frame.format.photometric_interpretation = "RGB";
    return frame;
  }

  if (header.components != 1 && header.components != 3)
    throw Error(ErrorCode::unreadable, fmt::format("JPEG: must have 1 or 3 components; has {}", header.components));
  const Handle handle = open_decoder();
  std::vector<std::uint8_t> samples(count);
  const bool as_rgb = header.components == 3 && header.colour == JpegHeader::Colour::unstated &&
                      declared.photometric_interpretation == "RGB" && !header.subsampled;
  if (as_rgb) {
    decode_planes(handle, stream, header, samples);
  } else {
    require_success(handle,
                    tjDecompress2(handle.get(), reinterpret_cast<const unsigned char*>(stream.data()), stream.size(), samples.data(),
                                  header.columns, 0, header.rows, header.components == 1 ? TJPF_GRAY : TJPF_RGB, TJFLAG_ACCURATEDCT));
  }
  if (header.components == 3) frame.format.photometric_interpretation = "RGB";
  put_samples(frame, std::span<const std::uint8_t>(samples), 8);
  return frame;
}

Bytes encode_jpeg_baseline(const Frame& frame) {
  const FrameFormat& format = frame.format;
  if (format.bits_allocated != 8 || (format.samples_per_pixel != 1 && format.samples_per_pixel != 3))
    throw Error(ErrorCode::not_possible, "JPEG baseline: needs 8-bit cells, grey or RGB");
  constexpr int quality = 92;
  const bool grey = format.samples_per_pixel == 1;
  const Handle handle(tjInitCompress(), tjDestroy);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  const int result = tjCompress2(handle.get(), reinterpret_cast<const unsigned char*>(frame.pixels.data()), format.columns, 0, format.rows,
                                 grey ? TJPF_GRAY : TJPF_RGB, &memory, &size, grey ? TJSAMP_GRAY : TJSAMP_422, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(memory, tjFree);
  if (result != 0) throw Error(ErrorCode::not_possible, fmt::format("JPEG: {}", tjGetErrorStr2(handle.get())));
  const auto* begin = reinterpret_cast<const std::byte*>(memory);
  Bytes stream(begin, begin + size);
  if (stream.size() % 2 != 0) stream.push_back(std::byte{0});
  return stream;
}

}  // namespace gantry::codec
