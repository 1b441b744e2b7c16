// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gantry/dicom/data_set.h"
#include "gantry/dicom/sop_classes.h"

namespace gantry::dicom {

/// What the assembly of series needs to know of one frame (or one tile of a mosaic).
struct FrameInfo {
  int frame = 0;  ///< 0-based within the file
  int tile = -1;
  int tiles_per_row = 0;
  int rows = 0, columns = 0;  ///< of the tile in a mosaic
  bool has_position = false;  ///< position and orientation are known
  Vec3 position_mm;           ///< centre of the first voxel
  Vec3 row_direction{1, 0, 0}, column_direction{0, 1, 0};
  double row_spacing_mm = 1, column_spacing_mm = 1;  ///< between rows (y), between columns (x)
  bool has_spacing = false;
  double slice_spacing_mm = 0;  ///< Spacing Between Slices or Slice Thickness, 0 = not stated
  double slope = 1, intercept = 0;
  std::string image_type;
  std::string stack;
  double echo_time_ms = -1, b_value = -1;
  std::int64_t echo_number = 0, temporal_index = 0, acquisition_number = 0, instance_number = 0;
  double time_s = 0;  ///< of the acquisition, for ordering only
};

/// One parsed DICOM object as the assembly sees it.
struct Object {
  std::shared_ptr<const Header::Data> data;
  SopClass sop;
  std::string sop_class_uid, sop_instance_uid, study_uid, series_uid, frame_of_reference_uid, modality, description;
  std::string photometric;
  int samples = 1;
  std::int64_t series_number = 0;
  std::vector<FrameInfo> frames;
  std::vector<std::string> warnings;
  bool derived_uid = false;   ///< a UID was missing and is a hash
  std::string pixel_problem;  ///< why the pixels cannot be read: missing, truncated, not decodable
};

/// Reads what a parsed header says about its frames: functional groups, vectors of NM and RT dose, Siemens mosaics. At most 100000 frames;
/// throws Error(unreadable) for sizes that contradict each other so that nothing can be made of them.
Object describe_object(std::shared_ptr<const Header::Data> data);

}  // namespace gantry::dicom
