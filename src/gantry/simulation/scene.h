// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gantry/base/run.h"
#include "gantry/image/image.h"
#include "gantry/simulation/shape.h"

namespace gantry::simulation {

/// Structure of a paint that changes the value alone and leaves each point to the structure it belonged to.
constexpr int keep_structure = -1;
/// The structure of everything that was never painted.
constexpr int no_structure = 0;

/// What a region is made of.
struct Paint {
  float value = 0;  ///< in the unit of the modality
  Field texture;    ///< added to `value` at each point; may be empty
  int structure = keep_structure;
  int lesion = 0;           ///< 1-based number of a lesion, 0 = none
  std::vector<int> within;  ///< painted only where one of these structures was before; empty = everywhere
  bool at_least = false;    ///< what is denser stays: vessels go on through ground glass
};

/// An image of a scene with what is known about it.
struct Rendering {
  Voxels<float> value;
  Voxels<std::uint8_t> structures;    ///< the structure that fills most of each voxel
  Voxels<std::uint8_t> lesions;       ///< the lesion that fills at least half of each voxel
  std::vector<double> structure_mm3;  ///< volume by structure, out of the fractions of all voxels (partial volume)
  std::vector<double> lesion_mm3;     ///< volume by lesion, likewise
};

/// Regions of the world painted one over the other, in order. It holds no voxels: it can be rendered on any grid, and the shapes
/// remain for whoever integrates along rays.
class Scene {
 public:
  explicit Scene(float background) : background_(background) {}

  /// Shapes are given in model millimetres; a point of the world is `scale` times the point of the model, axis by axis (a larger or
  /// broader patient). 1 unless set.
  void set_scale(Vec3 world_from_model) { scale_ = world_from_model; }
  Vec3 scale() const { return scale_; }

  /// Number of the structure `id`, added when it is new.
  int structure(std::string_view id);
  const std::vector<std::string>& structure_ids() const { return structure_ids_; }
  void paint(Paint paint, Shape shape);
  /// Paints the union of capsules; thin ones (below a voxel) keep their cross-section.
  void paint(Paint paint, std::vector<Capsule> pieces);

  /// Fractions of each voxel come from the field and its gradient: the part of a box on one side of a plane, taken as a ramp as wide as
  /// the box's standard deviation asks for. Blocks are decided by an octree on the Lipschitz bounds, so cost goes with surface, not volume.
  /// The same bits for any number of threads.
  Rendering render(const Grid& grid, Run& run) const;

 private:
  struct Layer {
    Paint paint;
    std::variant<Shape, std::vector<Capsule>> region;
  };
  class Block;
  float background_;
  Vec3 scale_{1, 1, 1};
  std::vector<std::string> structure_ids_{""};
  std::vector<Layer> layers_;
};

}  // namespace gantry::simulation
