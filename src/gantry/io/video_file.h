// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/files.h"
#include "gantry/base/run.h"
#include "gantry/image/video.h"

namespace gantry::io {

/// What one file may give at most. A stream that goes on beyond is an Error(refused).
struct VideoLimits {
  std::int64_t frames = 100000;
  std::uint64_t bytes = std::uint64_t{4} << 30;  ///< of decoded frames; the Run's memory budget where that is smaller
  double seconds = 600;                          ///< without a new byte from the decoder: 30 s
};

/// True when the first bytes are those of a video container: MP4 or QuickTime, Matroska or WebM, AVI, MPEG, ASF, FLV, GIF.
bool is_video_file(const Path& path);

/// The first picture stream of a video file as u8 RGB frames of 1 mm pixels with their times. The program `ffmpeg` decodes, as a process of
/// its own that may open nothing but this file, with bounded memory; `program` names another one. Throws Error(not_possible) where it is
/// missing, Error(unreadable) when it finds no frame, Error(refused) beyond the limits and for frames of several sizes.
Video read_video(const Path& path, Run& run, const VideoLimits& limits = {}, const std::string& program = "ffmpeg");

}  // namespace gantry::io
