// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <string>

#include "gantry/base/files.h"
#include "gantry/base/json.h"

namespace gantry::bundle {

/// A trained model as a folder: `manifest.json`, and the files that it lists with size and SHA-256 (weights, card). The manifest says
/// what the model is: name, version, task, classes, input, architecture, calibration, scope, training and figures
/// (docs/reference/bundle.md).
struct Bundle {
  Path folder;
  Json manifest;
  std::string sha256;  ///< of manifest.json, and with it of all that it lists
  std::string name, version, task;

  /// `name@version sha256:digest`: what results name.
  std::string id() const { return name + "@" + version + " sha256:" + sha256; }
  Path file(const std::string& listed) const { return folder / listed; }
};

/// Opens a bundle and checks it: manifest within 4 MB, name and version of plain letters, every listed file there, plain of name, of the
/// stated size and digest. Other files of the folder are left alone. Throws Error(not_found), Error(unreadable) or, where a file is not
/// what the manifest says, Error(refused). Reads every listed file once.
Bundle open_bundle(const Path& folder);

/// The folder of an installed bundle: `models/NAME` of what came with Gantry or of what the user imported. Throws Error(parameter) for a
/// name that is not of a-z, 0-9 and _, and Error(not_found) when there is none.
Path installed_bundle(const std::string& name);

/// Writes a bundle: adds `files` with size and digest to the manifest, and exchanges the folder as a whole. A destination that is there
/// must be empty or hold only a bundle, else Error(usage). `manifest` must have name, version and task.
void write_bundle(const Path& destination, Json manifest, const std::map<std::string, Bytes>& files);

/// Throws Error(usage) when `destination` holds anything that `write_bundle` would not replace.
void check_bundle_destination(const Path& destination);

/// The member `key` of a JSON object of the wanted kind; else Error(unreadable) `manifest: KEY: ...`.
const Json& member(const Json& object, const std::string& key, Json::value_t kind);
/// A number in [low, high]; `whole_member` also asks for no fraction.
double number_member(const Json& object, const std::string& key, double low, double high);
int whole_member(const Json& object, const std::string& key, int low, int high);

}  // namespace gantry::bundle
