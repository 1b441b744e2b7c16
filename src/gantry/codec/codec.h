// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "gantry/base/files.h"
#include "gantry/base/run.h"

namespace gantry::codec {

/// The Image Pixel module's description of one frame (PS3.3 C.7.6.3).
struct FrameFormat {
  int rows = 0, columns = 0;
  int samples_per_pixel = 1;
  int bits_allocated = 16, bits_stored = 16, high_bit = 15;
  bool is_signed = false;
  std::string photometric_interpretation = "MONOCHROME2";
};

/// A decoded frame: little-endian pixel cells, samples of a pixel side by side (planar configuration 0); cells of a signed frame are
/// extended by their sign, 1-bit cells are packed, eight to a byte, first pixel in the lowest bit. `format` describes what was decoded;
/// colour is RGB (YBR was converted), PALETTE COLOR stays as indices.
struct Frame {
  FrameFormat format;
  Bytes pixels;
};

/// True for RLE, JPEG baseline/extended/lossless (.50 .51 .57 .70), JPEG-LS (.80 .81), JPEG 2000 (.90 .91), HTJ2K (.201 .202 .203), and
/// deflated frames (.8.1).
bool can_decode(std::string_view transfer_syntax_uid);
/// True for RLE, deflated frames, JPEG baseline (.50, 8 bits, quality 92), JPEG lossless (.57 .70), JPEG-LS, JPEG 2000 and HTJ2K (all
/// of these without loss, also under the UIDs that permit loss).
bool can_encode(std::string_view transfer_syntax_uid);

/// Decodes one frame's stream in this process: for streams that Gantry made itself. Throws Error(unreadable). Checks that the codestream's
/// size, samples and depth agree with `declared` (a deeper codestream than stated is kept and said in format.bits_stored).
Frame decode(std::string_view transfer_syntax_uid, std::span<const std::byte> stream, const FrameFormat& declared);

/// Encodes native pixel cells (as in Frame) as one frame's stream. Lossless where the transfer syntax allows. Throws Error(not_possible).
Bytes encode(std::string_view transfer_syntax_uid, const Frame& frame);

/// The photometric interpretation to state for what `encode` makes of such a frame: RGB becomes YBR_FULL_422 or YBR_RCT in some codings.
std::string encoded_photometric_interpretation(std::string_view transfer_syntax_uid, const FrameFormat& format);

/// Decodes many untrusted frames in `gantry-decode` worker processes (rlimits, seccomp, a timeout, shared memory): a crash or hang there is
/// an Error(unreadable) with a reason here. `decoded(n, frame)` is called for each stream, from one thread at a time, in any order. Uses
/// run.threads() workers; falls back to this process with a warning when the program `gantry-decode` is not found.
void decode_untrusted(std::string_view transfer_syntax_uid, std::span<const std::span<const std::byte>> streams,
                      const FrameFormat& declared, const std::function<void(std::size_t, Frame&&)>& decoded, Run& run);

}  // namespace gantry::codec
