// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/video_port.h"

namespace gantry {

/// Reads the frames of a video of any kind and when they were taken. Reference page: video.read.
struct VideoReading {
  int first = 0;
  int count = 0;
  int step = 1;
  bool grey = false;

  struct Result {
    Image frames;  ///< the chosen frames, 3-D+t
    /// {"source", "frames", "frames_in_all", "columns", "rows", "slices", "components", "type", "duration_s", "rate_hz", "times_s": [...]};
    /// null where the times are not stated
    Json info;
    Image figure;  ///< up to eight of the frames
  };
  /// Throws Error(parameter) when no frame is chosen, Error(not_possible) for complex images.
  Result operator()(const Video& video, Run& run) const;
  static void describe(Description<VideoReading>& d);
};

}  // namespace gantry
