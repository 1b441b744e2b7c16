// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/segmentation/component_labels.h"

#include "gantry/compute/parallel.h"
#include "gantry/volume/mask.h"

namespace gantry {

namespace {

/// Neighbouring labels differ (Okabe and Ito's colours in turn).
Color color_of(std::int64_t label) {
  static constexpr std::array<Color, 6> colors{
      {{0x00, 0x72, 0xb2}, {0xd5, 0x5e, 0x00}, {0x00, 0x9e, 0x73}, {0xcc, 0x79, 0xa7}, {0xe6, 0x9f, 0x00}, {0x56, 0xb4, 0xe9}}};
  return colors[static_cast<std::size_t>((label - 1) % 6)];
}

}  // namespace

void ComponentLabels::describe(Description<ComponentLabels>& d) {
  d.summary("Numbers the connected parts of a mask, the largest first.");
  d.input("mask", "Mask: every voxel that is not zero");
  d.parameter("connectivity", &ComponentLabels::connectivity, "Which voxels are neighbours: sharing a face, also an edge, also a corner");
  d.parameter("minimum_volume", &ComponentLabels::minimum_volume, "Smaller parts are dropped").unit("mL").at_least(0);
  d.parameter("keep", &ComponentLabels::keep, "Only so many of the largest are kept; 0 keeps all").at_least(0);
  d.output("labels", &Result::labels, "1 for the largest part, 2 for the next, ...");
  d.output("components", &Result::components, "Size, centre and box of each part");
  d.example("gantry segmentation connected-components mask.nii.gz parts.nii.gz --keep 2 --components parts.csv");
  d.reference("Rosenfeld A, Pfaltz JL. Sequential operations in digital picture processing. J ACM 1966; 13:471-494.");
}

ComponentLabels::Result ComponentLabels::operator()(const Image& mask, Run& run) const {
  check_parameters(*this);
  require_single_component(mask);
  Components found = connected_components(mask_of(mask, run), connectivity, run);
  const Grid& grid = mask.grid();
  const double voxel_ml = grid.voxel_volume_mm3() / 1000;

  // Sorted by size, so what is dropped is the tail.
  std::size_t kept = 0;
  while (kept < found.items.size() && static_cast<double>(found.items[kept].voxels) * voxel_ml >= minimum_volume * (1 - 1e-12)) ++kept;
  if (keep > 0) kept = std::min(kept, static_cast<std::size_t>(keep));
  if (kept < found.items.size()) {
    const auto last = static_cast<std::int32_t>(kept);
    parallel_for(run, found.labels.count(), 1 << 18, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) found.labels[n] = found.labels[n] > last ? 0 : found.labels[n];
    });
  }
  Result result;
  result.components = Table({"label", "voxels", "volume_ml", "x_mm", "y_mm", "z_mm", "begin_i", "begin_j", "begin_k", "size_i", "size_j",
                             "size_k", "touches_border"});
  std::vector<Label> table;
  for (std::size_t n = 0; n < kept; ++n) {
    const Components::Item& item = found.items[n];
    const auto label = static_cast<int>(n + 1);
    const Vec3 centre = grid.world_from_voxel(item.centroid_voxel);
    const auto number = [](std::int64_t value) { return static_cast<double>(value); };
    result.components.add({number(label), number(item.voxels), number(item.voxels) * voxel_ml, centre.x, centre.y, centre.z,
                           number(item.begin[0]), number(item.begin[1]), number(item.begin[2]), number(item.end[0] - item.begin[0]),
                           number(item.end[1] - item.begin[1]), number(item.end[2] - item.begin[2]), item.touches_border ? 1.0 : 0.0});
    table.push_back({.value = label,
                     .id = fmt::format("component_{}", label),
                     .name = fmt::format("Component {}", label),
                     .color = color_of(label),
                     .method = "connected component"});
  }
  result.labels = Labels(Image(std::move(found.labels)), std::move(table));
  return result;
}

Cost ComponentLabels::cost(const Image& mask) const {
  const auto voxels = static_cast<std::uint64_t>(mask.count());
  return {.bytes = voxels * 6, .seconds = static_cast<double>(voxels) * 5e-9};
}

}  // namespace gantry
