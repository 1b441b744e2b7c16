// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <libdeflate.h>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"

/// Deflated Image Frame Compression (PS3.5 A.4.13): the native cells of a frame as one raw deflate stream.
namespace gantry::codec {

Frame decode_deflated(std::span<const std::byte> stream, const FrameFormat& declared) {
  const std::size_t size = frame_bytes(declared);
  if (size / 1032 > stream.size() + 1)
    throw Error(ErrorCode::unreadable, fmt::format("deflated frame: {} bytes cannot hold the declared {}", stream.size(), size));
  // A native frame of odd length may have been padded before it was compressed.
  Frame frame{declared, Bytes(size + 1)};
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> decompressor(libdeflate_alloc_decompressor(),
                                                                                                  libdeflate_free_decompressor);
  if (!decompressor) throw Error(ErrorCode::out_of_memory, "memory: decompression needs 64 KiB");
  std::size_t used = 0, produced = 0;
  const auto result = libdeflate_deflate_decompress_ex(decompressor.get(), stream.data(), stream.size(), frame.pixels.data(),
                                                       frame.pixels.size(), &used, &produced);
  if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
    throw Error(ErrorCode::unreadable, fmt::format("deflated frame: must hold the declared {} bytes; holds more", size));
  if (result != LIBDEFLATE_SUCCESS) throw Error(ErrorCode::unreadable, "deflated frame: is damaged");
  if (produced < size)
    throw Error(ErrorCode::unreadable, fmt::format("deflated frame: must hold the declared {} bytes; holds {}", size, produced));
  frame.pixels.resize(size);
  extend_sign(frame);
  return frame;
}

Bytes encode_deflated(const Frame& frame) {
  const std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> compressor(libdeflate_alloc_compressor(6),
                                                                                            libdeflate_free_compressor);
  if (!compressor) throw Error(ErrorCode::out_of_memory, "memory: compression needs 1 MiB");
  Bytes stream(libdeflate_deflate_compress_bound(compressor.get(), frame.pixels.size()));
  stream.resize(libdeflate_deflate_compress(compressor.get(), frame.pixels.data(), frame.pixels.size(), stream.data(), stream.size()));
  if (stream.size() % 2 != 0) stream.push_back(std::byte{0});
  return stream;
}

}  // namespace gantry::codec
