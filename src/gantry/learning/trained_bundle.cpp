// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/trained_bundle.h"

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/version.h"
#include "gantry/learning/card.h"

namespace gantry::learning {

namespace {

constexpr const char* weights_name = "weights.safetensors";

}  // namespace

Json read_description(const Path& file) {
  const Json json = with_context(file.filename().string(), [&] { return parse_json(read_text(file, std::uint64_t{1} << 20), 8); });
  static const std::vector<std::pair<std::string, Json::value_t>> known{
      {"title", Json::value_t::string},   {"version", Json::value_t::string}, {"intended_use", Json::value_t::string},
      {"not_for", Json::value_t::string}, {"data", Json::value_t::string},    {"licence", Json::value_t::string},
      {"limits", Json::value_t::array},   {"scope", Json::value_t::object}};
  if (!json.is_object()) throw Error(ErrorCode::parameter, "description: must be an object");
  for (const auto& [key, value] : json.items()) {
    const auto found = std::find_if(known.begin(), known.end(), [&, &key = key](const auto& k) { return k.first == key; });
    if (found == known.end()) throw Error(ErrorCode::parameter, "description: has no member " + Json(key).dump());
    if (value.type() != found->second)
      throw Error(ErrorCode::parameter, fmt::format("description: {}: is of the wrong kind: {}", key, value.type_name()));
  }
  return json;
}

void describe_bundle(const Path& folder, const Json& description) {
  bundle::Bundle bundle = bundle::open_bundle(folder);
  if (!bundle.manifest.contains("training"))
    throw Error(ErrorCode::not_possible, bundle.name + ": must be a bundle that gantry train wrote");
  bundle.manifest["description"] = description;
  bundle.manifest["version"] = description.value("version", bundle.version);
  std::string card;
  try {
    card = card_of(bundle.manifest);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::unreadable, bundle.name + ": manifest: must hold the training record and figures that a card shows");
  }
  write_atomic(bundle.file("card.md"), card);
  bundle.manifest["files"]["card.md"] = {{"bytes", card.size()}, {"sha256", sha256_hex(card)}};
  write_atomic(bundle.file("manifest.json"), to_text(bundle.manifest));
}

BundlePlace place_for(const Path& destination) {
  BundlePlace place{destination, {}};
  if (!place.folder.has_filename()) place.folder = place.folder.parent_path();
  bundle::check_bundle_destination(place.folder);
  if (std::error_code ignored; place.folder.has_parent_path()) std::filesystem::create_directories(place.folder.parent_path(), ignored);
  place.checkpoint = place.folder.parent_path() / ("." + place.folder.filename().string() + ".training");
  return place;
}

Json manifest_of(const BundlePlace& place, const std::string& task, const Json& description, const std::vector<std::string>& classes) {
  Json manifest{{"name", place.folder.filename().string()}, {"version", description.value("version", "1")}, {"task", task}};
  manifest["description"] = description;
  Json& list = manifest["classes"] = Json::array();
  for (const std::string& name : classes) list.push_back({{"name", name}});
  return manifest;
}

Json training_of(Device device, const Run& run) {
  Json training{{"gantry_version", version()}, {"engine", engine().name()}, {"seed", run.seed()}, {"threads", run.threads()}};
  if (device != Device::cpu) training["device"] = name_of(device);
  return training;
}

void write_trained(const BundlePlace& place, const Json& manifest, const Weights& weights, std::map<std::string, Bytes> files, Run& run) {
  const std::string card = card_of(manifest);
  const auto* text = reinterpret_cast<const std::byte*>(card.data());
  files[weights_name] = bundle::encode_safetensors(weights);
  files["card.md"] = Bytes(text, text + card.size());
  bundle::write_bundle(place.folder, manifest, files);
  std::error_code ignored;
  std::filesystem::remove(place.checkpoint, ignored);
  run.progress(1, "written");
}

std::vector<std::string> class_names(const Json& manifest, std::size_t most) {
  std::vector<std::string> classes;
  for (const Json& one : bundle::member(manifest, "classes", Json::value_t::array)) {
    if (!one.is_object()) throw Error(ErrorCode::unreadable, "manifest: classes: must hold objects");
    classes.push_back(bundle::member(one, "name", Json::value_t::string));
  }
  if (classes.size() < 2 || classes.size() > most)
    throw Error(ErrorCode::unreadable, fmt::format("manifest: classes: must be 2 to {}; got {}", most, classes.size()));
  return classes;
}

Weights weights_of(const bundle::Bundle& bundle) {
  if (!bundle.manifest["files"].contains(weights_name))
    throw Error(ErrorCode::unreadable, fmt::format("manifest: files: must list {}", weights_name));
  return bundle::read_safetensors(bundle.file(weights_name));
}

}  // namespace gantry::learning
