// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/visualization/slice.h"

namespace gantry {

/// Projects a volume on a plane: the largest, smallest or mean value along each line of sight. The result is a 2-D image (f32) that lies in
/// the world where it was projected, with the patient's right on its left. Frames are projected each on its own; cost is one pass over
/// the volume, or one linear sample a voxel when the viewer walks around the patient. Reference page: visualization.mip.
struct IntensityProjection {
  Projection method = Projection::maximum;
  Plane plane = Plane::coronal;
  double angle = 0;
  double slab = 0;
  std::optional<double> position;

  Image operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<IntensityProjection>& d);
};

}  // namespace gantry
