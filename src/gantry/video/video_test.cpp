// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fstream>

#include "gantry/base/test_support.h"
#include "gantry/base/test_tools.h"
#include "gantry/dicom/test_objects.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/io/video_file.h"
#include "gantry/video/read.h"
#include "gantry/video/track.h"

namespace gantry::video_test {
namespace {

using dicom::test::Writer;

/// A DICOM object of several frames of 4 x 3 pixels, where pixel n of frame f holds 100 f + n; `timing` adds what says when they were
/// taken.
std::string frames_object(const std::string& sop_class, const std::string& modality, int frames, const std::function<void(Writer&)>& timing,
                          const std::function<void(Writer&)>& behind = {}) {
  Writer w;
  w.text(0x00080016, "UI", sop_class).text(0x00080018, "UI", "1.2.3.4").text(0x00080060, "CS", modality);
  timing(w);
  w.text(0x0020000D, "UI", "1.2.3").text(0x0020000E, "UI", "1.2.3.1");
  w.us(0x00280002, 1).text(0x00280004, "CS", "MONOCHROME2").text(0x00280008, "IS", std::to_string(frames));
  w.us(0x00280010, 3)
      .us(0x00280011, 4)
      .text(0x00280030, "DS", "0.5\\0.5")
      .us(0x00280100, 16)
      .us(0x00280101, 16)
      .us(0x00280102, 15)
      .us(0x00280103, 0);
  if (behind) behind(w);
  std::vector<std::uint16_t> pixels;
  for (int f = 0; f < frames; ++f) {
    for (int n = 0; n < 12; ++n) pixels.push_back(static_cast<std::uint16_t>(100 * f + n));
  }
  w.words(0x7FE00010, "OW", pixels);
  return dicom::test::part10(w);
}

Video read_object(const std::string& bytes, Run& run) {
  const TemporaryFolder folder;
  dicom::test::save(folder.path() / "object.dcm", bytes);
  return PortType<Video>::read(folder.path() / "object.dcm", run);
}

void expect_times(const Video& video, const std::vector<double>& expected) {
  ASSERT_EQ(video.times_s.size(), expected.size());
  for (std::size_t n = 0; n < expected.size(); ++n) EXPECT_NEAR(video.times_s[n], expected[n], 1e-12) << n;
}

TEST(VideoPort, takes_the_increments_of_an_angiogram_as_times) {
  gantry::Run run;
  const Video video = read_object(
      frames_object("1.2.840.10008.5.1.4.1.1.12.1", "XA", 4, [](Writer& w) { w.text(0x00181065, "DS", "0\\66\\66\\133"); }), run);
  EXPECT_EQ(video.source, "DICOM XA");
  EXPECT_EQ(video.frames.frames(), 4);
  EXPECT_EQ(video.frames.as<float>()[3 * 12 + 5], 305);
  expect_times(video, {0, 0.066, 0.132, 0.265});
}

TEST(VideoPort, takes_the_phases_of_a_dynamic_scan_as_times) {
  const auto phase = [](const std::string& delay, const std::string& duration, const std::string& frames) {
    Writer item;
    item.text(0x00181242, "IS", duration)
        .us(0x00540033, static_cast<std::uint32_t>(std::stoi(frames)))
        .text(0x00540036, "IS", delay)
        .text(0x00540038, "IS", "0");
    return item;
  };
  gantry::Run run;
  const Video video = read_object(
      frames_object(
          "1.2.840.10008.5.1.4.1.1.20", "NM", 5, [](Writer& w) { w.text(0x00080008, "CS", "ORIGINAL\\PRIMARY\\DYNAMIC\\EMISSION"); },
          [&](Writer& w) {
            w.sequence(0x00540032, {phase("0", "1000", "3"), phase("500", "2000", "2")});
          }),
      run);
  expect_times(video, {0, 1, 2, 3.5, 5.5});
}

TEST(VideoPort, leaves_times_out_that_are_not_stated_or_do_not_rise) {
  gantry::Run run;
  EXPECT_TRUE(read_object(frames_object("1.2.840.10008.5.1.4.1.1.3.1", "US", 3, [](Writer&) {}), run).times_s.empty());
  EXPECT_TRUE(
      read_object(frames_object("1.2.840.10008.5.1.4.1.1.3.1", "US", 3, [](Writer& w) { w.text(0x00181065, "DS", "0\\40\\-40"); }), run)
          .times_s.empty());
  ASSERT_FALSE(run.warnings().empty());
  EXPECT_EQ(run.warnings().back(), "video: the times of its frames do not rise; they are left out");
}

TEST(VideoPort, refuses_volumes_cut_off_objects_and_other_files) {
  gantry::Run run;
  const TemporaryFolder folder;
  PortType<Image>::write(folder.path() / "volume.nii", phantom("sphere"), run);
  EXPECT_EQ(error_of([&] { PortType<Video>::read(folder.path() / "volume.nii", run); }).code(), ErrorCode::not_possible);
  std::string bytes = frames_object("1.2.840.10008.5.1.4.1.1.3.1", "US", 3, [](Writer&) {});
  bytes.resize(bytes.size() - 30);
  EXPECT_EQ(error_of([&] { read_object(bytes, run); }).code(), ErrorCode::unreadable);
  dicom::test::save(folder.path() / "words.txt", "no video at all");
  EXPECT_EQ(error_of([&] { PortType<Video>::read(folder.path() / "words.txt", run); }).code(), ErrorCode::unreadable);
}

TEST(VideoPort, comes_back_from_its_bytes_and_not_from_broken_ones) {
  const Video video = phantom_video("beating");
  Bytes bytes = PortType<Video>::to_bytes(video);
  const Video back = PortType<Video>::from_bytes(bytes);
  EXPECT_EQ(back.times_s, video.times_s);
  EXPECT_TRUE(std::ranges::equal(back.frames.bytes(), video.frames.bytes()));
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{30}, bytes.size() / 2})
    EXPECT_EQ(error_of([&] { PortType<Video>::from_bytes(std::span(bytes).first(size)); }).code(), ErrorCode::unreadable) << size;
  bytes[7] = std::byte{0xff};
  EXPECT_EQ(error_of([&] { PortType<Video>::from_bytes(bytes); }).code(), ErrorCode::unreadable);
}

