// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry {

/// How `gamma_index` judges.
struct GammaOptions {
  double dose_difference_gy = 0;  ///< the dose criterion; of the local kind when 0 and `local_part` is positive
  double local_part = 0;          ///< the dose criterion as a part of the reference dose of each point
  double distance_mm = 3;         ///< the distance criterion
  double threshold_gy = 0;        ///< points with a lower reference dose are not judged
  double maximum = 2;             ///< higher values are reported as this; the search ends there
};

/// What became of the points of the reference.
struct GammaMap {
  Voxels<float> gamma;       ///< on the grid of the reference; NaN where not judged
  std::int64_t judged = 0;   ///< points with a value
  std::int64_t below = 0;    ///< points under the threshold
  std::int64_t outside = 0;  ///< points above it that lie outside the evaluated grid, half a voxel's margin included
};

/// The gamma index of Low et al.: for each point of the reference, the least generalised distance to the evaluated distribution,
/// min over r of sqrt(|r - r_ref|^2 / distance^2 + (D_eval(r) - D_ref)^2 / difference^2), with D_eval linear between its voxels. Found by a
/// search at a fifth of the distance criterion (and half a voxel, but not below a 25th of the reach) from near to far, which ends when no
/// farther point can be better, and closed by steps to the minimum of the linearised function. Where the reference is a single plane, so
/// must the evaluated one be, or a volume around it; two planes must coincide to a tenth of the distance criterion. Throws
/// Error(not_possible) otherwise, for uneven slices of the evaluated grid, and for criteria that are not positive.
GammaMap gamma_index(const VoxelView<float>& reference, const VoxelView<float>& evaluated, const GammaOptions& options, Run& run);

}  // namespace gantry
