// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"

namespace gantry {

/// Labels the voxels whose value lies in [lower, upper]; NaN never does. Values are compared in f32. Cost: one byte a voxel. Reference
/// page: segmentation.threshold.
struct Threshold {
  std::optional<double> lower;
  std::optional<double> upper;

  Labels operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<Threshold>& d);
};

}  // namespace gantry
