// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"

namespace gantry {

/// Agreement of two label images on the same grid, label by label: Dice, Jaccard, 95th percentile and mean of the surface distances, share
/// of the surfaces within a tolerance, volumes. Reference page: segmentation.compare.
struct CompareLabels {
  double tolerance = 1.0;

  /// {"labels": {"1": {"dice", "jaccard", "hd95_mm", "asd_mm", "nsd", "volume_a_ml", "volume_b_ml"}, ...}}: every value but 0 that is in
  /// one of the images. Distances are null where one of them lacks the label. Throws Error(not_possible) when the grids differ or a value
  /// is no whole number.
  Json operator()(const Image& a, const Image& b, Run& run) const;
  Cost cost(const Image& a, const Image& b) const;
  static void describe(Description<CompareLabels>& d);
};

}  // namespace gantry
