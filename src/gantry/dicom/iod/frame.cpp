// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/iod/frame.h"

#include "gantry/base/error.h"

namespace gantry::dicom {

bool is_native(std::string_view transfer_syntax_uid) {
  return transfer_syntax_uid == "1.2.840.10008.1.2.1" || transfer_syntax_uid == "1.2.840.10008.1.2" ||
         transfer_syntax_uid == "1.2.840.10008.1.2.1.99";
}

void set_frame(Draft& object, codec::Frame frame, std::string_view transfer_syntax_uid) {
  const codec::FrameFormat& format = frame.format;
  object.set("SamplesPerPixel", format.samples_per_pixel);
  object.set("PhotometricInterpretation", format.photometric_interpretation);
  if (format.samples_per_pixel > 1) object.set("PlanarConfiguration", 0);
  object.set("Rows", format.rows);
  object.set("Columns", format.columns);
  object.set("BitsAllocated", format.bits_allocated);
  object.set("BitsStored", format.bits_stored);
  object.set("HighBit", format.high_bit);
  object.set("PixelRepresentation", format.is_signed ? 1 : 0);
  if (is_native(transfer_syntax_uid)) {
    object.set_pixels(std::move(frame.pixels), format.bits_allocated);
    return;
  }
  if (!codec::can_encode(transfer_syntax_uid))
    throw Error(ErrorCode::not_possible, fmt::format("transfer syntax: must be one that can be written; got {}", transfer_syntax_uid));
  object.set("PhotometricInterpretation", codec::encoded_photometric_interpretation(transfer_syntax_uid, format));
  std::vector<Bytes> fragments;
  fragments.push_back(codec::encode(transfer_syntax_uid, frame));
  if (transfer_syntax_uid == "1.2.840.10008.1.2.4.50") {
    const double ratio = static_cast<double>(frame.pixels.size()) / static_cast<double>(std::max<std::size_t>(1, fragments[0].size()));
    object.set("LossyImageCompression", "01");
    object.set("LossyImageCompressionRatio", ratio);
    object.set("LossyImageCompressionMethod", "ISO_10918_1");
  }
  object.set_encapsulated_pixels(std::move(fragments));
}

}  // namespace gantry::dicom
