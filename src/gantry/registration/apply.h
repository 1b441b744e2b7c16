// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/points_port.h"
#include "gantry/volume/resample.h"

namespace gantry {

/// Brings an image or labels to the grid of a reference by a transform. Reference page: registration.apply.
struct ApplyTransform {
  Interpolation interpolation = Interpolation::linear;
  double outside = 0;

  /// Throws Error(not_possible) for several frames, complex images, and nearest with several components.
  Image operator()(const Image& moving, const Transform& transform, const Image& reference, Run& run) const;
  Cost cost(const Image& moving, const Transform& transform, const Image& reference) const;
  Grid output_grid(const Image& moving, const Transform& transform, const Image& reference) const;
  static void describe(Description<ApplyTransform>& d);
};

/// Takes points through a transform or back. Reference page: registration.apply_points.
struct ApplyToPoints {
  bool inverse = false;

  /// Throws Error(not_possible) when a point has no inverse within 1e-4 mm. Warns of points outside the field.
  PointSet operator()(const PointSet& points, const Transform& transform, Run& run) const;
  static void describe(Description<ApplyToPoints>& d);
};

}  // namespace gantry
