// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gantry/dicom/study.h"
#include "gantry/image/finding.h"
#include "gantry/image/labels.h"

namespace gantry::dicom {

/// An attribute to write: keyword or path as in `Header`, and its value as text (multiple values by backslash). Items of a sequence are
/// made as they are named, in order: "RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose". A private attribute needs its
/// creator before it: {"(7053,0010)", "Philips PET Private Group"}, {"(7053,1000)DS", "0.00042"}; without the value representation a
/// number is written as DS, words as LO.
struct Attribute {
  std::string keyword, value;
};
/// The attributes of a code sequence with one item: code_attributes("...[0].RadionuclideCodeSequence", {"SCT", "77004003", "18F"}).
std::vector<Attribute> code_attributes(const std::string& path, const Code& code);

/// A new CT, MR or PET series, or one of no modality (OT: secondary captures), out of a volume: one classic single-frame file a slice
/// (0001.dcm ...). What PS3.3 requires and the caller does not give is filled in: UIDs, geometry from the image's grid, window, bits,
/// rescale, empty type 2 attributes.
struct ImageSeriesSpec {
  std::string modality;  ///< "CT", "MR", "PT" or "OT"
  Image image;           ///< modality units; stored as 16 bit with `slope` and `intercept`; time frames follow each other
  double slope = 1.0,
         intercept = 0.0;             ///< value = stored x slope + intercept; slope 0: the finest that holds the range (PT: of each slice)
  std::vector<Attribute> attributes;  ///< of all slices: patient, study, series, equipment, acquisition
  /// More attributes of slice k, also its own RescaleSlope (then stored = value / slope of that slice).
  std::function<std::vector<Attribute>(std::int64_t k)> slice_attributes;
  std::string transfer_syntax_uid = "1.2.840.10008.1.2.1";  ///< a native one, or one that codec::can_encode
  std::string uid_seed;  ///< UIDs are derived from this text: the same seed gives the same bytes; empty: from the image and attributes
};
/// Writes the slices into `folder`, which is made when it is missing; values outside the stored range are saturated. Errors: parameter
/// (modality, keyword or value), not_possible (size, skewed rows and columns, transfer syntax), and those of writing files.
void write_image_series(const Path& folder, const ImageSeriesSpec& spec, Run& run);

/// Writes any image as a DICOM series into a new or empty folder, whole or not at all: `modality` CT, MR, PT or OT for one value a voxel;
/// 8-bit RGB becomes secondary captures. Whole numbers that fit 16 bits are kept exactly, other values are stored with the finest slope
/// that holds them (and a warning that says how fine). With a `source` the new series joins its study and keeps its patient, its frame of
/// reference and what it says of the acquisition; an empty `modality` is the source's: CT, MR and PT series stay such, images of any other
/// become secondary captures that still state it. UIDs follow from image and source. Errors:
/// refused (the folder holds something), parameter (modality, components), not_possible (size, transfer syntax).
void write_image_as_dicom(const Path& folder, const Image& image, const std::string& modality, const std::string& transfer_syntax_uid,
                          Run& run, const Series* source = nullptr);

/// The UID of a transfer syntax to write: a UID as it is, or explicit, implicit, deflated, rle, jpeg_lossless, jpeg_ls, jpeg_2000 or htj2k
/// (all without loss). Error(parameter) for another word.
std::string transfer_syntax_of(std::string_view name);

/// What other objects need to refer to a segmentation.
struct WrittenSegmentation {
  std::string sop_instance_uid;
  std::string series_instance_uid;
  std::map<int, int> segment_number;  ///< of each label value that has voxels
};
/// Into which of the series derived from the source an object goes: viewers show one segmentation of a series, so each has its own.
enum class SegmentationSeries { structures, lesions };
/// Label value -> values of other labels that belong to it too: a lung to which its nodules belong. Segments may then overlap.
using SegmentIncludes = std::map<int, std::vector<int>>;
/// What tells a version of a segmentation from the one that it was made of.
struct SegmentationVersion {
  std::string creator = "Gantry";              ///< Content Creator's Name
  std::string date, time;                      ///< of the content (DA and TM); empty: those of the source
  std::string predecessor;                     ///< SOP Instance UID of the version before, in the same series
  std::string algorithm_type = "AUTOMATIC";    ///< MANUAL and SEMIAUTOMATIC when a person drew
  std::string series_description, series_uid;  ///< of a series of its own; empty: that of the kind
};
/// Writes a Segmentation (PS3.3 A.51), BINARY, one segment a label that has voxels, frames only where it is not empty, referring to the
/// source instances. `labels` lie on the series' own grid. Errors: parameter (another grid, a series that is not from DICOM), not_possible
/// (no voxel at all, 4 GiB or more).
WrittenSegmentation write_segmentation(const Path& path, const Series& source, const Labels& labels, Run& run,
                                       const SegmentIncludes& includes = {}, SegmentationSeries series = SegmentationSeries::structures,
                                       const SegmentationVersion& edited = {});

/// One group of measurements of a TID 1500 report: about one segment, or about the series when `segment` is empty.
struct MeasurementGroup {
  std::string segment;  ///< id of the table of structures
  std::string tracking_id;
  std::string segmentation_sop_instance_uid;  ///< of the SEG that holds it, empty when none
  std::string segmentation_series_uid;        ///< of the same SEG
  int segment_number = 0;
  std::vector<Finding> findings;  ///< those with a value
};
/// Writes a Comprehensive 3D SR with TID 1500 "Measurement Report" and returns its SOP Instance UID: language, observer (the device),
/// procedure, image library (TID 1600), and a group of each element of `groups` (TID 1411 with its segment, else TID 1501) with finding,
/// site, numbers with UCUM units, their method and interval. A finding without a value is left out, unless it is a statement (a code, no
/// unit, no reason): that becomes an evaluation "present". A `reason` beside a value becomes a comment. `language` is "en" or "zh".
/// Errors: parameter (a series that is not from DICOM), and those of writing files.
std::string write_measurement_report(const Path& path, const Series& source, const std::vector<MeasurementGroup>& groups,
                                     const std::string& language, Run& run);

/// Writes a Secondary Capture of a picture (u8, 3 components, one plane) into the study of `source`, in a series of its own, and returns
/// its SOP Instance UID. Errors: parameter (another kind of image, a series that is not from DICOM), and those of writing files.
std::string write_secondary_capture(const Path& path, const Series& source, const Image& rgb, const std::string& description,
                                    int instance_number, Run& run);

/// UID that the writers above give to an object: derived from source, kind, version and content.
std::string object_uid(const Series& source, std::string_view kind, std::string_view content);

}  // namespace gantry::dicom
