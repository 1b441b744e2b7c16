// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gantry/dicom/study.h"
#include "gantry/image/finding.h"
#include "gantry/image/labels.h"

namespace gantry::dicom {

/// An attribute to write: keyword or path as in `Header`, and its value as text (multiple values by backslash).
struct Attribute {
  std::string keyword, value;
};

/// A new CT, MR or PET series out of a volume: one classic single-frame file a slice (0001.dcm ...).
struct ImageSeriesSpec {
  std::string modality;  ///< "CT", "MR" or "PT"
  Image image;           ///< modality units; stored as 16 bit with `slope` and `intercept`
  double slope = 1.0, intercept = 0.0;
  std::vector<Attribute> attributes;  ///< of all slices: patient, study, series, equipment, acquisition
  /// More attributes of slice k, also its own RescaleSlope (then stored = value / slope of that slice).
  std::function<std::vector<Attribute>(std::int64_t k)> slice_attributes;
  std::string transfer_syntax_uid = "1.2.840.10008.1.2.1";
  std::string uid_seed;  ///< UIDs are derived from this text: the same seed gives the same bytes
};
void write_image_series(const Path& folder, const ImageSeriesSpec& spec, Run& run);

/// A Segmentation (PS3.3 A.51), BINARY, one segment a label, frames only where it is not empty, referring to the source instances.
void write_segmentation(const Path& path, const Series& source, const Labels& labels, Run& run);

/// One group of measurements of a TID 1500 report: about one segment, or about the series when `segment` is empty.
struct MeasurementGroup {
  std::string segment;  ///< id of the table of structures
  std::string tracking_id;
  std::string segmentation_sop_instance_uid;  ///< of the SEG that holds it, empty when none
  int segment_number = 0;
  std::vector<Finding> findings;  ///< those with a value
};
/// A Comprehensive 3D SR with TID 1500 "Measurement Report".
void write_measurement_report(const Path& path, const Series& source, const std::vector<MeasurementGroup>& groups,
                              const std::string& language, Run& run);

/// A Secondary Capture (RGB) of a picture that belongs to `source`'s study.
void write_secondary_capture(const Path& path, const Series& source, const Image& rgb, const std::string& description, int instance_number,
                             Run& run);

/// UID that the writers above give to an object: derived from source, kind, version and content.
std::string object_uid(const Series& source, std::string_view kind, std::string_view content);

}  // namespace gantry::dicom