TEST(VideoPort, reads_real_ultrasound_and_magnetic_resonance) {
  const Path folder = test_data("dicom");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const Json us = VideoReading{}(PortType<Video>::read(folder / "pydicom/test_files/examples_ybr_color.dcm", run), run).info;
  EXPECT_EQ(us["frames"], 30);
  EXPECT_EQ(us["columns"], 320);
  EXPECT_EQ(us["components"], 3);
  EXPECT_NEAR(us["rate_hz"].get<double>(), 30.0003, 1e-4);
  const auto mr = VideoReading{.first = 2, .count = 3, .step = 2}(PortType<Video>::read(folder / "dcmjs/test/cine-test.dcm", run), run);
  EXPECT_EQ(mr.info["frames"], 3);
  EXPECT_EQ(mr.info["frames_in_all"], 8);
  EXPECT_EQ(mr.info["slices"], 1);
  EXPECT_TRUE(mr.info["times_s"].is_null());
}

TEST(VideoFile, gives_the_frames_and_times_that_were_written) {
  if (!has_program("ffmpeg")) GTEST_SKIP() << "ffmpeg is not installed";
  const TemporaryFolder folder;
  // Frame n is grey 20 n: lossless in FFV1, at 12.5 frames a second, and once more as MP4.
  const std::string source = "ffmpeg -nostdin -v error -f lavfi -i \"color=black:s=48x32:r=12.5:d=0.8,format=gray,geq=lum='20*N'\" ";
  const Path matroska = folder.path() / "steps.mkv", mp4 = folder.path() / "steps.mp4";
  ASSERT_EQ(run_command(source + "-c:v ffv1 '" + matroska.string() + "'").status, 0);
  ASSERT_EQ(run_command(source + "-c:v mpeg4 -q:v 1 '" + mp4.string() + "'").status, 0);
  for (const Path& path : {matroska, mp4}) {
    ASSERT_TRUE(io::is_video_file(path));
    gantry::Run run;
    const Video video = PortType<Video>::read(path, run);
    EXPECT_EQ(video.source, "file video");
    ASSERT_EQ(video.frames.frames(), 10) << path.extension();
    EXPECT_EQ(video.frames.grid().size(), (Size3{48, 32, 1}));
    for (std::int64_t n = 0; n < 10; ++n) {
      EXPECT_NEAR(video.frames.frame(n).as<float>()[300], 20 * static_cast<double>(n), path == mp4 ? 6 : 2) << n;
      EXPECT_NEAR(video.times_s.at(static_cast<std::size_t>(n)), 0.08 * static_cast<double>(n), 1e-3);
    }
  }
  gantry::Run run;
  EXPECT_EQ(error_of([&] { io::read_video(mp4, run, {.frames = 4}); }).message(), "file video: at most 4 frames are decoded");
  EXPECT_EQ(error_of([&] { io::read_video(mp4, run, {.bytes = 9000}); }).code(), ErrorCode::refused);
  // Cut off and mutated files end in frames or an error, never in a hang.
  const std::string whole = read_text(matroska);
  for (const std::size_t size : {std::size_t{40}, whole.size() / 2}) {
    std::ofstream(folder.path() / "cut.mkv", std::ios::binary) << whole.substr(0, size);
    try {
      EXPECT_LT(io::read_video(folder.path() / "cut.mkv", run).frames.frames(), 10);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unreadable);
    }
  }
}

