// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry::dicom {

/// Attributes of a DICOM data set, by keyword ("PatientSex", "KVP"; nested:
/// "RadiopharmaceuticalInformationSequence[0].RadionuclideHalfLife"; private or unnamed: "(0009,100D)"). Values are UTF-8. For an enhanced
/// multi-frame object the shared and first per-frame functional groups are searched too. Cheap to copy. Absent or unreadable is no error:
/// nullopt.
class Header {
 public:
  struct Data;
  Header() = default;
  explicit Header(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  bool empty() const { return !data_; }
  std::optional<std::string> text(std::string_view keyword) const;  ///< multiple values joined by backslash
  std::optional<double> number(std::string_view keyword) const;     ///< first value
  std::vector<double> numbers(std::string_view keyword) const;
  /// The data set in the DICOM JSON Model (PS3.18 F), without pixel data and bulk data.
  Json to_json() const;
  const Data* data() const { return data_.get(); }

 private:
  std::shared_ptr<const Data> data_;
};

/// One frame of one file that takes part in a series.
struct Instance {
  Path path;
  std::string sop_class_uid;
  std::string sop_instance_uid;
  std::string transfer_syntax_uid;
  int frame = 0;     ///< 0-based within the file
  Vec3 position_mm;  ///< ImagePositionPatient
  Header header;     ///< of this instance (shared between frames of a file)
  /// Modality value = stored x slope + intercept, of this frame. On Philips MR these are the "precise" ones, which make series comparable
  /// (1 / Scale Slope (2005,100E), as dcm2niix does); Rescale Slope there only serves display.
  double slope = 1.0, intercept = 0.0;
  int tile = -1;          ///< Siemens mosaic: index of the tile that is this slice (the frame holds all); -1 = none
  int tiles_per_row = 0;  ///< Siemens mosaic: the tiles form a square of this side
};

/// A set of instances that form one volume (or one set of plain images), in order of increasing k, then time: slice k of time t is
/// instances[t * slices + k]. One DICOM series gives several of these when its images differ in orientation, size, echo time, image type or
/// b-value.
struct Series {
  std::string study_uid, series_uid, frame_of_reference_uid;
  std::string modality, description;
  int number = 0;
  Header header;  ///< of the first instance
  std::vector<Instance> instances;
  Grid grid;                          ///< of the volume that `load` gives
  bool is_volume = false;             ///< at least two parallel slices, or a multi-frame with geometry
  std::int64_t frames = 1;            ///< time points (mosaics, cine, dynamic)
  std::vector<std::string> warnings;  ///< what was corrected: missing, duplicate, tilted, unevenly spaced slices
  std::string reason;                 ///< why it cannot be used as an image; empty = readable
};

/// The series of one examination.
struct Study {
  std::string study_uid;
  Header header;
  std::vector<Series> series;  ///< by series number, then UID
};

/// What became of each file that was met.
struct FileEntry {
  Path path;
  bool readable = false;
  std::string reason;           ///< why not, or what is wrong with it although it parses
  std::string kind;             ///< "CT image", "DICOMDIR", "NIfTI", ...
  std::string transfer_syntax;  ///< UID, empty for other than DICOM
};

/// Everything that was found.
struct Input {
  std::vector<Study> studies;
  std::vector<FileEntry> files;  ///< by path
};

/// Reads files, folders (recursively), DICOMDIRs and zip archives of DICOM; sorts into studies, series and volumes by geometry, not by
/// name. Never throws for a bad file: its entry says why. Pixel data are not decoded.
Input read_dicom(std::span<const Path> paths, Run& run);

/// The voxels of a series in modality units (HU for CT, Bq/mL or as stored x slope for PET): an integer type where that is exact (one
/// slope 1 and whole intercept; u8 for 8-bit images, else i16 or u16, 32 bit where the file has it), f32 otherwise (f64 for double pixel
/// data); RGB u8 (u16 above 8 bits) with 3 components for colour and palettes. `stored` leaves rescale and palette out. Undecodable frames
/// throw Error(unreadable), missing pixels too.
Image load(const Series& series, Run& run, bool stored = false);

}  // namespace gantry::dicom
