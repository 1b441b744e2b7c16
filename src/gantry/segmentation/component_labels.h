// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"
#include "gantry/volume/morphology.h"

namespace gantry {

/// Numbers the connected parts of a mask, the largest first. Voxels that are not zero are the mask. Cost: the i32 result, the runs of the
/// mask. Reference page: segmentation.connected_components.
struct ComponentLabels {
  Connectivity connectivity = Connectivity::corners;
  double minimum_volume = 0;
  int keep = 0;

  struct Result {
    Labels labels;
    Table components;  ///< a row each: label, voxels, volume_ml, centre x, y, z in LPS mm, box begin and size in voxels, touches_border
  };
  Result operator()(const Image& mask, Run& run) const;
  Cost cost(const Image& mask) const;
  static void describe(Description<ComponentLabels>& d);
};

}  // namespace gantry
