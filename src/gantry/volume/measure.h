// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <vector>

#include "gantry/volume/filters.h"

namespace gantry {

/// Descriptive statistics of the values under a mask; all zero for no voxels. `voxels` and `volume_mm3` count the mask; the other
/// figures leave out NaN and infinity (zero when nothing is left). The standard deviation divides by the number of values.
struct RegionStatistics {
  std::int64_t voxels = 0;
  double volume_mm3 = 0;
  double mean = 0, standard_deviation = 0, minimum = 0, maximum = 0, median = 0;
};
RegionStatistics region_statistics(const VoxelView<float>& image, const MaskView& mask, const Run& run);
/// Number of voxels of each label value but 0.
std::map<int, std::int64_t> label_counts(const VoxelView<std::int32_t>& labels, const Run& run);
/// Quantile q in [0, 1] of values (linear between order statistics, type 7); takes the vector to sort in part. NaN is left out;
/// throws Error(not_possible) when nothing is left.
double quantile(std::vector<float> values, double q);
/// Otsu's threshold over `bins` equal bins between minimum and maximum: values above belong to the upper class.
/// Of equally good cuts the middle one; values that are not finite do not count. Throws Error(not_possible) when none is finite; the
/// value itself when all are equal. Without a Run it works on the caller's thread.
double otsu_threshold(std::span<const float> values, int bins = 256);
double otsu_threshold(std::span<const float> values, int bins, const Run& run);

/// Agreement of two masks on the same grid. Surfaces are the voxels of the mask with a 6-neighbour outside it; distances in mm.
/// Beyond the grid is outside, but not across axes of one voxel. When both are empty dice, jaccard and nsd are 1, when one is they are 0.
struct Overlap {
  double dice = 0, jaccard = 0;
  double hd95_mm = 0;  ///< 95th percentile of both sets of surface distances together; NaN when a mask is empty
  double asd_mm = 0;   ///< mean of both sets together; NaN when a mask is empty
  double nsd = 0;      ///< share of both surfaces within `tolerance_mm`
  double volume_a_ml = 0, volume_b_ml = 0;
};
/// Throws Error(not_possible) when the masks lie on different grids.
Overlap overlap(const MaskView& a, const MaskView& b, double tolerance_mm, const Run& run);

}  // namespace gantry
