// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"
#include "gantry/volume/filters.h"

namespace gantry {

/// Replaces each voxel by the median of the cube of 2 r + 1 voxels around it; frames each on their own, f32 result. NaN counts as larger
/// than any number. Cost: one volume. Reference page: filter.median.
struct MedianFilter {
  int radius = 1;
  Border border = Border::mirror;

  Image operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<MedianFilter>& d);
};

}  // namespace gantry
