// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/volume_model.h"

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

Labels segment_volume(const bundle::ImportedNetwork& network, const Image& image, const std::string& method, Run& run) {
  for (const std::int64_t size : network.input_size)
    if (size < 1 || size > 1024)
      throw Error(ErrorCode::not_possible, fmt::format("network: must state an input of 1 to 1024 voxels; states {}", size));
  Voxels<float> volume = conformed(image, network.input_size, run);
  scale_to_range(volume, network.range, run);
  run.progress(0.02, "network");
  Run part = run.part(0.02, 0.95, "network");
  auto classes = classify_voxels(network.network, volume, part);
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

Labels VolumeModel::segment(const Image& image, Run& run) const { return segment_volume(network_, image, bundle_.id(), run); }

}  // namespace gantry::learning
