// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"
#include "gantry/volume/filters.h"

namespace gantry {

/// Smooths with a Gaussian of the given standard deviation in millimetres; spacing is respected, frames and components are smoothed
/// each on its own, the result is f32. Cost: three passes, two volumes of scratch. Reference page: filter.gaussian.
struct GaussianSmoothing {
  double sigma = 1.0;
  Border border = Border::mirror;

  Image operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<GaussianSmoothing>& d);
};

}  // namespace gantry
