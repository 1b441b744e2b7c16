// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "gantry/codec/codec.h"

/// What Gantry and its `gantry-decode` workers say to each other: fixed-size packets over a socket (descriptor 3 of the worker), pixels
/// through shared memory (descriptor 4). Each side treats the other's packets as hostile.
namespace gantry::codec::worker {

inline constexpr int socket_descriptor = 3, memory_descriptor = 4;
inline constexpr std::uint32_t protocol = 0x474e4401;

/// Text in a packet: cut to fit and always terminated.
template <std::size_t N>
struct PacketText {
  std::array<char, N> octets{};
  void set(std::string_view text) {
    octets.fill('\0');
    std::copy_n(text.begin(), std::min(text.size(), N - 1), octets.begin());
  }
  std::string_view view() const { return {octets.data(), ::strnlen(octets.data(), N)}; }
};

/// FrameFormat with a fixed size.
struct PacketFormat {
  std::int32_t rows, columns, samples_per_pixel, bits_allocated, bits_stored, high_bit, is_signed;
  PacketText<32> photometric_interpretation;

  void set(const FrameFormat& format) {
    rows = format.rows;
    columns = format.columns;
    samples_per_pixel = format.samples_per_pixel;
    bits_allocated = format.bits_allocated;
    bits_stored = format.bits_stored;
    high_bit = format.high_bit;
    is_signed = format.is_signed ? 1 : 0;
    photometric_interpretation.set(format.photometric_interpretation);
  }
  FrameFormat format() const {
    return {rows,        columns,  samples_per_pixel, bits_allocated,
            bits_stored, high_bit, is_signed != 0,    std::string(photometric_interpretation.view())};
  }
};

/// The worker's first packet.
struct Hello {
  std::uint32_t protocol;
  std::uint32_t sandboxed;  ///< 1: the system call filter is in force
};

/// What a worker is asked to decode.
struct Request {
  std::uint64_t memory_size;    ///< of the shared memory, to be mapped anew when it grew
  std::uint64_t input_size;     ///< the stream lies at the beginning
  std::uint64_t output_offset;  ///< where the pixels belong
  std::uint64_t output_size;
  PacketText<72> transfer_syntax;
  PacketFormat declared;
};

/// What a worker answers.
struct Reply {
  std::uint32_t decoded;  ///< 1: the pixels are there, 0: `message` says why not
  std::uint64_t pixel_bytes;
  PacketFormat format;
  PacketText<256> message;
};

}  // namespace gantry::codec::worker
