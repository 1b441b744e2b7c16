// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/base/json.h"
#include "gantry/base/text.h"
#include "gantry/bundle/onnx.h"
#include "gantry/bundle/tfjs.h"

namespace gantry::bundle {

namespace {

constexpr std::int64_t most_layers = 256, most_channels = 1024, most_parameters = std::int64_t{1} << 26;

void require(bool holds, const std::string& message) {
  if (!holds) throw Error(ErrorCode::unreadable, message);
}

void check_values(const Tensor& tensor, const char* what) {
  std::int64_t count = 1;
  for (const std::int64_t size : tensor.shape) count *= size;
  require(count == static_cast<std::int64_t>(tensor.values.size()), fmt::format("{}: must hold what the shape [{}] asks for; got {} values",
                                                                                what, fmt::join(tensor.shape, ", "), tensor.values.size()));
  require(std::all_of(tensor.values.begin(), tensor.values.end(), [](float v) { return std::isfinite(v); }),
          fmt::format("{}: values must be finite", what));
}

void check(const VolumeLayer& layer) {
  require(layer.kernel >= 1 && layer.kernel <= 7 && layer.kernel % 2 == 1,
          fmt::format("kernel: must be 1, 3, 5 or 7; got {}", layer.kernel));
  require(layer.dilation >= 1 && layer.dilation <= 64, fmt::format("dilation: must lie between 1 and 64; got {}", layer.dilation));
  require(layer.epsilon >= 0 && layer.epsilon <= 1, fmt::format("epsilon: must lie between 0 and 1; got {}", layer.epsilon));
  const auto& shape = layer.weights.shape;
  const bool fits = shape.size() == 5 && shape[0] >= 1 && shape[0] <= most_channels && shape[1] >= 1 && shape[1] <= most_channels &&
                    std::all_of(shape.begin() + 2, shape.end(), [&](std::int64_t size) { return size == layer.kernel; });
  require(fits, fmt::format("weights: must be (outputs, inputs, {0}, {0}, {0}) with 1 to {1} channels; got [{2}]", layer.kernel,
                            most_channels, fmt::join(shape, ", ")));
  check_values(layer.weights, "weights");
  if (layer.bias.values.empty()) return;
  require(layer.bias.shape == std::vector<std::int64_t>{shape[0]},
          fmt::format("bias: must be ({}); got [{}]", shape[0], fmt::join(layer.bias.shape, ", ")));
  check_values(layer.bias, "bias");
}

/// Labels and colours of one colormap file; none when it has another number of them.
std::vector<NetworkClass> classes_in(const Path& file, std::size_t count) {
  const Json json = with_context(file.filename().string(), [&] { return parse_json(read_text(file, std::uint64_t{1} << 20), 4); });
  const auto list = [&](const char* key) -> const Json& {
    static const Json none = Json::array();
    const auto found = json.is_object() ? json.find(key) : json.end();
    return json.is_object() && found != json.end() && found->is_array() ? *found : none;
  };
  const Json& labels = list("labels");
  if (labels.size() != count) return {};
  std::vector<NetworkClass> classes(count);
  for (std::size_t n = 0; n < count; ++n) {
    require(labels[n].is_string(), fmt::format("{}: labels must be text", file.filename().string()));
    classes[n].name = labels[n].get<std::string>();
    int component = 0;
    for (const char* key : {"R", "G", "B"}) {
      const Json& values = list(key);
      if (n < values.size() && values[n].is_number_integer()) {
        const auto value = values[n].get<std::int64_t>();
        classes[n].color[static_cast<std::size_t>(component)] = static_cast<int>(std::clamp<std::int64_t>(value, 0, 255));
      }
      ++component;
    }
  }
  return classes;
}

std::vector<NetworkClass> classes_beside(const Path& folder, std::size_t count) {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("colormap") && name.ends_with(".json")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const Path& file : files) {
    auto classes = classes_in(file, count);
    if (!classes.empty()) return classes;
  }
  std::vector<NetworkClass> classes(count);
  for (std::size_t n = 0; n < count; ++n) classes[n].name = n == 0 ? "background" : fmt::format("class {}", n);
  return classes;
}

/// The description file that `source` is or holds.
Path description_of(const Path& source) {
  if (!std::filesystem::exists(source)) throw Error(ErrorCode::not_found, source.string() + ": there is no such file or folder");
  if (!std::filesystem::is_directory(source)) return source;
  if (std::filesystem::exists(source / "model.json")) return source / "model.json";
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(source))
    if (lower(entry.path().extension().string()) == ".onnx") files.push_back(entry.path());
  if (files.size() != 1)
    throw Error(ErrorCode::not_found,
                fmt::format("{}: must hold a model.json or one .onnx file; holds {} of them", source.filename().string(), files.size()));
  return files.front();
}

}  // namespace

Activation activation_named(std::string_view name) {
  for (const auto& [activation, known] : choices_of(Activation{}))
    if (known == name) return activation;
  throw Error(ErrorCode::unreadable, fmt::format("activation: must be linear, relu, elu or gelu; got {}", name.substr(0, 64)));
}

std::string_view name_of(Activation activation) { return choices_of(Activation{})[static_cast<std::size_t>(activation)].second; }

VolumeNetwork::VolumeNetwork(std::vector<VolumeLayer> layers) : layers_(std::move(layers)) {
  require(!layers_.empty() && std::ssize(layers_) <= most_layers,
          fmt::format("layers: must be 1 to {}; got {}", most_layers, layers_.size()));
  std::int64_t channels = 0;
  for (const VolumeLayer& layer : layers_) {
    with_context("layer '" + layer.name + "'", [&] {
      check(layer);
      require(channels == 0 || layer.inputs() == channels,
              fmt::format("inputs: must be the {} outputs of the layer before; got {}", channels, layer.inputs()));
    });
    channels = layer.outputs();
  }
  require(parameters() <= most_parameters, fmt::format("parameters: must be at most {}; got {}", most_parameters, parameters()));
}

std::int64_t VolumeNetwork::parameters() const {
  std::int64_t count = 0;
  for (const VolumeLayer& layer : layers_) count += std::ssize(layer.weights.values) + std::ssize(layer.bias.values);
  return count;
}

int VolumeNetwork::reach() const {
  int voxels = 0;
  for (const VolumeLayer& layer : layers_) voxels += layer.kernel / 2 * layer.dilation;
  return voxels;
}

std::int64_t VolumeNetwork::products_per_voxel() const {
  std::int64_t count = 0;
  for (const VolumeLayer& layer : layers_) count += std::ssize(layer.weights.values);
  return count;
}

ImportedNetwork read_network(const Path& source) {
  const Path file = description_of(source);
  ImportedNetwork imported = lower(file.extension().string()) == ".onnx" ? read_onnx(file) : read_tfjs(file);
  imported.classes =
      classes_beside(file.has_parent_path() ? file.parent_path() : Path("."), static_cast<std::size_t>(imported.network.outputs()));
  return imported;
}

}  // namespace gantry::bundle
