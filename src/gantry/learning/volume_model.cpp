// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/volume_model.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/learning/conform.h"
#include "gantry/learning/mesh_network.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/resample.h"

namespace gantry::learning {

namespace {

/// `Left-Thalamus-Proper*` -> `left_thalamus_proper`
std::string id_of(const std::string& name) {
  std::string id;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (letter)
      id += c;
    else if (c >= 'A' && c <= 'Z')
      id += static_cast<char>(c - 'A' + 'a');
    else if (!id.empty() && id.back() != '_')
      id += '_';
  }
  while (!id.empty() && id.back() == '_') id.pop_back();
  return id.empty() ? "class" : id;
}

/// What does not belong to the largest component of all classes together becomes background.
void keep_largest(Voxels<std::uint16_t>& classes, const Run& run) {
  Mask mask = Mask::uninitialized(classes.grid());
  parallel_for(run, classes.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) mask[n] = classes[n] != 0;
  });
  const Mask largest = largest_component(mask, Connectivity::faces, run);
  parallel_for(run, classes.count(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) classes[n] = largest[n] ? classes[n] : std::uint16_t{0};
  });
}

/// Classes of the voxels within the box; 0 outside it. The result is as large as the network had to see.
Voxels<std::uint16_t> classify_part(const bundle::VolumeNetwork& network, const Voxels<float>& volume, const WorldBox& box, Run& run) {
  const Grid& grid = volume.grid();
  const Vec3 a = grid.voxel_from_world(box.low), b = grid.voxel_from_world(box.high);
  const bool normalised =
      std::any_of(network.layers().begin(), network.layers().end(), [](const bundle::VolumeLayer& layer) { return layer.normalised; });
  Size3 low{}, high{}, begin{}, size{};
  for (std::size_t n = 0; n < 3; ++n) {
    const auto axis = static_cast<int>(n);
    const std::int64_t last = grid.size(axis) - 1, reach = normalised ? last : network.reach();
    low[n] = std::clamp<std::int64_t>(std::llround(std::min(a[axis], b[axis])), 0, last);
    high[n] = std::clamp<std::int64_t>(std::llround(std::max(a[axis], b[axis])), 0, last);
    begin[n] = std::max<std::int64_t>(0, low[n] - reach);
    size[n] = std::min(last, high[n] + reach) - begin[n] + 1;
  }
  Voxels<std::uint16_t> classes = classify_voxels(network, crop<float>(volume, begin, size), run);
  for (std::int64_t k = 0; k < size[2]; ++k)
    for (std::int64_t j = 0; j < size[1]; ++j)
      for (std::int64_t i = 0; i < size[0]; ++i) {
        const Size3 at{begin[0] + i, begin[1] + j, begin[2] + k};
        for (std::size_t n = 0; n < 3; ++n)
          if (at[n] < low[n] || at[n] > high[n]) classes(i, j, k) = 0;
      }
  return classes;
}

}  // namespace

std::vector<Label> label_table(const std::vector<bundle::NetworkClass>& classes, const std::string& method) {
  std::vector<Label> table;
  std::set<std::string> taken;
  for (std::size_t n = 1; n < classes.size(); ++n) {
    const auto& [name, color] = classes[n];
    std::string id = id_of(name);
    if (!taken.insert(id).second) taken.insert(id += fmt::format("_{}", n));
    const auto byte = [&](std::size_t c) { return static_cast<std::uint8_t>(color[c]); };
    table.push_back({.value = static_cast<int>(n), .id = id, .name = name, .color = {byte(0), byte(1), byte(2)}, .method = method});
  }
  return table;
}

Labels segment_volume(const bundle::ImportedNetwork& network, const Image& image, const std::string& method, Run& run,
                      const std::optional<WorldBox>& only) {
  for (const std::int64_t size : network.input_size)
    if (size < 1 || size > 1024)
      throw Error(ErrorCode::not_possible, fmt::format("network: must state an input of 1 to 1024 voxels; states {}", size));
  Voxels<float> volume = conformed(image, network.input_size, run);
  scale_to_range(volume, network.range, run);
  run.progress(0.02, "network");
  Run part = run.part(0.02, 0.95, "network");
  auto classes = only ? classify_part(network.network, volume, *only, part) : classify_voxels(network.network, volume, part);
  volume = Voxels<float>();
  keep_largest(classes, run);
  auto on_image = resample_labels<std::uint16_t>(classes, image.grid(), run);
  const auto table = label_table(network.classes, method);
  if (network.classes.size() > 256) return {Image(std::move(on_image)), table};
  Voxels<std::uint8_t> narrow = Voxels<std::uint8_t>::uninitialized(on_image.grid());
  std::transform(on_image.values().begin(), on_image.values().end(), narrow.values().begin(),
                 [](std::uint16_t v) { return static_cast<std::uint8_t>(v); });
  run.progress(1, "network");
  return {Image(std::move(narrow)), table};
}

VolumeModel::VolumeModel(const Path& folder) : bundle_(bundle::open_bundle(folder)), network_(bundle::read_network_bundle(bundle_)) {}

Labels VolumeModel::segment(const Image& image, Run& run, const std::optional<WorldBox>& only) const {
  return segment_volume(network_, image, bundle_.id(), run, only);
}

}  // namespace gantry::learning
