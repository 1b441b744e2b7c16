// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/points_port.h"
#include "gantry/operation/video_port.h"

namespace gantry {

/// Follows points through a video by the speckle around them. Reference page: video.track.
struct PointTracking {
  int window = 21;
  int levels = 3;
  int count = 30;
  double min_correlation = 0.7;

  struct Result {
    /// {"frames", "points", "tracked", "lost", "largest_mm", "mean_largest_mm", "rows": [{"point", "name", "frames", "largest_mm",
    /// "path_mm", "end_mm"}]}: distances from the first position
    Json summary;
    Table tracks;  ///< point, name, frame, time_s, x_mm, y_mm, z_mm, i, j, correlation; a lost point has no further rows
    Image figure;  ///< the ways on the first frame, and the distances over time
  };
  /// Throws Error(not_possible) for videos of several slices or of one frame, for points outside of the plane, and where no point has
  /// texture.
  Result operator()(const Video& video, const PointSet* points, Run& run) const;
  static void describe(Description<PointTracking>& d);
};

}  // namespace gantry
