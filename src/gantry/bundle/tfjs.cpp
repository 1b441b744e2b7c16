// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/tfjs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <regex>

#include "gantry/base/error.h"
#include "gantry/base/json.h"
#include "gantry/base/text.h"

namespace gantry::bundle {

namespace {

constexpr std::uint64_t most_description = std::uint64_t{16} << 20, most_weights = std::uint64_t{1} << 28;
constexpr std::size_t most_entries = 4096;

[[noreturn]] void malformed(const std::string& message) { throw Error(ErrorCode::unreadable, message); }
[[noreturn]] void unsupported(const std::string& message) { throw Error(ErrorCode::refused, message); }

const Json& member(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) malformed(fmt::format("{}: must be there", key));
  return object[key];
}
const Json& array(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_array() || value.size() > most_entries)
    malformed(fmt::format("{}: must be a list of at most {} entries", key, most_entries));
  return value;
}
std::string text(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_string() || value.get_ref<const std::string&>().size() > 256) malformed(fmt::format("{}: must be a short text", key));
  return value.get<std::string>();
}
std::string text_or(const Json& object, const char* key, std::string otherwise) {
  return object.contains(key) && !object[key].is_null() ? text(object, key) : std::move(otherwise);
}
std::int64_t whole(const Json& value, const char* what) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0 || value.get<std::int64_t>() > (std::int64_t{1} << 31))
    malformed(fmt::format("{}: must be a whole number from 0 to 2^31; got {}", what, value.dump(-1, ' ', true).substr(0, 64)));
  return value.get<std::int64_t>();
}
/// A setting that has one value for each axis, all the same.
int same_along_axes(const Json& config, const char* key) {
  const Json& values = array(config, key);
  if (values.size() != 3) malformed(fmt::format("{}: must have three values; got {}", key, values.size()));
  const auto value = whole(values[0], key);
  if (whole(values[1], key) != value || whole(values[2], key) != value)
    unsupported(fmt::format("{}: must be the same along the three axes; got {}", key, values.dump()));
  return static_cast<int>(std::min<std::int64_t>(value, 1 << 20));
}

