// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/video.h"

namespace gantry {

/// One frame of a video of one slice as grey floats, row by row: of RGB the luma of ITU-R BT.601, else the only or first component.
std::vector<float> grey_frame(const Image& frames, std::int64_t frame);
/// The values between which the picture of a video is drawn: the 1 and 99.5 percentile of its first frame. Never equal.
std::pair<float, float> display_range(const std::vector<float>& grey);
/// A grey frame as an 8-bit picture between two values.
Image picture_frame(const std::vector<float>& grey, const Grid& grid, std::pair<float, float> range);
/// A frame as a picture: 8-bit RGB as it is, else grey.
Image picture_frame(const Image& frames, std::int64_t frame, std::pair<float, float> range);

}  // namespace gantry
