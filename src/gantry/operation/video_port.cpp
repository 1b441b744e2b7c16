// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/video_port.h"

#include <cstring>
#include <numbers>

#include "gantry/base/error.h"
#include "gantry/base/random.h"
#include "gantry/base/text.h"
#include "gantry/dicom/study.h"
#include "gantry/io/io.h"
#include "gantry/io/video_file.h"

namespace gantry {

namespace {

constexpr double ms = 1e-3;
constexpr std::size_t most_frames = 100000;

/// The sums of the values before each: n increments give n times.
std::vector<double> sums(const std::vector<double>& increments_ms) {
  std::vector<double> times;
  double sum = 0;
  for (std::size_t n = 0; n < increments_ms.size(); ++n) {
    if (n > 0) sum += increments_ms[n] * ms;
    times.push_back(sum);
  }
  return times;
}

std::vector<double> evenly(std::size_t count, double step_s) {
  std::vector<double> times(count);
  for (std::size_t n = 0; n < count; ++n) times[n] = static_cast<double>(n) * step_s;
  return times;
}

/// Times of the `count` frames of one object, in the order of the file (PS3.3 C.7.6.5, C.8.4.9, C.7.6.16.2); empty when not stated.
std::vector<double> stated_times(const dicom::Header& header, std::size_t count) {
  if (auto vector = header.numbers("FrameTimeVector"); vector.size() == count) return sums(vector);
  for (const char* place : {"FrameTime", "GatedInformationSequence[0].DataInformationSequence[0].FrameTime"}) {
    if (const auto step = header.number(place); step && *step > 0) return evenly(count, *step * ms);
  }
  std::vector<double> phases;
  double begin = 0;
  for (int phase = 0; phases.size() < count; ++phase) {
    const std::string at = fmt::format("PhaseInformationSequence[{}].", phase);
    const auto frames = header.number(at + "NumberOfFramesInPhase"), duration = header.number(at + "ActualFrameDuration");
    if (!frames || !duration || !(*frames >= 1 && *frames <= static_cast<double>(most_frames))) break;
    begin += header.number(at + "PhaseDelay").value_or(0) * ms;
    for (int n = 0; n < static_cast<int>(*frames) && phases.size() < count; ++n) {
      phases.push_back(begin);
      begin += (*duration + header.number(at + "PauseBetweenFrames").value_or(0)) * ms;
    }
  }
  if (phases.size() == count) return phases;
  for (const char* keyword :
       {"CardiacSynchronizationSequence[0].NominalCardiacTriggerDelayTime", "TemporalPositionSequence[0].TemporalPositionTimeOffset"}) {
    const double unit = std::string_view(keyword).starts_with("Temporal") ? 1 : ms;
    std::vector<double> times;
    for (std::size_t n = 0; n < count; ++n) {
      const auto time = header.number(fmt::format("PerFrameFunctionalGroupsSequence[{}].{}", n, keyword));
      if (!time) break;
      times.push_back(*time * unit);
    }
    if (times.size() == count) return times;
  }
  if (const auto step = header.number("ActualFrameDuration"); step && *step > 0) return evenly(count, *step * ms);
  for (const char* keyword : {"CineRate", "RecommendedDisplayFrameRate"}) {
    if (const auto rate = header.number(keyword); rate && *rate > 0) return evenly(count, 1 / *rate);
  }
  return {};
}

std::vector<double> times_of(const dicom::Series& series, std::size_t step, std::size_t count) {
  const auto instance = [&](std::size_t n) -> const dicom::Instance& { return series.instances[n * step]; };
  std::vector<double> times;
  const dicom::Header::Data* file = instance(0).header.data();
  bool one_file = true;
  for (std::size_t n = 0; n < count; ++n) one_file = one_file && instance(n).header.data() == file;
  if (one_file) {
    const auto frames = series.header.number("NumberOfFrames").value_or(0);
    if (!(frames >= 1 && frames <= static_cast<double>(most_frames))) return {};
    const std::vector<double> all = stated_times(series.header, static_cast<std::size_t>(frames));
    for (std::size_t n = 0; n < count && !all.empty(); ++n) {
      const auto at = static_cast<std::size_t>(instance(n).frame);
      if (at >= all.size()) return {};
      times.push_back(all[at]);
    }
    return times;
  }
  for (std::size_t n = 0; n < count; ++n) {
    const auto time = instance(n).header.number("TriggerTime");
    if (!time) return stated_times(series.header, count);
    times.push_back(*time * ms);
  }
  return times;
}

/// From 0, or none when they do not rise.
std::vector<double> rising(std::vector<double> times, Run& run) {
  for (std::size_t n = 0; n < times.size(); ++n) {
    if (std::isfinite(times[n]) && (n == 0 || times[n] > times[n - 1])) continue;
    run.warn("video: the times of its frames do not rise; they are left out");
    return {};
  }
  const double first = times.empty() ? 0 : times.front();
  for (double& time : times) time -= first;
  return times;
}

/// Slices one behind the other as frames of one plane.
Image as_frames(const Image& volume) {
  const Grid& grid = volume.grid();
  const Grid plane({grid.size(0), grid.size(1), 1}, grid.spacing_mm(), grid.origin_mm(), grid.direction());
  return visit_real(volume, [&](const auto& view) {
    using T = std::remove_cvref_t<decltype(view[0])>;
    auto frames = Voxels<T>::uninitialized(plane, volume.components(), grid.size(2));
    std::copy_n(view.data(), view.count(), frames.data());
    return Image(std::move(frames));
  });
}

Video read_dicom_video(const Path& path, Run& run) {
  const dicom::Input input = dicom::read_dicom({&path, 1}, run);
  std::vector<const dicom::Series*> moving, all;
  std::string refusal = input.files.size() == 1 ? input.files.front().reason : "";
  for (const dicom::Study& study : input.studies) {
    for (const dicom::Series& series : study.series) {
      if (!series.reason.empty()) {
        if (refusal.empty()) refusal = series.reason;
        continue;
      }
      all.push_back(&series);
      if (series.instances.size() > 1) moving.push_back(&series);
    }
  }
  if (moving.empty()) moving = all;
  if (moving.empty()) throw Error(ErrorCode::unreadable, refusal.empty() ? "holds no frames that can be read" : refusal);
  if (moving.size() > 1)
    throw Error(ErrorCode::refused, fmt::format("holds {} series of frames; give the file or folder of one", moving.size()));
  const dicom::Series& series = *moving.front();
  for (const std::string& warning : series.warnings) run.warn(warning);
  Video video;
  video.source = "DICOM " + (series.modality.empty() ? "image" : series.modality);
  video.frames = dicom::load(series, run);
  auto slices = static_cast<std::size_t>(series.grid.size(2));
  auto count = static_cast<std::size_t>(series.frames);
  if (count == 1 && slices > 1) {
    run.warn("video: the frames lie at different places; they are taken as frames of the first one's plane");
    video.frames = as_frames(video.frames);
    count = std::exchange(slices, 1);
  }
  video.times_s = rising(times_of(series, slices, count), run);
  return video;
}

/// Speckle: waves of 4 to 10 mm in all directions, with a fixed seed.
double speckle(double x, double y) {
  static const auto waves = [] {
    std::array<std::array<double, 3>, 40> all{};
    const Random random(7);
    for (std::size_t n = 0; n < all.size(); ++n) {
      const double length_mm = 4 + 6 * random.uniform(3 * n), angle = 2 * std::numbers::pi * random.uniform(3 * n + 1);
      const double k = 2 * std::numbers::pi / length_mm;
      all[n] = {k * std::cos(angle), k * std::sin(angle), 2 * std::numbers::pi * random.uniform(3 * n + 2)};
    }
    return all;
  }();
  double sum = 0;
  for (const auto& [kx, ky, phase] : waves) sum += std::cos(kx * x + ky * y + phase);
  return sum;
}

double beat_scale(int frame) { return 1 - 0.1 * std::pow(std::sin(std::numbers::pi * frame / 20), 2); }
Vec3 beat_shift(int frame) {
  const double angle = 2 * std::numbers::pi * frame / 20;
  return {2 * std::sin(angle), 1 - std::cos(angle), 0};
}

}  // namespace

Vec3 beat(Vec3 from_centre_mm, int frame) {
  const Vec3 moved = from_centre_mm * beat_scale(frame) + beat_shift(frame);
  return {moved.x, moved.y, from_centre_mm.z};
}

Video phantom_video(std::string_view name) {
  if (name != "beating") throw Error(ErrorCode::usage, fmt::format("phantom: a video must be beating; got {}", name));
  constexpr std::int64_t side = 96, count = 21;
  const double first = -0.25 * (side - 1);
  const Grid grid({side, side, 1}, {0.5, 0.5, 1}, {first, first, 0});
  auto frames = Voxels<float>::uninitialized(grid, 1, count);
  for (std::int64_t t = 0; t < count; ++t) {
    const int n = static_cast<int>(t);
    for (std::int64_t j = 0; j < side; ++j) {
      for (std::int64_t i = 0; i < side; ++i) {
        const Vec3 p = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), 0}) - beat_shift(n);
        frames[(t * side + j) * side + i] = static_cast<float>(128 + 12 * speckle(p.x / beat_scale(n), p.y / beat_scale(n)));
      }
    }
  }
  return {std::move(frames), evenly(count, 0.04), "phantom"};
}

