// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/dicom/data_set.h"

namespace gantry::dicom {

/// Where the fragments of each frame lie in the source of an encapsulated object.
struct FrameFragments {
  struct Piece {
    std::uint64_t offset = 0, length = 0;
  };
  std::vector<Piece> pieces;
};

/// Assigns fragments to `frames` frames: by the extended offset table, the basic one, one fragment a frame, or by the codestreams' start
/// markers. A table that does not fit the fragments is passed over. Throws Error(unreadable) when frames cannot be told apart or are
/// missing.
std::vector<FrameFragments> locate_frames(const Header::Data& data, const Reader& reader, std::int64_t frames);

/// The joined fragments of one frame. Throws Error(unreadable) when the source ends too early.
Bytes read_fragments(const Reader& reader, const FrameFragments& frame);

}  // namespace gantry::dicom
