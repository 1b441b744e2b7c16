// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>

#include "gantry/analysis/ct_structures.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis {

namespace {

constexpr float air_below_hu = -400;

/// Air at the in-plane border that looks like lung: most of its core lies well above air and well below tissue.
void add_cropped_lung(const WorkingVolume& volume, Mask& body, const Run& run) {
  const Grid& grid = volume.hu.grid();
  Mask outside = Mask::uninitialized(grid);
  std::int64_t count = 0;
  for (std::int64_t n = 0; n < outside.count(); ++n) {
    outside[n] = body[n] == 0 && volume.padding[n] == 0 && volume.hu[n] < air_below_hu;
    count += outside[n];
  }
  if (count == 0) return;
  const Components parts = connected_components(outside, Connectivity::faces, run);
  // Slices of air around the patient are one part with few lung-like voxels; a lung cut by the border is a part of its own.
  std::vector<std::int64_t> core(parts.items.size()), like(parts.items.size());
  const Mask inner = erode(outside, 3.0, run);
  const auto low = static_cast<float>(volume.air_hu + 45);
  for (std::int64_t n = 0; n < outside.count(); ++n) {
    if (inner[n] == 0) continue;
    const auto part = static_cast<std::size_t>(parts.labels[n] - 1);
    ++core[part];
    like[part] += volume.hu[n] > low && volume.hu[n] < -500;
  }
  const double voxel_ml = grid.voxel_volume_mm3() / 1000;
  for (std::int64_t n = 0; n < outside.count(); ++n) {
    if (outside[n] == 0) continue;
    const auto part = static_cast<std::size_t>(parts.labels[n] - 1);
    if (static_cast<double>(core[part]) * voxel_ml > 2.0 && 2 * like[part] > core[part]) body[n] = 1;
  }
}

}  // namespace

Mask find_body(const WorkingVolume& volume, const Run& run) {
  const Grid& grid = volume.hu.grid();
  Mask tissue = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < tissue.count(); ++n) tissue[n] = volume.hu[n] > -300;
  const Vec3 s = grid.spacing_mm();
  const double radius = std::max(3.0, 1.01 * std::max(s.x, s.y));
  Mask core = open(tissue, radius, run);
  const Components parts = connected_components(core, Connectivity::faces, run);
  if (parts.items.empty()) return Mask(grid);
  // Arms and legs are parts of their own; a table is flat and low in density.
  std::vector<double> mean(parts.items.size());
  for (std::int64_t n = 0; n < core.count(); ++n) {
    if (core[n] != 0) mean[static_cast<std::size_t>(parts.labels[n] - 1)] += volume.hu[n];
  }
  std::vector<std::uint8_t> keep(parts.items.size());
  for (std::size_t p = 0; p < parts.items.size(); ++p) {
    const auto& item = parts.items[p];
    const double height = static_cast<double>(item.end[1] - item.begin[1]) * s.y;
    const double width = static_cast<double>(item.end[0] - item.begin[0]) * s.x;
    const bool flat = height < 0.15 * width;
    const double share = static_cast<double>(item.voxels) / static_cast<double>(parts.items[0].voxels);
    keep[p] = p == 0 || (share > 0.02 && !flat && mean[p] / static_cast<double>(item.voxels) > -150);
  }
  for (std::int64_t n = 0; n < core.count(); ++n) {
    if (core[n] != 0) core[n] = keep[static_cast<std::size_t>(parts.labels[n] - 1)];
  }
  // The opening rounds off skin folds, ears and fingers: what lies within its radius and is tissue comes back.
  Mask body = dilate(core, radius + 0.5 * std::max(s.x, s.y), run);
  for (std::int64_t n = 0; n < body.count(); ++n) {
    body[n] = body[n] != 0 && (volume.hu[n] > -500 || core[n] != 0) && volume.padding[n] == 0;
  }
  body = fill_holes(body, true, run);
  add_cropped_lung(volume, body, run);
  return body;
}

Voxels<float> threshold_field(const WorkingVolume& volume, const MaskView& mask, double threshold_hu, bool inside_below) {
  const Grid& grid = volume.hu.grid();
  auto field = Voxels<float>::uninitialized(grid);
  const auto threshold = static_cast<float>(threshold_hu);
  constexpr float least = 30, most = 450;
  for (std::int64_t n = 0; n < field.count(); ++n) {
    const float towards = inside_below ? threshold - volume.hu[n] : volume.hu[n] - threshold;
    if (mask[n] != 0) {
      field[n] = towards > 0 ? std::clamp(towards, least, most) : most;
    } else {
      field[n] = towards < 0 ? -std::clamp(-towards, least, most) : -most;
    }
  }
  return field;
}

Voxels<float> lung_field(const WorkingVolume& volume, const Lungs& lungs, int side) {
  Mask mask = Mask::uninitialized(volume.hu.grid());
  for (std::int64_t n = 0; n < mask.count(); ++n) mask[n] = lungs.side[n] == side;
  return threshold_field(volume, mask, lungs.threshold_hu, true);
}

}  // namespace gantry::analysis
