// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/json.h"

namespace gantry::archive {

/// The trained models that are installed: the folders of `models/`. One that holds a `manifest.json` is a bundle; one with weights and a
/// card only belongs to a method. Thread-safe.
class Models {
 public:
  /// `folder` may be empty or missing: there are no models then. `profiles`: where the profiles lie that name models; may be empty.
  Models(Path folder, Path profiles);

  /// Every model by name: `name`, `form` ("bundle" or "part"), `sha256` (of the manifest; of the weights where there is none), `bytes`,
  /// `profiles` (ids of those that use it), `error` (null, or why it cannot be used: `state` is then "damaged", otherwise "whole"); of a
  /// bundle also `id`, `version`, `task`, `title`, `intended_use`, `not_for`, `data`, `licence`, `limits`, `scope`, `classes` (names) and
  /// `figures` (of its manifest, without those of single cases). Every file of a model is read and compared with its manifest the first
  /// time, and again when its size or time has changed.
  Json list() const;
  /// One of them with its card (`card`, Markdown; empty without one) and the listed `files`. Error(not_found).
  Json find(const std::string& name) const;

 private:
  struct Known {
    std::string stamp;  ///< sizes and times of the files that were read
    Json model;
  };
  Json described(const Path& folder) const;

  Path folder_, profiles_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Known> known_;
};

}  // namespace gantry::archive
