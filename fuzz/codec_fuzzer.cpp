// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
/// Our own code of the codecs: run lengths, deflated frames, JPEG headers, colour. The other libraries' decoders run in a sandbox because
/// they do crash.
#include "gantry/base/error.h"
#include "gantry/codec/colour.h"
#include "gantry/codec/decoders.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gantry::codec;
  if (size < 6) return 0;
  constexpr std::array<int, 6> bits{1, 8, 16, 32, 64, 12};
  FrameFormat format{data[0], data[1], data[2] & 7, bits[data[3] % 6], data[4], 0, (data[3] & 64) != 0, "MONOCHROME2"};
  format.high_bit = format.bits_stored - 1;
  if (data[5] & 4) format.photometric_interpretation = data[5] & 8 ? "YBR_FULL_422" : data[5] & 16 ? "YBR_RCT" : "YBR_FULL";
  const std::span stream(reinterpret_cast<const std::byte*>(data + 6), size - 6);
  try {
    if ((data[5] & 3) == 2) {
      parse_jpeg_header(stream);
      return 0;
    }
    Frame frame = (data[5] & 3) == 0 ? decode_rle(stream, format) : decode_deflated(stream, format);
    convert_to_rgb(frame);
    decode_rle(encode_rle(frame), frame.format);
  } catch (const gantry::Error&) {
  }
  return 0;
}
