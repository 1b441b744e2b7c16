// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/image/image.h"

namespace gantry {

/// Frames in the order in which they were taken, and when.
struct Video {
  Image frames;                 ///< 3-D+t; one slice unless each time point is a volume; 1, 3 or 4 components
  std::vector<double> times_s;  ///< of each frame, increasing from the first one's 0; empty when the source does not state them
  std::string source;           ///< what it came from, in words: "DICOM US", "file video", "image file"
};

}  // namespace gantry
