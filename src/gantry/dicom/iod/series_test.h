// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>

#include "gantry/dicom/study.h"

namespace gantry::dicom {

/// 7 x 5 x 4 voxels (35 bits a frame: frames do not begin at bytes), oblique.
inline Grid odd_oblique_grid() {
  const double c = std::cos(0.3), s = std::sin(0.3);
  return Grid({7, 5, 4}, {0.75, 1.25, 2.5}, {-31.5, 17.25, -104.125}, {{Vec3{c, s, 0}, Vec3{-s * c, c * c, s}, Vec3{s * s, -c * s, c}}});
}

/// A CT series made by hand, one instance a slice or one multi-frame file.
inline Series handmade_series(const Grid& grid, bool multi_frame = false) {
  Series series{.study_uid = "1.2.3", .series_uid = "1.2.3.4", .frame_of_reference_uid = "1.2.3.5", .modality = "CT", .number = 3};
  series.grid = grid;
  series.is_volume = true;
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    Instance instance;
    instance.sop_class_uid = multi_frame ? "1.2.840.10008.5.1.4.1.1.2.1" : "1.2.840.10008.5.1.4.1.1.2";
    instance.sop_instance_uid = multi_frame ? "1.2.3.4.1" : "1.2.3.4." + std::to_string(k + 1);
    instance.frame = multi_frame ? static_cast<int>(k) : 0;
    instance.position_mm = grid.world_from_voxel({0, 0, static_cast<double>(k)});
    series.instances.push_back(instance);
  }
  return series;
}

}  // namespace gantry::dicom
