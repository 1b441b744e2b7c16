// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>

#include "gantry/bundle/bundle.h"
#include "gantry/bundle/network.h"

namespace gantry::bundle {

/// Writes a network that was read from a foreign format as a bundle of task `segmentation` and architecture `volume_network`:
/// weights.safetensors (tensors LAYER_NUMBER.weights and LAYER_NUMBER.bias), card.md and, where given, LICENSE. `description` may have
/// title, version, intended_use, not_for, data, licence and limits, as for `gantry train`. The name of the bundle is that of its folder.
/// Throws as `write_bundle` does.
void write_network_bundle(const Path& destination, const ImportedNetwork& imported, const Json& description,
                          const std::optional<Bytes>& licence);

/// Whether the manifest says that the bundle holds such a network.
bool holds_network(const Bundle& bundle);

/// The network of such a bundle; `producer` is empty. Throws Error(unreadable) for a manifest or weights that do not fit together and
/// Error(refused) when it is another kind of bundle.
ImportedNetwork read_network_bundle(const Bundle& bundle);

}  // namespace gantry::bundle