Video PortType<Video>::read(const Path& path, Run& run) {
  return with_context(path.filename().string(), [&]() -> Video {
    std::error_code ignored;
    if (io::is_video_file(path)) return io::read_video(path, run);
    if (std::filesystem::is_directory(path, ignored) || !io::is_image_file(path)) return read_dicom_video(path, run);
    Video video{io::read(path, run), {}, "image file"};
    if (video.frames.frames() == 1 && video.frames.grid().size(2) > 1)
      throw Error(ErrorCode::not_possible, fmt::format("video: must have frames; is a volume of {} slices", video.frames.grid().size(2)));
    return video;
  });
}
void PortType<Video>::write(const Path& path, const Video& video, Run& run) { PortType<Image>::write(path, video.frames, run); }

Bytes PortType<Video>::to_bytes(const Video& video) {
  const std::string head = Json{{"times_s", video.times_s}, {"source", video.source}}.dump();
  const auto length = static_cast<std::uint64_t>(head.size());
  Bytes bytes(sizeof(length) + head.size());
  std::memcpy(bytes.data(), &length, sizeof(length));
  std::memcpy(bytes.data() + sizeof(length), head.data(), head.size());
  const Bytes frames = PortType<Image>::to_bytes(video.frames);
  bytes.insert(bytes.end(), frames.begin(), frames.end());
  return bytes;
}

Video PortType<Video>::from_bytes(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  if (bytes.size() >= sizeof(length)) std::memcpy(&length, bytes.data(), sizeof(length));
  if (bytes.size() < sizeof(length) || length > bytes.size() - sizeof(length))
    throw Error(ErrorCode::unreadable, fmt::format("video: its head is cut off; {} bytes are there", bytes.size()));
  const Json head = parse_json({reinterpret_cast<const char*>(bytes.data()) + sizeof(length), length});
  Video video;
  try {
    video.times_s = head.at("times_s").get<std::vector<double>>();
    video.source = head.at("source").get<std::string>();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::unreadable, "video: its head needs times_s and source");
  }
  video.frames = PortType<Image>::from_bytes(bytes.subspan(sizeof(length) + length));
  if (!video.times_s.empty() && static_cast<std::int64_t>(video.times_s.size()) != video.frames.frames())
    throw Error(ErrorCode::unreadable,
                fmt::format("video: must have one time for each frame; has {} for {}", video.times_s.size(), video.frames.frames()));
  return video;
}

}  // namespace gantry
