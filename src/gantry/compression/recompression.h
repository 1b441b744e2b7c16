// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/dicom_port.h"

namespace gantry {

/// Codings of pixels that lose nothing.
enum class LosslessCoding { jpeg_ls, jpeg_2000, htj2k };
constexpr std::array<std::pair<LosslessCoding, std::string_view>, 3> choices_of(LosslessCoding) {
  return {{{LosslessCoding::jpeg_ls, "jpeg_ls"}, {LosslessCoding::jpeg_2000, "jpeg_2000"}, {LosslessCoding::htj2k, "htj2k"}}};
}

/// Codes the pixels of DICOM objects without loss: each frame is decoded again and compared bit for bit before it takes the place of the
/// former one; all other elements stay. Objects that cannot be coded so are kept as they are, with the reason. Memory: the objects, their
/// new form, and the pixels of 16 objects. Reference page: compression.recompress.
struct Recompression {
  LosslessCoding coding = LosslessCoding::jpeg_ls;
  bool smaller_only = true;  ///< keep objects that would grow

  struct Result {
    DicomFiles recompressed;
    /// {"transfer_syntax", "objects", "recompressed", "frames", "bytes_before", "bytes_after", "saved_bytes", "pixel_bytes",
    /// "coded_bytes", "ratio" (of these two; null when nothing was coded), "kept": [{"file", "reason"}]}
    Json report;
  };
  Result operator()(const DicomFiles& objects, Run& run) const;
  Cost cost(const DicomFiles& objects) const;
  static void describe(Description<Recompression>& d);
};

}  // namespace gantry