/// The weight files in the order of the manifest, as one block of floats for each group.
std::vector<float> bytes_of_group(const Json& group, const Path& folder, std::uint64_t& budget) {
  std::vector<float> values;
  Bytes bytes;
  for (const Json& path : array(group, "paths")) {
    const std::string name = path.is_string() ? path.get<std::string>() : std::string();
    if (name.empty() || name == "." || name == ".." || name.size() > 255 ||
        name.find_first_of(std::string("/\\\0", 3)) != std::string::npos)
      unsupported(
          fmt::format("weightsManifest: paths must be plain file names beside model.json; got {}", path.dump(-1, ' ', true).substr(0, 80)));
    const Path file = folder / name;
    if (!std::filesystem::is_regular_file(file)) throw Error(ErrorCode::not_found, name + ": the manifest names it, but it is not there");
    const Bytes part = read_bytes(file, budget);
    budget -= part.size();
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  if (bytes.size() % sizeof(float) != 0) malformed(fmt::format("weights: must be whole 32-bit numbers; got {} bytes", bytes.size()));
  values.resize(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

Tensor tensor_of(const Json& entry, const std::vector<float>& values, std::size_t& at) {
  if (entry.contains("quantization")) unsupported("quantization: weights must be plain float32");
  const std::string type = text(entry, "dtype");
  if (type != "float32") unsupported("dtype: must be float32; got " + type);
  Tensor tensor;
  const Json& shape = array(entry, "shape");
  if (shape.size() > 8) malformed("shape: must have at most 8 sizes");
  const std::size_t left = values.size() - at;
  std::size_t count = 1;
  for (const Json& size : shape) {
    const auto n = static_cast<std::size_t>(whole(size, "shape"));
    if (n != 0 && count > left / n) malformed(fmt::format("shape: must fit the {} values that are left; got {}", left, shape.dump()));
    count *= n;
    tensor.shape.push_back(static_cast<std::int64_t>(n));
  }
  tensor.values.assign(values.begin() + static_cast<std::ptrdiff_t>(at), values.begin() + static_cast<std::ptrdiff_t>(at + count));
  at += count;
  return tensor;
}

std::map<std::string, Tensor> read_weights(const Json& manifest, const Path& folder) {
  std::map<std::string, Tensor> tensors;
  std::uint64_t budget = most_weights;
  for (const Json& group : manifest) {
    const std::vector<float> values = bytes_of_group(group, folder, budget);
    std::size_t at = 0;
    for (const Json& entry : array(group, "weights")) {
      const std::string name = text(entry, "name");
      Tensor tensor = with_context("weights '" + name + "'", [&] { return tensor_of(entry, values, at); });
      if (!tensors.emplace(name, std::move(tensor)).second) malformed("weights '" + name + "': must be listed once");
    }
    if (at != values.size())
      malformed(fmt::format("weights: the files must hold what is listed; {} of {} values are used", at, values.size()));
  }
  return tensors;
}

/// (k, k, k, inputs, outputs) -> (outputs, inputs, k, k, k)
Tensor channels_first(const Tensor& kernel) {
  Tensor out;
  const auto& shape = kernel.shape;
  out.shape = {shape[4], shape[3], shape[0], shape[1], shape[2]};
  const auto taps = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]), in = static_cast<std::size_t>(shape[3]),
             filters = static_cast<std::size_t>(shape[4]);
  out.values.resize(kernel.values.size());
  for (std::size_t tap = 0; tap < taps; ++tap)
    for (std::size_t c = 0; c < in; ++c)
      for (std::size_t f = 0; f < filters; ++f) out.values[(f * in + c) * taps + tap] = kernel.values[(tap * in + c) * filters + f];
  return out;
}

Tensor taken(std::map<std::string, Tensor>& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) malformed("weights '" + name + "': must be in the manifest");
  Tensor tensor = std::move(found->second);
  tensors.erase(found);
  return tensor;
}

VolumeLayer convolution(const Json& config, const std::string& name, std::map<std::string, Tensor>& tensors) {
  if (same_along_axes(config, "strides") != 1) unsupported("strides: must be 1");
  if (text(config, "padding") != "same") unsupported("padding: must be same; got " + text(config, "padding"));
  if (text_or(config, "data_format", "channels_last") != "channels_last") unsupported("data_format: must be channels_last");
  if (config.contains("groups") && whole(config["groups"], "groups") != 1) unsupported("groups: must be 1");
  VolumeLayer layer;
  layer.name = name;
  layer.kernel = same_along_axes(config, "kernel_size");
  layer.dilation = config.contains("dilation_rate") ? same_along_axes(config, "dilation_rate") : 1;
  layer.normalised = name.ends_with("_gn");
  const Tensor kernel = taken(tensors, name + "/kernel");
  if (kernel.shape.size() != 5) malformed(fmt::format("kernel: must have five axes; got {}", kernel.shape.size()));
  layer.weights = channels_first(kernel);
  const Json* biased = config.contains("use_bias") ? &config["use_bias"] : nullptr;
  if (biased && !biased->is_boolean()) malformed("use_bias: must be true or false");
  if (!biased || biased->get<bool>()) layer.bias = taken(tensors, name + "/bias");
  if (const auto filters = whole(member(config, "filters"), "filters"); filters != layer.outputs())
    malformed(fmt::format("filters: must be the kernel's {}; got {}", layer.outputs(), filters));
  layer.activation = activation_named(text_or(config, "activation", "linear"));
  return layer;
}

/// The layer must take what the one before gives and nothing else.
void check_inbound(const Json& layer, const std::string& before) {
  const Json& nodes = array(layer, "inbound_nodes");
  const bool chained = nodes.size() == 1 && nodes[0].is_array() && nodes[0].size() == 1 && nodes[0][0].is_array() && !nodes[0][0].empty() &&
                       nodes[0][0][0].is_string() && nodes[0][0][0].get_ref<const std::string&>() == before;
  if (!chained) unsupported(fmt::format("must follow layer '{}' alone: only chains of layers are supported", before));
}