TEST(VideoFile, opens_no_other_file_than_the_one_that_is_given) {
  if (!has_program("ffmpeg")) GTEST_SKIP() << "ffmpeg is not installed";
  const TemporaryFolder folder;
  ASSERT_EQ(
      run_command("ffmpeg -nostdin -v error -f lavfi -i color=black:s=48x32:d=0.2 -c:v ffv1 '" + (folder.path() / "a.mkv").string() + "'")
          .status,
      0);
  std::ofstream(folder.path() / "list.mp4") << "ffconcat version 1.0\nfile a.mkv\n";
  std::ofstream(folder.path() / "list2.mp4") << "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.mkv\n#EXT-X-ENDLIST\n";
  gantry::Run run;
  for (const char* name : {"list.mp4", "list2.mp4"})
    EXPECT_EQ(error_of([&] { io::read_video(folder.path() / name, run); }).code(), ErrorCode::unreadable) << name;
}

TEST(VideoFile, says_what_to_install_where_the_decoder_is_missing) {
  gantry::Run run;
  const Error error = error_of([&] { io::read_video("/nowhere.mp4", run, {}, "gantry-no-such-program"); });
  EXPECT_EQ(error.code(), ErrorCode::not_possible);
  EXPECT_NE(error.message().find("apt install ffmpeg"), std::string::npos) << error.message();
}

TEST(VideoReading, chooses_frames_and_makes_colour_grey) {
  auto frames = Voxels<std::uint8_t>::uninitialized(Grid({2, 2, 1}), 3, 4);
  for (std::int64_t n = 0; n < frames.count(); ++n) frames[n] = static_cast<std::uint8_t>(n % 3 == 0 ? 10 * (n / 12) : 0);
  gantry::Run run;
  const Video video{std::move(frames), {0, 0.1, 0.2, 0.3}, "test"};
  const auto result = VideoReading{.first = 1, .step = 2, .grey = true}(video, run);
  EXPECT_EQ(result.frames.frames(), 2);
  EXPECT_EQ(result.frames.components(), 1);
  EXPECT_EQ(result.frames.type(), PixelType::u8);
  EXPECT_EQ(result.frames.as<float>()[0], 3);
  EXPECT_EQ(result.frames.as<float>()[4], 9);
  EXPECT_EQ(result.info["times_s"], (Json{0.1, 0.3}));
  EXPECT_EQ(error_of([&] { VideoReading{.first = 4}(video, run); }).message(), "first: must be a frame of the video, which has 4; got 4");
}

TEST(PointTracking, follows_a_beating_speckle_to_a_tenth_of_a_pixel) {
  const Video video = phantom_video("beating");
  PointSet points;
  for (const double x : {-11.0, -4.2, 3.3, 10.6}) {
    for (const double y : {-10.1, 0.4, 9.7}) points.positions_mm.push_back({x, y, 0});
  }
  gantry::Run run;
  const auto result = PointTracking{}(video, &points, run);
  EXPECT_EQ(result.summary["tracked"], 12);
  double worst_px = 0;
  for (const auto& row : result.tracks.rows()) {
    const auto number = [&](std::size_t c) { return std::get<double>(row[c]); };
    const Vec3 truth = beat(points.positions_mm[static_cast<std::size_t>(number(0)) - 1], static_cast<int>(number(2)));
    worst_px = std::max(worst_px, norm(Vec3{number(4), number(5), number(6)} - truth) / 0.5);
  }
  EXPECT_LT(worst_px, 0.1);
}

