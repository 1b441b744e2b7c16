// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/video/read.h"

#include "gantry/video/frames.h"
#include "gantry/visualization/canvas.h"
#include "gantry/visualization/figure.h"

namespace gantry {

namespace {

/// The frames `first`, `first` + `step`, ... as they are.
Image chosen_frames(const Image& frames, std::int64_t first, std::int64_t step, std::int64_t count) {
  return visit_real(frames, [&](const auto& view) {
    using T = std::remove_cvref_t<decltype(view[0])>;
    auto chosen = Voxels<T>::uninitialized(frames.grid(), frames.components(), count);
    const std::int64_t size = frames.grid().voxel_count() * frames.components();
    for (std::int64_t n = 0; n < count; ++n) std::copy_n(view.data() + (first + n * step) * size, size, chosen.data() + n * size);
    return Image(std::move(chosen));
  });
}

Image in_grey(const Image& frames) {
  const VoxelView<float> values = frames.as<float>();
  auto grey = Voxels<float>::uninitialized(frames.grid(), 1, frames.frames());
  for (std::int64_t n = 0; n < grey.count(); ++n) {
    const float* v = values.data() + n * frames.components();
    grey[n] = 0.299F * v[0] + 0.587F * v[1] + 0.114F * v[2];
  }
  return frames.type() == PixelType::u8 ? Image(Image(std::move(grey)).as<std::uint8_t>().clone()) : Image(std::move(grey));
}

/// Eight frames at most, spread over the whole, with their times.
Image contact_sheet(const Image& frames, const std::vector<double>& times_s, std::int64_t first, std::int64_t step) {
  constexpr int width = 300;
  const Grid& grid = frames.grid();
  const double aspect = static_cast<double>(grid.size(1)) * grid.spacing_mm().y / (static_cast<double>(grid.size(0)) * grid.spacing_mm().x);
  const int height = std::clamp(static_cast<int>(std::lround(width * aspect)), 40, 900);
  const auto range = display_range(grey_frame(frames, 0));
  std::vector<Image> parts;
  const std::int64_t shown = std::min<std::int64_t>(frames.frames(), 8);
  for (std::int64_t n = 0; n < shown; ++n) {
    const std::int64_t frame = shown == 1 ? 0 : n * (frames.frames() - 1) / (shown - 1);
    const auto canvas = Canvas::bitmap(width, height, {0, 0, 0});
    canvas->picture(picture_frame(frames, frame, range), 0, 0, width, height);
    std::string words = fmt::format("{}", first + frame * step + 1);
    if (!times_s.empty()) words += fmt::format("   {:.0f} ms", 1000 * times_s[static_cast<std::size_t>(frame)]);
    canvas->text(10, height - 26, words, {.size = 15, .paint = {{0xff, 0xff, 0xff}}, .halo = 2});
    parts.push_back(canvas->image());
  }
  return montage(parts, 4);
}

}  // namespace

void VideoReading::describe(Description<VideoReading>& d) {
  d.summary("Reads the frames of a video and when they were taken: DICOM of several frames, and video files through ffmpeg.");
  d.input("video", "DICOM of several frames (US, cine MR, XA, NM, ...), or a video file");
  d.parameter("first", &VideoReading::first, "First frame that is kept, from 0").range(0, 1e6);
  d.parameter("count", &VideoReading::count, "Number of frames that are kept; 0 for all that there are").range(0, 1e6);
  d.parameter("step", &VideoReading::step, "One of so many frames is kept").range(1, 1e6);
  d.parameter("grey", &VideoReading::grey, "Colour becomes brightness (luma of ITU-R BT.601)");
  d.output("frames", &Result::frames, "The frames, one behind the other in time");
  d.output("info", &Result::info, "Size, number, rate and times of the frames");
  d.output("figure", &Result::figure, "Up to eight of the frames");
  d.example("gantry video read cine.dcm frames.nii.gz --info info.json");
  d.reference("DICOM PS3.3, C.7.6.5 (cine), C.8.4.9 (NM phases), C.8.4.11 (NM gates), C.7.6.16.2 (frames of enhanced objects).");
}

VideoReading::Result VideoReading::operator()(const Video& video, Run& run) const {
  check_parameters(*this);
  const Image& all = video.frames;
  if (is_complex(all.type())) throw Error(ErrorCode::not_possible, "video: must be real; is complex");
  if (first >= all.frames())
    throw Error(ErrorCode::parameter, fmt::format("first: must be a frame of the video, which has {}; got {}", all.frames(), first));
  const std::int64_t there = (all.frames() - first + step - 1) / step;
  const std::int64_t kept = count == 0 ? there : std::min<std::int64_t>(count, there);
  if (count > there) run.warn(fmt::format("video: {} frames were asked for, {} are there", count, there));
  Result result;
  result.frames = kept == all.frames() ? all : chosen_frames(all, first, step, kept);
  if (grey && all.components() >= 3) result.frames = in_grey(result.frames);
  std::vector<double> times;
  for (std::int64_t n = 0; n < kept && !video.times_s.empty(); ++n)
    times.push_back(video.times_s[static_cast<std::size_t>(first + n * step)]);
  const bool timed = times.size() > 1;
  const double duration = timed ? times.back() - times.front() : 0;
  const Grid& grid = all.grid();
  result.info = {{"source", video.source},
                 {"frames", kept},
                 {"frames_in_all", all.frames()},
                 {"columns", grid.size(0)},
                 {"rows", grid.size(1)},
                 {"slices", grid.size(2)},
                 {"components", result.frames.components()},
                 {"type", std::string(name_of(result.frames.type()))},
                 {"spacing_mm", {grid.spacing_mm().x, grid.spacing_mm().y, grid.spacing_mm().z}},
                 {"duration_s", timed ? Json(duration) : Json(nullptr)},
                 {"rate_hz", timed ? Json(static_cast<double>(kept - 1) / duration) : Json(nullptr)},
                 {"times_s", times.empty() ? Json(nullptr) : Json(times)}};
  result.figure = contact_sheet(result.frames, times, first, step);
  return result;
}

}  // namespace gantry
