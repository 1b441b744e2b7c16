// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <charls/charls.h>

#include <cstring>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"

namespace gantry::codec {

namespace {

/// Samples of T from CharLS into cells; planes are interleaved.
template <class T>
void put_decoded(Frame& frame, const std::vector<T>& samples, int precision, bool planar) {
  const auto components = static_cast<std::size_t>(frame.format.samples_per_pixel);
  if (!planar || components == 1) return put_samples(frame, std::span<const T>(samples), precision);
  const std::size_t pixels = samples.size() / components;
  for (std::size_t c = 0; c < components; ++c)
    put_samples(frame, std::span<const T>(samples).subspan(c * pixels, pixels), precision, c, components);
}

template <class T>
void decode_into(Frame& frame, const charls::jpegls_decoder& decoder) {
  std::vector<T> samples(decoder.destination_size() / sizeof(T));
  decoder.decode(samples);
  put_decoded(frame, samples, decoder.frame_info().bits_per_sample, decoder.interleave_mode() == charls::interleave_mode::none);
}

/// Throws CharLS's own errors.
Frame decode_strictly(std::span<const std::byte> stream, const FrameFormat& declared) {
  charls::jpegls_decoder decoder;
  decoder.source(stream.data(), stream.size());
  decoder.read_header();
  const charls::frame_info info = decoder.frame_info();
  require_agreement(declared, info.height, info.width, info.component_count, info.bits_per_sample);
  Frame frame{format_of(declared, info.bits_per_sample), {}};
  frame.pixels.resize(frame_bytes(frame.format));
  if (info.bits_per_sample <= 8) {
    decode_into<std::uint8_t>(frame, decoder);
  } else {
    decode_into<std::uint16_t>(frame, decoder);
  }
  return frame;
}

/// The stream without one zero byte between its scan and its end marker, which some old encoders leave and CharLS refuses; empty when
/// there is none.
Bytes without_zero_before_end(std::span<const std::byte> stream) {
  const std::size_t size = stream.size();
  if (size < 3 || stream[size - 3] != std::byte{0}) return {};
  Bytes repaired(stream.begin(), stream.end());
  repaired.erase(repaired.end() - 3);
  return repaired;
}

}  // namespace

Frame decode_jpeg_ls(std::span<const std::byte> stream, const FrameFormat& declared) {
  frame_bytes(declared);
  // CharLS counts zeros behind a truncated scan for most of a minute before it gives up: the end marker is looked for first.
  std::size_t end = stream.size();
  while (end > 0 && stream[end - 1] == std::byte{0}) --end;
  if (end > 2 && stream[end - 1] == std::byte{0xff} && stream[end - 2] == std::byte{0xd9}) --end;  // padded with a fill byte
  if (end < 2 || stream[end - 1] != std::byte{0xd9} || stream[end - 2] != std::byte{0xff})
    throw Error(ErrorCode::unreadable, "JPEG-LS: is truncated: it does not end with an end marker");
  try {
    return decode_strictly(stream, declared);
  } catch (const charls::jpegls_error& error) {
    if (const Bytes repaired = without_zero_before_end(stream.first(end)); !repaired.empty()) {
      try {
        return decode_strictly(repaired, declared);
      } catch (const charls::jpegls_error&) {
        // The first error says more.
      }
    }
    throw Error(ErrorCode::unreadable, fmt::format("JPEG-LS: {}", error.what()));
  }
}

Bytes encode_jpeg_ls(const Frame& frame) {
  const FrameFormat& format = frame.format;
  if (format.bits_allocated > 16 || format.bits_stored < 2) throw Error(ErrorCode::not_possible, "JPEG-LS: needs samples of 2 to 16 bits");
  const std::vector<std::uint16_t> patterns = patterns_of(frame);
  try {
    charls::jpegls_encoder encoder;
    encoder.frame_info({static_cast<std::uint32_t>(format.columns), static_cast<std::uint32_t>(format.rows), format.bits_stored,
                        format.samples_per_pixel});
    if (format.samples_per_pixel > 1) encoder.interleave_mode(charls::interleave_mode::sample);
    Bytes stream(encoder.estimated_destination_size() + 1024);
    encoder.destination(stream.data(), stream.size());
    if (format.bits_stored <= 8) {
      std::vector<std::uint8_t> narrow(patterns.begin(), patterns.end());
      stream.resize(encoder.encode(narrow.data(), narrow.size()));
    } else {
      stream.resize(encoder.encode(patterns.data(), patterns.size() * sizeof(std::uint16_t)));
    }
    if (stream.size() % 2 != 0) stream.push_back(std::byte{0});
    return stream;
  } catch (const charls::jpegls_error& error) {
    throw Error(ErrorCode::not_possible, fmt::format("JPEG-LS: {}", error.what()));
  }
}

}  // namespace gantry::codec
