// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>

#include "gantry/base/run.h"
#include "gantry/bundle/network_bundle.h"
#include "gantry/image/labels.h"

namespace gantry::learning {

/// A box along the axes of the world, in millimetres.
struct WorldBox {
  Vec3 low, high;
};

/// Segments a head with an imported network: conforms the image, scales its values as the network was trained, takes the class with the
/// highest output at each voxel, keeps the largest component of all that is not background (as brainchop does) and brings the classes back
/// to the grid of `image` (nearest neighbour). `method` is the text that the rows of the table carry. Throws as `conformed` and
/// `run_mesh_network` do, and Error(not_possible) for classes whose network has no stated input size.
/// With `only`, classes are found in that part of the head alone, and all else is background: the network then runs over the part and what
/// it can see from there (over everything when its layers are normalised), which gives the same outputs in a fraction of the time.
Labels segment_volume(const bundle::ImportedNetwork& network, const Image& image, const std::string& method, Run& run,
                      const std::optional<WorldBox>& only = {});

/// Rows for all classes but the first, with ids made of their names.
std::vector<Label> label_table(const std::vector<bundle::NetworkClass>& classes, const std::string& method);

/// A bundle that holds such a network.
class VolumeModel {
 public:
  /// Throws as `open_bundle` and `read_network_bundle` do.
  explicit VolumeModel(const Path& folder);
  const bundle::Bundle& bundle() const { return bundle_; }
  const bundle::ImportedNetwork& network() const { return network_; }
  /// `segment_volume` with the id of the bundle as method.
  Labels segment(const Image& image, Run& run, const std::optional<WorldBox>& only = {}) const;

 private:
  bundle::Bundle bundle_;
  bundle::ImportedNetwork network_;
};

}  // namespace gantry::learning
