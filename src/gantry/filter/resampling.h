// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"
#include "gantry/volume/resample.h"

namespace gantry {

/// Brings an image to another spacing, or to the grid of a reference image. `nearest` keeps the pixel type, so that labels stay labels;
/// linear and cubic give f32. Frames each on their own. Cost: the result, and for cubic one volume of the input. Reference page:
/// filter.resample.
struct Resampling {
  std::optional<Vec3> spacing;
  Interpolation interpolation = Interpolation::linear;
  double outside = 0;

  Image operator()(const Image& image, const Image* reference, Run& run) const;
  Cost cost(const Image& image, const Image* reference) const;
  Grid output_grid(const Image& image, const Image* reference) const;
  static void describe(Description<Resampling>& d);
};

}  // namespace gantry
