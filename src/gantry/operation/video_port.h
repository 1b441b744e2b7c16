// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/video.h"
#include "gantry/operation/value.h"

namespace gantry {

/// Frames with their times: a DICOM file or series of several frames (ultrasound, cine MR, angiography, nuclear medicine), a video file
/// (through the program ffmpeg), or an image file whose frames carry no times. Written, only the frames stay: as an image.
template <>
struct PortType<Video> {
  static constexpr std::string_view id = "video";
  static constexpr std::string_view endings = ".nii .nii.gz .npy";
  static Video read(const Path& path, Run& run);
  static void write(const Path& path, const Video& video, Run& run);
  static Bytes to_bytes(const Video& video);
  static Video from_bytes(std::span<const std::byte> bytes);
};

/// `beating`: a speckled plane of 96 x 96 pixels of 0.5 mm in 21 frames of 40 ms, once around: the point that lies X mm from the centre in
/// the first frame lies at `beat(X, n)` in frame n. Throws Error(usage) that lists the names.
Video phantom_video(std::string_view name);
/// X (1 - 0.1 sin^2(pi n / 20)) + (2 sin(2 pi n / 20), 1 - cos(2 pi n / 20), 0) mm.
Vec3 beat(Vec3 from_centre_mm, int frame);

}  // namespace gantry
