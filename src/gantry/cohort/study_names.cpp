// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/study_names.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"

namespace gantry {

namespace {

std::vector<std::string> parts_of(const Path& path) {
  std::vector<std::string> words;
  for (const Path& part : std::filesystem::absolute(path).lexically_normal()) {
    if (!part.empty() && part != "/") words.push_back(part.string());
  }
  if (words.empty()) words.emplace_back("root");
  for (const std::string ending : {".nii.gz", ".nii", ".nrrd", ".mha", ".zip", ".dcm"}) {
    std::string& last = words.back();
    if (last.size() <= ending.size() || !lower(last).ends_with(ending)) continue;
    last.resize(last.size() - ending.size());
    break;
  }
  return words;
}

std::string fit(const std::string& text) {
  constexpr std::size_t longest = 120;
  std::string name = to_valid_utf8(text);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, '_');
  if (name.starts_with('.')) name.insert(0, "_");
  if (name.size() > longest) name = to_valid_utf8(name.substr(0, longest - 20)) + "_" + sha256_hex(text).substr(0, 12);
  return name;
}

}  // namespace

std::string path_key(const Path& path) {
  Path whole = std::filesystem::absolute(path).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  return sha256_hex(whole.string()).substr(0, 32);
}

std::vector<std::string> study_names(const std::vector<Path>& paths, const std::map<std::string, std::string>& known) {
  std::vector<std::vector<std::string>> parts;
  std::vector<std::string> keys;
  std::set<std::string> seen, taken{"cohort.csv", "cohort.json", "provenance.json"};
  for (const auto& [key, name] : known) taken.insert(name);
  for (const Path& path : paths) {
    parts.push_back(parts_of(path));
    keys.push_back(path_key(path));
    if (!seen.insert(keys.back()).second)
      throw Error(ErrorCode::usage, fit(path.filename().string()) + ": must be given once; is there twice");
  }
  std::vector<std::size_t> used(paths.size(), 1);
  const auto name = [&](std::size_t n) {
    const auto count = static_cast<std::ptrdiff_t>(used[n]);
    return join(std::vector<std::string>(parts[n].end() - count, parts[n].end()), "_");
  };
  for (bool changed = true; changed;) {
    changed = false;
    std::map<std::string, std::vector<std::size_t>> groups;
    for (std::size_t n = 0; n < paths.size(); ++n) groups[name(n)].push_back(n);
    for (const auto& [text, members] : groups) {
      if (members.size() < 2) continue;
      for (const std::size_t n : members) {
        if (used[n] == parts[n].size()) continue;
        ++used[n];
        changed = true;
      }
    }
  }
  std::vector<std::string> names;
  for (std::size_t n = 0; n < paths.size(); ++n) {
    if (const auto place = known.find(keys[n]); place != known.end()) {
      names.push_back(place->second);
      continue;
    }
    const std::string first = fit(name(n));
    std::string one = first;
    for (int number = 2; !taken.insert(one).second; ++number) one = fmt::format("{}_{}", first, number);
    names.push_back(one);
  }
  return names;
}

}  // namespace gantry