std::array<std::int64_t, 3> input_size_of(const Json& config, std::int64_t& channels) {
  const Json& shape = array(config, "batch_input_shape");
  if (shape.size() != 5) unsupported(fmt::format("batch_input_shape: must be (batch, i, j, k, channels); got {}", shape.dump()));
  std::array<std::int64_t, 3> size{};
  for (std::size_t axis = 0; axis < 3; ++axis) size[axis] = shape[axis + 1].is_null() ? 0 : whole(shape[axis + 1], "batch_input_shape");
  channels = whole(shape[4], "batch_input_shape");
  return size;
}

std::vector<VolumeLayer> read_layers(const Json& entries, std::map<std::string, Tensor>& tensors, std::int64_t& channels,
                                     std::array<std::int64_t, 3>& size) {
  std::vector<VolumeLayer> layers;
  std::string before;
  for (const Json& entry : entries) {
    const Json& config = member(entry, "config");
    const std::string kind = text(entry, "class_name"), name = text_or(entry, "name", text_or(config, "name", ""));
    with_context("layer '" + name + "'", [&] {
      if (before.empty()) {
        if (kind != "InputLayer") unsupported("the first layer must be an InputLayer; got " + kind);
        size = input_size_of(config, channels);
      } else if (kind == "Conv3D") {
        check_inbound(entry, before);
        layers.push_back(convolution(config, name, tensors));
      } else if (kind == "Activation") {
        check_inbound(entry, before);
        if (layers.empty() || layers.back().activation != Activation::linear)
          unsupported("an activation must follow a convolution without one");
        layers.back().activation = activation_named(text(config, "activation"));
      } else {
        unsupported("class_name: must be Conv3D or Activation; got " + kind);
      }
    });
    if (name.empty()) malformed("layers must have names");
    before = name;
  }
  return layers;
}

/// The quantiles that the free text of a model states for its input.
InputRange stated_range(const Json& json) {
  InputRange range;
  if (!json.contains("_comment") || !json["_comment"].is_string()) return range;
  const std::string comment = json["_comment"].get<std::string>().substr(0, 4096);
  static const std::regex quantiles(R"(min = (\d{1,2})% quantile, max = (\d{1,3})% quantile)");
  if (std::smatch match; std::regex_search(comment, match, quantiles)) {
    const double low = std::stod(match[1]) / 100, high = std::stod(match[2]) / 100;
    if (low < high && high <= 1) range = {low, high};
  }
  return range;
}

ImportedNetwork parse(const Json& json, const Path& folder) {
  const std::string format = text(json, "format");
  if (format != "layers-model") unsupported("format: must be layers-model; got " + format);
  const Json& topology = member(json, "modelTopology");
  const Json& model = topology.is_object() && topology.contains("model_config") ? topology["model_config"] : topology;
  const std::string kind = text(model, "class_name");
  if (kind != "Functional" && kind != "Model") unsupported("model: must be a functional one; got " + kind);
  auto tensors = read_weights(array(json, "weightsManifest"), folder);
  std::int64_t channels = 0;
  std::array<std::int64_t, 3> size{};
  auto layers = read_layers(array(member(model, "config"), "layers"), tensors, channels, size);
  if (!tensors.empty()) malformed("weights '" + tensors.begin()->first + "': belong to no layer");
  VolumeNetwork network(std::move(layers));
  if (network.inputs() != channels)
    malformed(fmt::format("input: must have the {} channels of the first layer; got {}", network.inputs(), channels));
  return {std::move(network), size, stated_range(json), {}, "tfjs layers-model", text_or(json, "generatedBy", "")};
}

}  // namespace

ImportedNetwork read_tfjs(const Path& model_json) {
  const Path folder = model_json.has_parent_path() ? model_json.parent_path() : Path(".");
  return with_context(model_json.filename().string(),
                      [&] { return parse(parse_json(read_text(model_json, most_description), 24), folder); });
}

}  // namespace gantry::bundle
