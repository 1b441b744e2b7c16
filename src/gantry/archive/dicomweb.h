// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <chrono>
#include <mutex>

#include "gantry/archive/rest.h"

namespace gantry::archive {

/// DICOMweb (PS3.18) at /dicom-web over the archive. QIDO-RS: studies, series, instances at every level, paging, wildcards, ranges.
/// WADO-RS: studies, series and instances, metadata, bulk data, frames as they are stored (or decoded where the client asks for native
/// pixels), rendered pictures and thumbnails. STOW-RS: DICOM files in multipart/related, one after the other, each streamed to the archive.
void add_dicomweb_routes(Router& router, const Services& services);

/// Notes in the audit log that a user looked at a study: once in ten minutes for each.
class AccessLog {
 public:
  explicit AccessLog(Audit* audit) : audit_(audit) {}
  void note(const Request& request, const std::string& study_uid);

 private:
  Audit* audit_;
  std::mutex mutex_;
  std::map<std::string, std::chrono::steady_clock::time_point> noted_;
};

/// The rooted address of a study, series or instance.
std::string dicomweb_address(std::string_view study, std::string_view series = {}, std::string_view instance = {});

/// Appends what `to_json` gives as text, without building it: lists of hundreds of studies are made of this.
void append_dicom_json(std::string& out, const Attributes& attributes);

/// The data set in the DICOM JSON Model (PS3.18 F) with all attributes: short binary values inline, longer ones and pixels as BulkDataURI
/// below the instance's address.
Json metadata_of(const dicom::Header::Data& header, const InstanceRecord& record);
/// The binary value behind "TAG" or "TAG/INDEX/TAG...", as metadata_of names it. Error(not_found).
Response bulk_data(const std::shared_ptr<const dicom::Header::Data>& header, const std::string& place);

/// Where each frame of an object lies, or what it decodes to.
class FrameSource {
 public:
  /// Error(not_possible) for an object without pixels, Error(unreadable) for pixels that are cut off.
  FrameSource(std::shared_ptr<const dicom::Header::Data> header, Path file);

  std::int64_t count() const { return static_cast<std::int64_t>(frames_.size()); }
  const std::string& transfer_syntax() const { return header_->transfer_syntax; }
  /// The pixels are little-endian cells as they are.
  bool native() const { return native_; }
  /// The stored stream of a frame (from 0).
  std::vector<FileRange> stored(std::int64_t frame) const;
  /// The frame as native little-endian cells, decoded where it must be.
  std::string decoded(std::int64_t frame) const;
  /// The frame as an 8-bit picture of one (grey) or three (RGB) samples a pixel, by the window of the query
  /// (`window=CENTRE,WIDTH,FUNCTION`), of the header or of the values, at most as large as `viewport=WIDTH,HEIGHT` (or `most` pixels a
  /// side, 0 = any).
  struct Picture {
    int width = 0, height = 0, samples = 1;
    std::vector<std::uint8_t> pixels;
  };
  Picture rendered(std::int64_t frame, const Fields& query, int most) const;

 private:
  std::shared_ptr<const dicom::Header::Data> header_;
  Path file_;
  bool native_ = false, encapsulated_ = false;
  std::uint64_t frame_bits_ = 0;
  std::vector<std::vector<FileRange>> frames_;
};

/// The media type of a stream of this transfer syntax: image/jls, image/jp2, ...; application/octet-stream for native pixels.
std::string media_type_of_syntax(std::string_view transfer_syntax);

/// The routes by service.
void add_query_routes(Router& router, const Services& services);
void add_retrieve_routes(Router& router, const Services& services, const std::shared_ptr<AccessLog>& access);
void add_store_routes(Router& router, const Services& services);

}  // namespace gantry::archive
