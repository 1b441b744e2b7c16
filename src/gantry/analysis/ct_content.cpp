// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_content.h"

#include "gantry/analysis/ct_structures.h"

namespace gantry::analysis {

std::vector<std::string> ct_contents(const Image& image, const Run& run) {
  if (image.components() != 1 || image.frames() != 1 || is_complex(image.type())) return {};
  const WorkingVolume volume = working_volume(image, 4.0, run);
  const Mask body = find_body(volume, run);
  const Lungs lungs = find_lungs(volume, body, find_airways(volume, body, run), run);
  double total_ml = 0;
  const double voxel_ml = volume.hu.grid().voxel_volume_mm3() / 1000;
  for (const std::uint8_t side : lungs.side.values()) total_ml += side != 0 ? voxel_ml : 0;
  const bool whole = lungs.left && lungs.right && !lungs.left_incomplete && !lungs.right_incomplete && total_ml > 300;
  if (whole || total_ml > 800) return {"lungs"};
  return {};
}

}  // namespace gantry::analysis
