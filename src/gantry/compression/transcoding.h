// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gantry/codec/codec.h"
#include "gantry/dicom/data_set.h"

namespace gantry::compression {

/// A DICOM object whose pixels are about to be coded otherwise.
struct OpenedObject {
  std::shared_ptr<const dicom::Header::Data> header;
  codec::FrameFormat format;
  std::vector<Bytes> frames;  ///< cells as codec::Frame has them
};

/// Reads an object and its frames. Throws Error(not_possible), which says why, for objects that cannot be coded without loss: no pixels,
/// floating-point or 1-bit cells, YBR colour, pixels that were coded with loss before, or that are coded so already; Error(unreadable)
/// for damage.
OpenedObject open_object(std::shared_ptr<const Bytes> bytes, const std::string& transfer_syntax_uid, Run& run);

/// The frame as the transfer syntax codes it, decoded again and compared bit for bit: Error(not_possible) when it does not come back.
Bytes coded_frame(const OpenedObject& object, std::size_t frame, const std::string& transfer_syntax_uid);

/// The same object in the given transfer syntax with these streams, one a frame. All elements stay but those that tell of the coding
/// (photometric interpretation, planar configuration, offset tables, group lengths); value representations become explicit.
Bytes object_with(const OpenedObject& object, const std::vector<Bytes>& streams, const std::string& transfer_syntax_uid);

}  // namespace gantry::compression
