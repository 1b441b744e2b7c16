// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/analyze.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>

#include "gantry/base/error.h"
#include "gantry/io/io.h"

namespace gantry::analysis::analyze_test {
namespace {

namespace fs = std::filesystem;

/// A trunk of 40 HU in air with two lungs of -850 HU, a trachea and a nodule of 10 mm in the lung at the left (+x) side.
Image phantom() {
  const Grid grid({80, 60, 60}, {4, 4, 4}, {-160, -120, 0});
  Voxels<std::int16_t> hu(grid, -1000);
  for (std::int64_t k = 0; k < 60; ++k) {
    for (std::int64_t j = 0; j < 60; ++j) {
      for (std::int64_t i = 0; i < 80; ++i) {
        const Vec3 p = grid.world_from_voxel({double(i), double(j), double(k)});
        const auto ball = [&](Vec3 c, Vec3 r) {
          const Vec3 d = p - c;
          return d.x * d.x / (r.x * r.x) + d.y * d.y / (r.y * r.y) + d.z * d.z / (r.z * r.z) <= 1;
        };
        auto& value = hu(i, j, k);
        if (p.x * p.x / (145.0 * 145) + p.y * p.y / (105.0 * 105) <= 1) value = 40;
        if (ball({-70, 0, 110}, {50, 70, 90})) value = -850;
        if (ball({70, 0, 110}, {45, 65, 85})) value = -850;
        if (p.x * p.x + p.y * p.y <= 64 && p.z > 140) value = -1000;
      }
    }
  }
  return Image(std::move(hu));
}

std::map<std::string, std::string> contents(const Path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().lexically_relative(folder).generic_string()] = read_text(entry.path());
  }
  return files;
}

AnalyzeOptions options(const Path& input, const Path& output) {
  AnalyzeOptions options;
  options.inputs = {input};
  options.output = output;
  options.modality = "CT";
  return options;
}

ErrorCode code_of_error(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

class AnalyzeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gantry::Run run;
    io::write(folder.path() / "ct.nii.gz", phantom(), run);
  }
  TemporaryFolder folder;
};

TEST_F(AnalyzeTest, a_volume_gives_a_whole_result_with_both_lungs_on_their_sides) {
  gantry::Run run;
  const Path out = folder.path() / "out";
  const Json summary = analyze(options(folder.path() / "ct.nii.gz", out), run);
  for (const char* file :
       {"summary.json", "report.html", "report.pdf", "measurements.csv", "provenance.json", "segmentations/1-ct-lung_left.nii.gz"}) {
    EXPECT_TRUE(fs::exists(out / file)) << file;
  }
  const Json& study = summary["studies"][0];
  EXPECT_EQ(study["profiles"][0]["id"], "chest_ct");
  double left = 0, right = 0;
  for (const Json& segment : study["segments"]) {
    if (segment["id"] == "lung_left") left = segment["volume_ml"];
    if (segment["id"] == "lung_right") right = segment["volume_ml"];
  }
  constexpr double pi = 3.14159265;
  EXPECT_NEAR(left, 4.0 / 3 * pi * 45 * 65 * 85 / 1000, 0.03 * left);
  EXPECT_NEAR(right, 4.0 / 3 * pi * 50 * 70 * 90 / 1000, 0.03 * right);
  const Image mask = io::read(out / "segmentations/1-ct-lung_left.nii.gz", run);
  const auto voxels = mask.as<std::uint8_t>();
  const Vec3 inside = mask.grid().voxel_from_world({70, 0, 110});
  EXPECT_EQ(voxels(std::llround(inside.x), std::llround(inside.y), std::llround(inside.z)), 1);
  EXPECT_EQ(read_text(out / "summary.json"), to_text(summary));
}

TEST_F(AnalyzeTest, the_number_of_threads_changes_no_byte_but_in_provenance) {
  gantry::Run one(RunOptions{.threads = 1}), two(RunOptions{.threads = 2});
  analyze(options(folder.path() / "ct.nii.gz", folder.path() / "one"), one);
  analyze(options(folder.path() / "ct.nii.gz", folder.path() / "two"), two);
  auto a = contents(folder.path() / "one"), b = contents(folder.path() / "two");
  a.erase("provenance.json");
  b.erase("provenance.json");
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, bytes] : a) EXPECT_TRUE(b.at(name) == bytes) << name;
}

TEST_F(AnalyzeTest, a_result_is_replaced_but_foreign_files_are_not) {
  gantry::Run run;
  const Path out = folder.path() / "out";
  const AnalyzeOptions job = options(folder.path() / "ct.nii.gz", out);
  analyze(job, run);
  EXPECT_NO_THROW(analyze(job, run));
  write_atomic(out / "notes.txt", "mine");
  EXPECT_EQ(code_of_error([&] { analyze(job, run); }), ErrorCode::usage);
  EXPECT_EQ(error_info(ErrorCode::usage).exit_status, 2);
  EXPECT_EQ(read_text(out / "notes.txt"), "mine");
}

TEST_F(AnalyzeTest, a_cancelled_run_leaves_the_former_result) {
  gantry::Run run;
  const Path out = folder.path() / "out";
  const AnalyzeOptions job = options(folder.path() / "ct.nii.gz", out);
  analyze(job, run);
  const auto before = contents(out);
  RunOptions stopping;
  gantry::Run* handle = nullptr;
  stopping.progress = [&](double fraction, std::string_view) {
    if (fraction > 0.5) handle->cancel();
  };
  gantry::Run stopped(stopping);
  handle = &stopped;
  EXPECT_EQ(code_of_error([&] { analyze(job, stopped); }), ErrorCode::cancelled);
  EXPECT_EQ(contents(out), before);
  for (const auto& entry : fs::directory_iterator(folder.path()))
    EXPECT_EQ(entry.path().filename().string().find("staging"), std::string::npos);
}

TEST_F(AnalyzeTest, bad_requests_are_named) {
  gantry::Run run;
  AnalyzeOptions job = options(folder.path() / "missing.nii", folder.path() / "out");
  EXPECT_EQ(code_of_error([&] { analyze(job, run); }), ErrorCode::not_found);
  write_atomic(folder.path() / "noise.nii", "this is no image");
  job = options(folder.path() / "noise.nii", folder.path() / "out");
  EXPECT_EQ(code_of_error([&] { analyze(job, run); }), ErrorCode::unreadable);
  job = options(folder.path() / "ct.nii.gz", folder.path() / "out");
  job.profile = "chest_tc";
  EXPECT_EQ(code_of_error([&] { analyze(job, run); }), ErrorCode::parameter);
  job.profile = "";
  job.modality = "XX";
  EXPECT_EQ(code_of_error([&] { analyze(job, run); }), ErrorCode::parameter);
  EXPECT_FALSE(fs::exists(folder.path() / "out"));
}

}  // namespace
}  // namespace gantry::analysis::analyze_test
