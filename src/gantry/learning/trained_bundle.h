// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/run.h"
#include "gantry/bundle/bundle.h"
#include "gantry/learning/engine.h"

namespace gantry::learning {

/// What a person says of a model beside its figures: a JSON object with the texts `title`, `intended_use`, `not_for`, `data`, `licence`,
/// the list of texts `limits`, and the object `scope` (docs/reference/bundle.md). Throws Error(parameter) for other members.
Json read_description(const Path& file);

/// Puts a description in the place of a bundle's own and writes card and manifest anew; weights and figures stay. Other files of the folder
/// are left alone. Throws Error(not_possible) for a bundle that `gantry train` did not write.
void describe_bundle(const Path& folder, const Json& description);

/// Where a training writes.
struct BundlePlace {
  Path folder;
  Path checkpoint;  ///< `.NAME.training` beside the folder; it goes when the bundle is whole
};
/// The place for a bundle; makes the folder around it. Throws Error(usage) when something else is there.
BundlePlace place_for(const Path& destination);

/// What every manifest says first; `description.version` is the bundle's version.
Json manifest_of(const BundlePlace& place, const std::string& task, const Json& description, const std::vector<std::string>& classes);
/// What every training record says first: versions, seed, threads and device.
Json training_of(Device device, const Run& run);
/// Writes the bundle with its card and `files`, then removes the checkpoint.
void write_trained(const BundlePlace& place, const Json& manifest, const Weights& weights, std::map<std::string, Bytes> files, Run& run);

/// The names of the classes of a manifest. Throws Error(unreadable) unless there are 2 to `most`.
std::vector<std::string> class_names(const Json& manifest, std::size_t most);
/// The weights of an opened bundle. Throws Error(unreadable) when it lists none.
Weights weights_of(const bundle::Bundle& bundle);

}  // namespace gantry::learning