TEST(PointTracking, follows_a_real_image_that_is_warped_by_a_known_motion) {
  const Path path = test_data("dicom/pydicom/test_files/examples_ybr_color.dcm");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  // The first frame of an ultrasound of the heart, contracting by 6 % and moving 5 pixels, between pixels by linear interpolation.
  const Image first = VideoReading{.count = 1, .grey = true}(PortType<Video>::read(path, run), run).frames;
  const Grid& grid = first.grid();
  const VoxelView<float> source = first.as<float>();
  constexpr int count = 16;
  const auto place = [&](Vec3 p, int n) {
    const double part = std::sin(3.14159265358979 * n / count), s = 1 - 0.06 * part;
    return Vec3{160 + (p.x - 160) * s + 5 * part, 110 + (p.y - 110) * s - 2 * part, 0};
  };
  auto frames = Voxels<float>::uninitialized(grid, 1, count);
  for (int n = 0; n < count; ++n) {
    const double part = std::sin(3.14159265358979 * n / count), s = 1 - 0.06 * part;
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const double x = std::clamp(160 + (static_cast<double>(i) - 160 - 5 * part) / s, 0.0, static_cast<double>(grid.size(0)) - 1.001);
        const double y = std::clamp(110 + (static_cast<double>(j) - 110 + 2 * part) / s, 0.0, static_cast<double>(grid.size(1)) - 1.001);
        const auto i0 = static_cast<std::int64_t>(x), j0 = static_cast<std::int64_t>(y);
        const double u = x - static_cast<double>(i0), v = y - static_cast<double>(j0);
        frames[(n * grid.size(1) + j) * grid.size(0) + i] =
            static_cast<float>((1 - v) * ((1 - u) * source(i0, j0, 0) + u * source(i0 + 1, j0, 0)) +
                               v * ((1 - u) * source(i0, j0 + 1, 0) + u * source(i0 + 1, j0 + 1, 0)));
      }
    }
  }
  const auto result = PointTracking{.count = 25}(Video{std::move(frames), {}, "test"}, nullptr, run);
  EXPECT_EQ(result.summary["points"], 25);
  EXPECT_GE(result.summary["tracked"].get<int>(), 24);
  std::vector<double> errors;
  std::map<int, Vec3> starts;
  for (const auto& row : result.tracks.rows()) {
    const auto number = [&](std::size_t c) { return std::get<double>(row[c]); };
    const Vec3 at{number(7), number(8), 0};
    const int point = static_cast<int>(number(0)), n = static_cast<int>(number(2));
    if (n == 0) starts[point] = at;
    errors.push_back(norm(at - place(starts[point], n)));
  }
  std::sort(errors.begin(), errors.end());
  EXPECT_LT(errors[errors.size() / 2], 0.1);
  EXPECT_LT(errors.back(), 0.5);
}

TEST(PointTracking, gives_the_same_tracks_for_any_number_of_threads) {
  const Video video = phantom_video("beating");
  gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
  const auto first = PointTracking{.count = 9}(video, nullptr, one), second = PointTracking{.count = 9}(video, nullptr, three);
  EXPECT_EQ(first.tracks.to_csv(), second.tracks.to_csv());
  EXPECT_TRUE(std::ranges::equal(first.figure.bytes(), second.figure.bytes()));
}

TEST(PointTracking, refuses_what_it_cannot_follow) {
  gantry::Run run;
  const Video video = phantom_video("beating");
  const PointSet none, outside{{{100, 0, 0}}, {}}, beside{{{0, 0, 5}}, {}}, broken{{{NAN, 0, 0}}, {}};
  for (const PointSet* points : {&none, &outside, &beside, &broken})
    EXPECT_EQ(error_of([&] { PointTracking{}(video, points, run); }).code(), ErrorCode::not_possible);
  const Video flat{Voxels<float>(Grid({64, 64, 1}), 1.0F, 1, 3), {}, "test"}, still{video.frames.frame(0), {}, "test"};
  EXPECT_EQ(error_of([&] { PointTracking{}(flat, nullptr, run); }).message(),
            "video: its first frame has no texture that could be followed");
  EXPECT_EQ(error_of([&] { PointTracking{}(still, nullptr, run); }).message(), "video: must have at least two frames; has 1");
  EXPECT_EQ(error_of([&] { PointTracking{.window = 20}(video, nullptr, run); }).message(), "window: must be odd; got 20");
  EXPECT_EQ(error_of([&] { PointTracking{.window = 97}(video, nullptr, run); }).code(), ErrorCode::not_possible);
}

}  // namespace
}  // namespace gantry::video_test
