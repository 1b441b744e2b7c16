// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/models.h"

#include <fmt/format.h>

#include <algorithm>

#include "gantry/analysis/profile.h"
#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/bundle/bundle.h"

namespace gantry::archive {

namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t most_card = std::uint64_t{1} << 20, most_weights = std::uint64_t{4} << 30;
constexpr std::size_t most_models = 1000;

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json strings_of(const Json& object, const char* key) {
  Json texts = Json::array();
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return texts;
  for (const Json& one : *found) {
    if (one.is_string()) texts.push_back(one);
  }
  return texts;
}

Json object_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : Json::object();
}

/// Figures of parts and structures; those of single cases and confusion tables fill pages and stay in the manifest.
Json figures_of(const Json& manifest) {
  Json figures = Json::object();
  const Json all = object_of(manifest, "figures");
  for (const auto& [part, values] : all.items()) {
    if (!values.is_object()) continue;
    Json& one = figures[part] = Json::object();
    for (const auto& [key, value] : values.items()) {
      if (key != "confusion" && !key.ends_with("_of_cases")) one[key] = value;
    }
  }
  return figures;
}

/// What is known of a bundle whose files are as its manifest says.
Json of_bundle(const bundle::Bundle& bundle) {
  const Json description = object_of(bundle.manifest, "description");
  Json classes = Json::array();
  if (const auto found = bundle.manifest.find("classes"); found != bundle.manifest.end() && found->is_array()) {
    for (const Json& one : *found) {
      if (one.is_object()) classes.push_back(text_of(one, "name"));
    }
  }
  Json model{{"form", "bundle"},
             {"id", bundle.id()},
             {"version", bundle.version},
             {"task", bundle.task},
             {"sha256", bundle.sha256},
             {"classes", classes},
             {"limits", strings_of(description, "limits")},
             {"scope", object_of(description, "scope")},
             {"figures", figures_of(bundle.manifest)},
             {"files", object_of(bundle.manifest, "files")}};
  for (const char* key : {"title", "intended_use", "not_for", "data", "licence"}) model[key] = text_of(description, key);
  model["card"] = model["files"].contains("card.md") ? to_valid_utf8(read_text(bundle.file("card.md"), most_card)) : "";
  return model;
}

Json of_part(const Path& folder) {
  const Path weights = folder / "weights.safetensors", card = folder / "card.md";
  const Bytes bytes = read_bytes(weights, most_weights);
  const std::string digest = sha256_hex(bytes);
  return {{"form", "part"},
          {"sha256", digest},
          {"files", {{"weights.safetensors", {{"bytes", bytes.size()}, {"sha256", digest}}}}},
          {"card", fs::is_regular_file(card) ? to_valid_utf8(read_text(card, most_card)) : ""}};
}

bool is_bundle(const Path& folder) { return fs::is_regular_file(folder / "manifest.json"); }
bool is_model(const Path& folder) { return is_bundle(folder) || fs::is_regular_file(folder / "weights.safetensors"); }

/// Sizes and times of a folder's files, from which a change shows.
std::string stamp_of(const Path& folder) {
  std::vector<std::string> lines;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(folder, gone)) {
    if (!entry.is_regular_file(gone)) continue;
    const auto time = fs::last_write_time(entry.path(), gone).time_since_epoch().count();
    lines.push_back(fmt::format("{} {} {}", entry.path().filename().string(), fs::file_size(entry.path(), gone), time));
  }
  std::sort(lines.begin(), lines.end());
  return join(lines, "\n");
}

/// The ids of the profiles in which each model takes part.
std::map<std::string, std::vector<std::string>> uses_of(const Path& profiles) {
  std::map<std::string, std::vector<std::string>> uses;
  if (profiles.empty()) return uses;
  for (const analysis::Profile& profile : analysis::read_profiles(profiles)) {
    if (!profile.models.is_array()) continue;
    for (const Json& model : profile.models) uses[text_of(model, "bundle")].push_back(profile.id);
  }
  return uses;
}

}  // namespace

Models::Models(Path folder, Path profiles) : folder_(std::move(folder)), profiles_(std::move(profiles)) {}

Json Models::described(const Path& folder) const {
  const std::string name = folder.filename().string();
  const std::string stamp = stamp_of(folder);
  {
    const std::lock_guard guard(mutex_);
    const auto found = known_.find(name);
    if (found != known_.end() && found->second.stamp == stamp) return found->second.model;
  }
  Json model;
  try {
    model = is_bundle(folder) ? of_bundle(bundle::open_bundle(folder)) : of_part(folder);
    model["state"] = "whole";
    model["error"] = nullptr;
  } catch (const Error& error) {
    model = {{"form", is_bundle(folder) ? "bundle" : "part"}, {"sha256", ""}, {"files", Json::object()}, {"card", ""}};
    model["state"] = "damaged";
    model["error"] = to_valid_utf8(error.what());
  }
  model["name"] = to_valid_utf8(name);
  std::uint64_t bytes = 0;
  for (const auto& [file, entry] : model["files"].items()) bytes += entry.value("bytes", std::uint64_t{0});
  model["bytes"] = bytes;
  const std::lock_guard guard(mutex_);
  known_[name] = {stamp, model};
  return model;
}

Json Models::list() const {
  Json models = Json::array();
  std::vector<Path> folders;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(folder_, gone)) {
    if (entry.is_directory(gone) && is_model(entry.path()) && folders.size() < most_models) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  const auto uses = uses_of(profiles_);
  for (const Path& folder : folders) {
    Json model = described(folder);
    model.erase("card");
    model.erase("files");
    const auto used = uses.find(folder.filename().string());
    model["profiles"] = used == uses.end() ? Json::array() : Json(used->second);
    models.push_back(std::move(model));
  }
  return models;
}

Json Models::find(const std::string& name) const {
  const bool plain = !name.empty() && name.find('/') == std::string::npos && !name.starts_with('.');
  const Path folder = folder_ / name;
  std::error_code gone;
  if (folder_.empty() || !plain || !fs::is_directory(folder, gone) || !is_model(folder)) {
    throw Error(ErrorCode::not_found, "model: there is none of this name");
  }
  Json model = described(folder);
  const auto uses = uses_of(profiles_);
  const auto used = uses.find(name);
  model["profiles"] = used == uses.end() ? Json::array() : Json(used->second);
  return model;
}

}  // namespace gantry::archive
