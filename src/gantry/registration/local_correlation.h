// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/volume/filters.h"

namespace gantry {

/// Squared correlation coefficient of two volumes in windows around each voxel, as in Avants et al. 2008 but with its exact derivative
/// through the windows. Values must lie in [0, 1]; NaN is unknown and left out of the windows.
class LocalCorrelation {
 public:
  /// `radius`: half the window along each axis. `noise`: standard deviation below which a window counts as flat, in [0, 1].
  LocalCorrelation(const VoxelView<float>& fixed, std::array<int, 3> radius, float noise, const Run& run);

  /// Mean over the known voxels of the fixed volume (0 where the moving one is unknown), from 0 to 1. `slope` becomes its derivative by
  /// each value of `moving`, times the number of voxels it is a mean over; 0 where unknown.
  double operator()(const Voxels<float>& moving, Voxels<float>& slope, const Run& run) const;
  double voxel_count() const { return known_; }

 private:
  Voxels<float> fixed_;  ///< 0 where unknown
  Voxels<float> weight_;
  std::array<int, 3> radius_;
  float noise_;
  double known_ = 0;
};

}  // namespace gantry
