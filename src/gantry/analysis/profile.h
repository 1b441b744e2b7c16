// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/report/document.h"

namespace gantry::analysis {

/// What the program does with one kind of series: one file `profiles/ID.json`, whose form docs/reference/profile.md describes.
struct Profile {
  /// When a profile applies. An empty list asks nothing. All conditions must hold.
  struct AppliesTo {
    std::vector<std::string> modalities;  ///< "CT", "MR", "PT", "*"
    std::vector<std::string> body_parts;  ///< any of these words in BodyPartExamined, study, series or protocol description
    std::vector<std::string> contents;    ///< what must be seen in the voxels: "lungs"
    bool volume = false;                  ///< needs a volume of at least two slices
  };
  std::string id, version;
  Words name;
  int priority = 0;  ///< the applicable profile with the highest one is taken
  AppliesTo applies_to;
  std::vector<std::string> methods;  ///< ids of the table in methods.h, run in this order
  Json parameters;                   ///< object; each method reads its own keys
  Json models;                       ///< array of {bundle, replaces | joins}; empty as long as all methods are measured ones

  /// The parameter `key`, or `fallback` when the file has none. Throws Error(parameter) when it is no number in [low, high].
  double number(std::string_view key, double fallback, double low, double high) const;
};

/// The folder of the profile's model of this number, counted from 0. Throws Error(parameter) when the profile names none and
/// Error(not_possible) when it does not lie in `models/`.
Path model_folder(const Profile& profile, std::size_t number);

/// Reads one profile. Unknown keys, missing ids and unknown methods throw Error(parameter) that names them.
Profile parse_profile(std::string_view json_text);
/// All `*.json` of a folder, by falling priority, then id.
std::vector<Profile> read_profiles(const Path& folder);

/// What is known of a series when a profile is chosen for it.
struct SeriesTraits {
  std::string modality;
  std::string words;  ///< lower case: body part, study, series and protocol descriptions together
  bool is_volume = false;
  std::vector<std::string> contents;
};
bool applies(const Profile& profile, const SeriesTraits& traits);

}  // namespace gantry::analysis
