// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// gantry_nodule_samples STUDY TRUTH OUT: what train.py learns from. Writes one row for each bright spot of the lungs of a digital patient
// as 32-bit floats: number of the nodule in the truth that it lies in (0 none, -1 beside one, neither for nor against), its place in LPS
// mm, its sigma in mm, then the features.
#include <cstdio>
#include <fstream>

#include "gantry/analysis/ct_maps.h"
#include "gantry/analysis/ct_nodule_features.h"
#include "gantry/base/error.h"
#include "gantry/base/json.h"
#include "gantry/dicom/study.h"

namespace gantry::analysis {
namespace {

/// 1-based number of the nodule in whose middle `place` lies, 0 when it lies near none, -1 in between.
float nodule_at(const Json& nodules, Vec3 place) {
  float label = 0;
  for (std::size_t n = 0; n < nodules.size(); ++n) {
    const Json& centre = nodules[n]["center_lps_mm"];
    const double distance = norm(place - Vec3{centre[0], centre[1], centre[2]}), radius = 0.5 * nodules[n]["diameter_mm"].get<double>();
    if (distance < 0.45 * radius + 0.7) return static_cast<float>(n + 1);
    if (distance < 1.3 * radius + 2) label = -1;
  }
  return label;
}

void write_samples(const LungCube& cube, const Json& nodules, std::ofstream& out, Run& run) {
  for (const NoduleSpot& spot : nodule_spots(cube, NoduleSearch{}.maximum_mm, run)) {
    const Vec3 place = cube.hu.grid().world_from_voxel(spot.voxel);
    const std::array<float, 5> head{nodule_at(nodules, place), static_cast<float>(place.x), static_cast<float>(place.y),
                                    static_cast<float>(place.z), static_cast<float>(spot.sigma_mm)};
    const NoduleFeatures features = nodule_features(cube, spot);
    out.write(reinterpret_cast<const char*>(head.data()), sizeof head);
    out.write(reinterpret_cast<const char*>(features.data()), sizeof features);
  }
}

int samples(const Path& study, const Path& truth, const Path& to) {
  Run run;
  const std::vector<Path> paths{study};
  const dicom::Input input = dicom::read_dicom(paths, run);
  if (input.studies.empty()) throw Error(ErrorCode::unreadable, "study: must hold a CT series");
  const Image image = dicom::load(input.studies[0].series.at(0), run);
  const CtMaps maps = map_ct(image, run);
  const Json nodules = parse_json(read_text(truth))["nodules"];
  std::ofstream out(to, std::ios::binary);
  for (const int side : {2, 1}) {
    const LungCube cube = lung_cube(image, maps.working, maps.lungs, side, run);
    if (!cube.hu.empty()) write_samples(cube, nodules, out, run);
  }
  return out.good() ? 0 : 5;
}

}  // namespace
}  // namespace gantry::analysis

int main(int count, char** words) {
  if (count != 4) {
    std::fputs("usage: gantry_nodule_samples STUDY TRUTH OUT\n", stderr);
    return 2;
  }
  try {
    return gantry::analysis::samples(words[1], words[2], words[3]);
  } catch (const gantry::Error& error) {
    std::fprintf(stderr, "gantry_nodule_samples: %s\n", error.what());
    return 3;
  }
}
