// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/base/run.h"
#include "gantry/image/contours.h"
#include "gantry/image/image.h"

namespace gantry {

/// How far a region reaches beyond its first and last plane.
enum class EndCaps { half, none };
constexpr std::array<std::pair<EndCaps, std::string_view>, 2> choices_of(EndCaps) {
  return {{{EndCaps::half, "half"}, {EndCaps::none, "none"}}};
}

/// Volume of a region over the dose in it: bin n holds the volume with a dose in first_gy + [n, n + 1) * bin_gy.
struct DoseVolume {
  double first_gy = 0;  ///< 0 or, for differences of doses, below the lowest value
  double bin_gy = 0;
  std::vector<double> bins_cm3;  ///< up to the highest dose met; empty without volume
  double volume_cm3 = 0;         ///< of the region, wherever the dose is known
  double outside_cm3 = 0;        ///< part of it that lies outside the dose grid; the other numbers leave it out
  double minimum_gy = 0, maximum_gy = 0, mean_gy = 0;
  double step_mm = 0;  ///< distance of the samples

  double covered_cm3() const { return volume_cm3 - outside_cm3; }
  /// Dose that at least this share (0 to 1) of the covered volume receives, linear inside a bin: D95 is `dose_at(0.95)`.
  double dose_at(double share) const;
  /// Share (0 to 1) of the covered volume that receives at least this dose, linear inside a bin.
  double share_at(double dose_gy) const;
};

/// Measures the dose in a region. Each plane of polygons stands for the slab half-way to its neighbours (a gap above one and a half times
/// the planes' spacing counts as an end; ends are half a spacing thick or nothing; a single plane is as thick as the dose grid's slices).
/// Inside a slab samples lie `step_mm` apart (0: so that there are about 300000, between 0.1 and 1 mm), the ends of each row of samples
/// count by their length; the dose is linear between voxels and constant in the outer half of border voxels.
/// Throws Error(not_possible) for polygons that are not parallel planes, a dose that is not finite, or more than a million
/// bins. Cost: 10 ns a sample.
DoseVolume dose_volume(const VoxelView<float>& dose_gy, const ContouredRegion& region, double bin_gy, double step_mm, EndCaps caps,
                       const Run& run);

}  // namespace gantry
