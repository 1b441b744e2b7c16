// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/codec/codec.h"

#include "gantry/base/error.h"
#include "gantry/codec/colour.h"
#include "gantry/codec/decoders.h"

namespace gantry::codec {

namespace {

struct Coding {
  std::string_view uid;  ///< behind 1.2.840.10008.1.2
  Frame (*decode)(std::span<const std::byte> stream, const FrameFormat& declared);
  Bytes (*encode)(const Frame& frame);  ///< null: only decoded
  std::string_view encoded_colour;      ///< photometric interpretation that `encode` gives to RGB
};
constexpr std::array<Coding, 13> codings{{{".5", decode_rle, encode_rle, "RGB"},
                                          {".8.1", decode_deflated, encode_deflated, "RGB"},
                                          {".4.50", decode_jpeg, encode_jpeg_baseline, "YBR_FULL_422"},
                                          {".4.51", decode_jpeg, nullptr, ""},
                                          {".4.57", decode_jpeg, encode_jpeg_lossless, "RGB"},
                                          {".4.70", decode_jpeg, encode_jpeg_lossless, "RGB"},
                                          {".4.80", decode_jpeg_ls, encode_jpeg_ls, "RGB"},
                                          {".4.81", decode_jpeg_ls, encode_jpeg_ls, "RGB"},
                                          {".4.90", decode_jpeg_2000, encode_jpeg_2000, "YBR_RCT"},
                                          {".4.91", decode_jpeg_2000, encode_jpeg_2000, "YBR_RCT"},
                                          {".4.201", decode_htj2k, encode_htj2k, "YBR_RCT"},
                                          {".4.202", decode_htj2k, nullptr, ""},
                                          {".4.203", decode_htj2k, encode_htj2k, "YBR_RCT"}}};

const Coding* coding_of(std::string_view uid) {
  constexpr std::string_view root = "1.2.840.10008.1.2";
  if (!uid.starts_with(root)) return nullptr;
  uid.remove_prefix(root.size());
  const auto* row = std::ranges::find(codings, uid, &Coding::uid);
  return row == codings.end() ? nullptr : row;
}

}  // namespace

bool can_decode(std::string_view transfer_syntax_uid) { return coding_of(transfer_syntax_uid) != nullptr; }

bool can_encode(std::string_view transfer_syntax_uid) {
  const Coding* coding = coding_of(transfer_syntax_uid);
  return coding && coding->encode;
}

std::string encoded_photometric_interpretation(std::string_view transfer_syntax_uid, const FrameFormat& format) {
  const Coding* coding = coding_of(transfer_syntax_uid);
  if (!coding || !coding->encode || format.photometric_interpretation != "RGB") return format.photometric_interpretation;
  return std::string(coding->encoded_colour);
}

void prepare_decoders() {
  prepare_jpeg_ijg();
  prepare_htj2k();
}

Frame decode(std::string_view transfer_syntax_uid, std::span<const std::byte> stream, const FrameFormat& declared) {
  const Coding* coding = coding_of(transfer_syntax_uid);
  if (!coding) throw Error(ErrorCode::unreadable, fmt::format("transfer syntax {}: is not decoded", transfer_syntax_uid));
  try {
    Frame frame = coding->decode(stream, declared);
    convert_to_rgb(frame);
    return frame;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "memory: decoding needs more than there is");
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::unreadable, fmt::format("codestream: {}", error.what()));
  }
}

Bytes encode(std::string_view transfer_syntax_uid, const Frame& frame) {
  const Coding* coding = coding_of(transfer_syntax_uid);
  if (!coding || !coding->encode)
    throw Error(ErrorCode::not_possible, fmt::format("transfer syntax {}: is not encoded", transfer_syntax_uid));
  try {
    const std::size_t needed = frame_bytes(frame.format);
    if (frame.pixels.size() != needed)
      throw Error(ErrorCode::unreadable, fmt::format("frame: must have {} bytes; has {}", needed, frame.pixels.size()));
  } catch (const Error& error) {
    throw Error(ErrorCode::not_possible, error.message());
  }
  return coding->encode(frame);
}

}  // namespace gantry::codec
