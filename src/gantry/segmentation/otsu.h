// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"

namespace gantry {

/// Finds the value that separates an image into two classes best and labels the voxels above it. Values that are not finite do not count
/// and are not labelled, but +infinity is. Cost: one byte a voxel. Reference page: segmentation.otsu.
struct OtsuThreshold {
  int bins = 256;

  struct Result {
    Labels labels;
    Json threshold;  ///< {"threshold": value}
  };
  Result operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<OtsuThreshold>& d);
};

}  // namespace gantry
