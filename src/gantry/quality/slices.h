// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <vector>

#include "gantry/volume/filters.h"

namespace gantry::quality {

/// One slice of an object, and how it stands to its neighbours.
struct SliceQuality {
  std::int64_t voxels = 0;
  double position_mm = 0, mean = 0;
  std::optional<double> shift_mm;  ///< distance in the plane of its centre from the middle of its neighbours' centres
  std::optional<double>
      jump_percent;       ///< of its mean from the mean of its neighbours', above `background`, over voxels that are inside in all three
  bool empty = false;     ///< all values are equal
  bool repeated = false;  ///< the same values as the slice before
};

/// Neighbours are compared where all three slices hold at least a quarter of the object's largest slice (and 100 voxels).
std::vector<SliceQuality> slice_quality(const VoxelView<float>& image, const MaskView& inside, double background, const Run& run);

/// Steps between slices, of the positions of an uneven grid.
struct SliceSteps {
  double median_mm = 0;
  double spread_percent = 0;  ///< largest less smallest step, of the median
  int missing = 0;            ///< slices that the gaps have room for
};
SliceSteps slice_steps(const Grid& grid);

}  // namespace gantry::quality
