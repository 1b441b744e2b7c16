// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/profile.h"

#include <fmt/core.h>

#include <algorithm>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::analysis {

namespace {

[[noreturn]] void refuse(const std::string& subject, const std::string& rule) {
  throw Error(ErrorCode::parameter, fmt::format("{}: {}", subject, rule));
}

void check_keys(const Json& object, const std::string& subject, const std::vector<std::string>& known) {
  if (!object.is_object()) refuse(subject, "must be an object");
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string near = nearest_word(key, known);
    refuse(subject, fmt::format("unknown key '{}'{}", key, near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
}

std::string text_of(const Json& object, const std::string& key, const std::string& subject) {
  if (!object.contains(key) || !object[key].is_string() || object[key].get<std::string>().empty()) {
    refuse(subject, fmt::format("'{}' must be a text that is not empty", key));
  }
  return object[key].get<std::string>();
}

std::vector<std::string> list_of(const Json& object, const std::string& key, const std::string& subject) {
  std::vector<std::string> list;
  if (!object.contains(key)) return list;
  if (!object[key].is_array()) refuse(subject, fmt::format("'{}' must be an array of texts", key));
  for (const Json& item : object[key]) {
    if (!item.is_string()) refuse(subject, fmt::format("'{}' must be an array of texts", key));
    list.push_back(item.get<std::string>());
  }
  return list;
}

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

double Profile::number(std::string_view key, double fallback, double low, double high) const {
  const std::string name(key);
  if (!parameters.is_object() || !parameters.contains(name)) return fallback;
  const Json& value = parameters[name];
  const double number = value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
  if (!(number >= low && number <= high)) {
    refuse(fmt::format("profile {}: {}", id, key),
           fmt::format("must be a number from {} to {}; got {}", shortest(low), shortest(high), value.dump()));
  }
  return number;
}

Path model_folder(const Profile& profile, std::size_t number) {
  const Json none;
  const Json& model = number < profile.models.size() ? profile.models[number] : none;
  if (!model.is_object() || !model.contains("bundle") || !model["bundle"].is_string())
    throw Error(ErrorCode::parameter, fmt::format("profile {}: models: must name a bundle", profile.id));
  const std::string name = model["bundle"];
  const Path folder = find_resource(Path("models") / name);
  if (name.find('/') != std::string::npos || folder.empty())
    throw Error(ErrorCode::not_possible, fmt::format("model {}: must lie in models/; it is not there", name));
  return folder;
}

Profile parse_profile(std::string_view json_text) {
  const Json json = parse_json(json_text);
  check_keys(json, "profile", {"id", "version", "name", "priority", "applies_to", "methods", "parameters", "models"});
  Profile profile;
  profile.id = text_of(json, "id", "profile");
  const std::string subject = "profile " + profile.id;
  profile.version = text_of(json, "version", subject);
  check_keys(json.value("name", Json::object()), subject + ": name", {"en", "zh"});
  profile.name = {text_of(json["name"], "en", subject + ": name"), text_of(json["name"], "zh", subject + ": name")};
  if (json.contains("priority")) {
    if (!json["priority"].is_number_integer()) refuse(subject, "'priority' must be a whole number");
    profile.priority = json["priority"].get<int>();
  }
  const Json conditions = json.value("applies_to", Json::object());
  check_keys(conditions, subject + ": applies_to", {"modalities", "body_parts", "contents", "volume"});
  profile.applies_to.modalities = list_of(conditions, "modalities", subject);
  profile.applies_to.body_parts = list_of(conditions, "body_parts", subject);
  profile.applies_to.contents = list_of(conditions, "contents", subject);
  for (const std::string& content : profile.applies_to.contents) {
    if (content != "lungs") refuse(subject, fmt::format("'contents' knows only 'lungs'; got '{}'", content));
  }
  if (conditions.contains("volume")) {
    if (!conditions["volume"].is_boolean()) refuse(subject, "'volume' must be true or false");
    profile.applies_to.volume = conditions["volume"].get<bool>();
  }
  profile.methods = list_of(json, "methods", subject);
  if (profile.methods.empty()) refuse(subject, "'methods' must name at least one method");
  profile.parameters = json.value("parameters", Json::object());
  if (!profile.parameters.is_object()) refuse(subject, "'parameters' must be an object");
  profile.models = json.value("models", Json::array());
  if (!profile.models.is_array()) refuse(subject, "'models' must be an array");
  return profile;
}

std::vector<Profile> read_profiles(const Path& folder) {
  std::vector<Profile> profiles;
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const Path& file : files) {
    profiles.push_back(with_context(file.filename().string(), [&] { return parse_profile(read_text(file, 1 << 20)); }));
  }
  std::stable_sort(profiles.begin(), profiles.end(),
                   [](const Profile& a, const Profile& b) { return a.priority != b.priority ? a.priority > b.priority : a.id < b.id; });
  return profiles;
}

bool applies(const Profile& profile, const SeriesTraits& traits) {
  const Profile::AppliesTo& conditions = profile.applies_to;
  if (!conditions.modalities.empty() && !contains(conditions.modalities, "*") && !contains(conditions.modalities, traits.modality))
    return false;
  if (conditions.volume && !traits.is_volume) return false;
  if (!conditions.body_parts.empty() &&
      std::none_of(conditions.body_parts.begin(), conditions.body_parts.end(),
                   [&](const std::string& word) { return traits.words.find(lower(word)) != std::string::npos; })) {
    return false;
  }
  return std::all_of(conditions.contents.begin(), conditions.contents.end(),
                     [&](const std::string& content) { return contains(traits.contents, content); });
}

}  // namespace gantry::analysis
