// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/network_bundle.h"

#include <fmt/format.h>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::bundle {

namespace {

constexpr const char* architecture_kind = "volume_network";
constexpr const char* conforming = "freesurfer";
constexpr const char* weights_name = "weights.safetensors";
constexpr std::size_t most_entries = 256, most_classes = 1024;

Bytes bytes_of(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

std::string said(const Json& description, const char* key, const std::string& otherwise) {
  return description.contains(key) && description[key].is_string() ? description[key].get<std::string>() : otherwise;
}

Json manifest_of(const ImportedNetwork& imported, const Json& description, const std::string& name) {
  Json manifest{{"name", name}, {"version", said(description, "version", "1")}, {"task", "segmentation"}, {"description", description}};
  Json& classes = manifest["classes"] = Json::array();
  for (const NetworkClass& one : imported.classes) classes.push_back({{"name", one.name}, {"color", one.color}});
  manifest["input"] = {{"conform", conforming},
                       {"size", imported.input_size},
                       {"spacing_mm", 1},
                       {"range", {{"low_quantile", imported.range.low}, {"high_quantile", imported.range.high}}}};
  Json layers = Json::array();
  for (const VolumeLayer& layer : imported.network.layers()) {
    layers.push_back({{"name", layer.name},
                      {"inputs", layer.inputs()},
                      {"outputs", layer.outputs()},
                      {"kernel", layer.kernel},
                      {"dilation", layer.dilation},
                      {"normalised", layer.normalised},
                      {"epsilon", layer.epsilon},
                      {"activation", name_of(layer.activation)}});
  }
  manifest["architecture"] = {{"kind", architecture_kind}, {"parameters", imported.network.parameters()}, {"layers", layers}};
  manifest["imported"] = {{"format", imported.format}, {"producer", to_valid_utf8(imported.producer)}};
  return manifest;
}

std::string card_of(const ImportedNetwork& imported, const Json& description, const std::string& name) {
  const VolumeNetwork& network = imported.network;
  std::string text = fmt::format("# {}\n\n", said(description, "title", name));
  const auto line = [&](const char* title, const char* key, const char* otherwise) {
    text += fmt::format("**{}.** {}\n\n", title, said(description, key, otherwise));
  };
  line("Intended use", "intended_use", "Not stated.");
  line("Not for", "not_for", "Any use in patient care: this is not a medical device.");
  line("Training data", "data", "Not stated; the network was trained elsewhere and imported.");
  line("Licence", "licence", "Not stated.");
  text += fmt::format("**Network.** {} convolutions, {} parameters, {} classes; a voxel depends on what lies within {} voxels of it{}.\n\n",
                      network.layers().size(), network.parameters(), network.outputs(), network.reach(),
                      network.layers().front().normalised ? ", and through the normalisation of channels on the whole volume" : "");
  text += fmt::format(
      "**Input.** {} x {} x {} voxels of 1 mm, axes to left, inferior and anterior; quantiles {} and {} of the values become 0 and 1.\n\n",
      imported.input_size[0], imported.input_size[1], imported.input_size[2], shortest(imported.range.low), shortest(imported.range.high));
  text += fmt::format("**Origin.** Imported from {}{}.\n", imported.format,
                      imported.producer.empty() ? "" : " written by " + to_valid_utf8(imported.producer));
  if (description.contains("limits") && description["limits"].is_array()) {
    text += "\n**Limits.**\n";
    for (const Json& limit : description["limits"])
      if (limit.is_string()) text += "- " + limit.get<std::string>() + "\n";
  }
  return text;
}

VolumeLayer layer_in(const Json& entry, std::size_t number, Weights& weights) {
  if (!entry.is_object()) throw Error(ErrorCode::unreadable, "manifest: layers: must hold objects");
  VolumeLayer layer;
  layer.name = member(entry, "name", Json::value_t::string).get<std::string>();
  layer.kernel = whole_member(entry, "kernel", 1, 7);
  layer.dilation = whole_member(entry, "dilation", 1, 64);
  layer.normalised = member(entry, "normalised", Json::value_t::boolean).get<bool>();
  layer.epsilon = number_member(entry, "epsilon", 0, 1);
  layer.activation = activation_named(member(entry, "activation", Json::value_t::string).get<std::string>());
  const auto take = [&](const std::string& name, Tensor& into, bool needed) {
    const auto found = weights.tensors.find(name);
    if (found == weights.tensors.end()) {
      if (needed) throw Error(ErrorCode::unreadable, fmt::format("{}: {}: must be there", weights_name, name));
      return;
    }
    into = std::move(found->second);
    weights.tensors.erase(found);
  };
  take(fmt::format("{}.weights", number), layer.weights, true);
  take(fmt::format("{}.bias", number), layer.bias, false);
  return layer;
}

std::vector<NetworkClass> classes_in(const Json& manifest) {
  const Json& list = member(manifest, "classes", Json::value_t::array);
  if (list.size() > most_classes)
    throw Error(ErrorCode::unreadable, fmt::format("manifest: classes: at most {}; got {}", most_classes, list.size()));
  std::vector<NetworkClass> classes;
  for (const Json& entry : list) {
    if (!entry.is_object()) throw Error(ErrorCode::unreadable, "manifest: classes: must hold objects");
    NetworkClass one{.name = member(entry, "name", Json::value_t::string).get<std::string>()};
    const Json& color = member(entry, "color", Json::value_t::array);
    if (color.size() != 3) throw Error(ErrorCode::unreadable, "manifest: classes: color: must have three numbers");
    for (std::size_t n = 0; n < 3; ++n) one.color[n] = whole_member(Json{{"color", color[n]}}, "color", 0, 255);
    classes.push_back(std::move(one));
  }
  return classes;
}

}  // namespace

void write_network_bundle(const Path& destination, const ImportedNetwork& imported, const Json& description,
                          const std::optional<Bytes>& licence) {
  Path named = destination;
  if (!named.has_filename()) named = named.parent_path();
  const std::string name = named.filename().string();
  Weights weights;
  for (std::size_t n = 0; n < imported.network.layers().size(); ++n) {
    const VolumeLayer& layer = imported.network.layers()[n];
    weights.tensors[fmt::format("{}.weights", n)] = layer.weights;
    if (!layer.bias.values.empty()) weights.tensors[fmt::format("{}.bias", n)] = layer.bias;
  }
  std::map<std::string, Bytes> files{{weights_name, encode_safetensors(weights)},
                                     {"card.md", bytes_of(card_of(imported, description, name))}};
  if (licence) files["LICENSE"] = *licence;
  write_bundle(destination, manifest_of(imported, description, name), files);
}

bool holds_network(const Bundle& bundle) {
  const auto found = bundle.manifest.find("architecture");
  return found != bundle.manifest.end() && found->is_object() && found->contains("kind") && (*found)["kind"] == architecture_kind;
}

ImportedNetwork read_network_bundle(const Bundle& bundle) {
  if (!holds_network(bundle) || bundle.task != "segmentation")
    throw Error(ErrorCode::refused, "bundle: must hold a volume network for segmentation; its task is " + bundle.task);
  const Json &manifest = bundle.manifest, &architecture = member(manifest, "architecture", Json::value_t::object);
  if (!manifest["files"].contains(weights_name))
    throw Error(ErrorCode::unreadable, fmt::format("manifest: files: must list {}", weights_name));
  Weights weights = read_safetensors(bundle.file(weights_name));
  const Json& entries = member(architecture, "layers", Json::value_t::array);
  if (entries.size() > most_entries)
    throw Error(ErrorCode::unreadable, fmt::format("manifest: layers: at most {}; got {}", most_entries, entries.size()));
  std::vector<VolumeLayer> layers;
  for (std::size_t n = 0; n < entries.size(); ++n) layers.push_back(layer_in(entries[n], n, weights));
  if (!weights.tensors.empty())
    throw Error(ErrorCode::unreadable, fmt::format("{}: {} belongs to no layer", weights_name, weights.tensors.begin()->first));
  ImportedNetwork imported{.network = VolumeNetwork(std::move(layers)), .classes = classes_in(manifest), .format = "gantry bundle"};
  if (std::ssize(imported.classes) != imported.network.outputs())
    throw Error(ErrorCode::unreadable,
                fmt::format("manifest: classes: must be the network's {}; got {}", imported.network.outputs(), imported.classes.size()));
  const Json& input = member(manifest, "input", Json::value_t::object);
  if (member(input, "conform", Json::value_t::string) != conforming)
    throw Error(ErrorCode::refused, fmt::format("manifest: conform: must be {}", conforming));
  const Json& size = member(input, "size", Json::value_t::array);
  if (size.size() != 3) throw Error(ErrorCode::unreadable, "manifest: size: must have three numbers");
  for (std::size_t n = 0; n < 3; ++n) imported.input_size[n] = whole_member(Json{{"size", size[n]}}, "size", 1, 1024);
  const Json& range = member(input, "range", Json::value_t::object);
  imported.range = {number_member(range, "low_quantile", 0, 1), number_member(range, "high_quantile", 0, 1)};
  if (!(imported.range.low < imported.range.high))
    throw Error(ErrorCode::unreadable, "manifest: range: low_quantile must lie below high_quantile");
  return imported;
}

}  // namespace gantry::bundle
