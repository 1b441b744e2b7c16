// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "gantry/base/error.h"
#include "gantry/dicom/study.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::dicom::series_test {

namespace {

using test::Slice;

/// Slice n of a stack along `direction`; its six pixels are 10 n + 0 to 5.
Slice slice_at(int n, Vec3 position, int instance) {
  Slice s;
  s.uid = fmt::format("1.2.3.{}", n + 1);
  s.instance = instance;
  s.position = fmt::format("{}\\{}\\{}", position.x, position.y, position.z);
  for (int p = 0; p < 6; ++p) s.pixels[static_cast<std::size_t>(p)] = static_cast<std::uint16_t>(10 * n + p);
  return s;
}

class SeriesAssembly : public testing::Test {
 protected:
  void add(const std::string& name, const Slice& slice) { test::save(folder_.path() / name, part10(test::slice_set(slice))); }
  Input read() {
    const std::vector<Path> paths{folder_.path()};
    return read_dicom(paths, run_);
  }
  /// The only series of the only study.
  Series only() {
    const Input input = read();
    EXPECT_EQ(input.studies.size(), 1U);
    EXPECT_EQ(input.studies.at(0).series.size(), 1U);
    return input.studies.at(0).series.at(0);
  }
  static bool says(const Series& series, std::string_view word) {
    for (const std::string& text : series.warnings) {
      if (text.find(word) != std::string::npos) return true;
    }
    return false;
  }
  TemporaryFolder folder_;
  gantry::Run run_;
};

TEST_F(SeriesAssembly, orders_shuffled_slices_by_position_and_not_by_name_or_number) {
  const int order[] = {3, 0, 4, 1, 2};
  for (int n = 0; n < 5; ++n) add(fmt::format("{}.dcm", order[n]), slice_at(n, {-10, 5, 2.5 * n - 4}, 17 * order[n]));
  const Series series = only();
  EXPECT_TRUE(series.is_volume);
  EXPECT_TRUE(series.reason.empty());
  EXPECT_TRUE(series.warnings.empty());
  EXPECT_EQ(series.grid.size(), (Size3{3, 2, 5}));
  EXPECT_NEAR(norm(series.grid.spacing_mm() - Vec3{0.5, 2, 2.5}), 0, 1e-12);
  EXPECT_NEAR(norm(series.grid.origin_mm() - Vec3{-10, 5, -4}), 0, 1e-12);
  EXPECT_EQ(series.grid.orientation(), "LPS");
  const auto voxels = load(series, run_).as<std::int16_t>();
  for (int k = 0; k < 5; ++k) EXPECT_EQ(voxels(2, 1, k), 10 * k + 5);
}

TEST_F(SeriesAssembly, keeps_the_patients_sides_of_a_feet_first_prone_scan) {
  for (int n = 0; n < 3; ++n) {
    Slice s = slice_at(n, {10, 20, -3.0 * n}, n + 1);
    s.orientation = "-1\\0\\0\\0\\1\\0";  // columns run to the patient's right, so k rises to the feet
    add(fmt::format("{}", n), s);
  }
  const Series series = only();
  EXPECT_EQ(series.grid.orientation(), "RPI");
  EXPECT_NEAR(determinant(series.grid.direction()), 1, 1e-12);
  const auto voxels = load(series, run_).as<std::int16_t>();
  EXPECT_EQ(voxels(0, 0, 2), 20);
  EXPECT_NEAR(norm(series.grid.world_from_voxel({1, 0, 2}) - Vec3{9.5, 20, -6}), 0, 1e-12);
}

TEST_F(SeriesAssembly, names_a_missing_slice_and_keeps_true_positions) {
  for (int n = 0; n < 8; ++n) {
    if (n != 5) add(fmt::format("{}", n), slice_at(n, {0, 0, 3.0 * n}, n));
  }
  const Series series = only();
  EXPECT_TRUE(says(series, "1 slice is missing (after slice 5)"));
  ASSERT_EQ(series.grid.slice_positions_mm().size(), 7U);
  EXPECT_NEAR(series.grid.world_from_voxel({0, 0, 5}).z, 18, 1e-12);
}

TEST_F(SeriesAssembly, names_uneven_slice_distances) {
  const double z[] = {0, 2, 5, 6.1, 9};
  for (int n = 0; n < 5; ++n) add(fmt::format("{}", n), slice_at(n, {0, 0, z[n]}, n));
  const Series series = only();
  EXPECT_TRUE(says(series, "vary between 1.10 and 3.00 mm"));
  for (int n = 0; n < 5; ++n) EXPECT_NEAR(series.grid.world_from_voxel({0, 0, static_cast<double>(n)}).z, z[n], 1e-12);
}

TEST_F(SeriesAssembly, takes_duplicates_once) {
  for (int n = 0; n < 4; ++n) add(fmt::format("{}", n), slice_at(n, {0, 0, 3.0 * n}, n));
  add("copy", slice_at(2, {0, 0, 6}, 2));
  Slice other = slice_at(9, {0, 0, 3}, 99);
  add("other", other);
  const Input input = read();
  const Series& series = input.studies.at(0).series.at(0);
  EXPECT_EQ(series.grid.size(2), 4);
  EXPECT_TRUE(says(series, "1 images lie where another one lies already"));
  EXPECT_EQ(load(series, run_).as<std::int16_t>()(0, 0, 1), 10);
  int repeated = 0;
  for (const FileEntry& file : input.files) repeated += file.reason.find("the same instance as") != std::string::npos;
  EXPECT_EQ(repeated, 1);
}

TEST_F(SeriesAssembly, shears_the_grid_of_a_tilted_gantry) {
  const double angle = 20 * M_PI / 180;
  for (int n = 0; n < 6; ++n) {
    Slice s = slice_at(n, {0, 0, 4.0 * n}, n);  // the table moves along z, the plane is tilted about x
    s.orientation = fmt::format("1\\0\\0\\0\\{}\\{}", std::cos(angle), -std::sin(angle));
    add(fmt::format("{}", n), s);
  }
  const Series series = only();
  EXPECT_TRUE(says(series, "tilted by 20.0 degrees"));
  EXPECT_TRUE(series.grid.slice_positions_mm().empty());
  EXPECT_NEAR(norm(series.grid.world_from_voxel({0, 0, 5}) - Vec3{0, 0, 20}), 0, 1e-9);
  EXPECT_NEAR(norm(series.grid.world_from_voxel({0, 1, 0}) - Vec3{0, 2 * std::cos(angle), -2 * std::sin(angle)}), 0, 1e-9);
  EXPECT_NEAR(series.grid.voxel_volume_mm3(), 0.5 * 2 * 4 * std::cos(angle), 1e-9);
}

TEST_F(SeriesAssembly, makes_time_points_of_images_at_the_same_places) {
  int name = 0;
  for (int t = 0; t < 3; ++t) {
    for (int k = 0; k < 2; ++k) add(fmt::format("{}", 9 - ++name), slice_at(t * 2 + k, {0, 0, 5.0 * k}, 10 * t + k));
  }
  const Series series = only();
  EXPECT_EQ(series.frames, 3);
  EXPECT_EQ(series.grid.size(2), 2);
  const auto voxels = load(series, run_).as<std::int16_t>();
  for (int n = 0; n < 6; ++n) EXPECT_EQ(voxels[n * 6], 10 * n);
}

TEST_F(SeriesAssembly, leaves_out_a_time_point_that_is_not_complete) {
  for (int t = 0; t < 3; ++t) {
    for (int k = 0; k < 3; ++k) {
      if (t < 2 || k < 1) add(fmt::format("{}{}", t, k), slice_at(t * 3 + k, {0, 0, 5.0 * k}, 10 * t + k));
    }
  }
  const Series series = only();
  EXPECT_EQ(series.frames, 2);
  EXPECT_TRUE(says(series, "time series is incomplete: 1 images"));
}

TEST_F(SeriesAssembly, splits_localizers_and_echoes_off) {
  for (int n = 0; n < 4; ++n) add(fmt::format("{}", n), slice_at(n, {0, 0, 3.0 * n}, n));
  Slice side = slice_at(7, {0, 0, 0}, 50);
  side.orientation = "0\\1\\0\\0\\0\\-1";
  add("side", side);
  const Input input = read();
  ASSERT_EQ(input.studies.at(0).series.size(), 2U);
  const Series &volume = input.studies[0].series[0], &single = input.studies[0].series[1];
  EXPECT_TRUE(volume.is_volume);
  EXPECT_EQ(volume.grid.size(2), 4);
  EXPECT_FALSE(single.is_volume);
  EXPECT_TRUE(says(single, "one of 2 image sets of its series, which differ in orientation"));
  EXPECT_EQ(single.series_uid, volume.series_uid);
}

TEST_F(SeriesAssembly, splits_echoes_of_mr) {
  for (int e = 0; e < 2; ++e) {
    for (int n = 0; n < 3; ++n) {
      Slice s = slice_at(e * 3 + n, {0, 0, 3.0 * n}, e * 3 + n);
      s.modality = "MR";
      s.before_series = [e](test::Writer& w) { w.text(0x00180081U, "DS", e == 0 ? "4.6" : "6.9"); };
      add(fmt::format("{}{}", e, n), s);
    }
  }
  const Input input = read();
  ASSERT_EQ(input.studies.at(0).series.size(), 2U);
  EXPECT_TRUE(says(input.studies[0].series[0], "differ in echo"));
  EXPECT_EQ(input.studies[0].series[1].grid.size(2), 3);
}

TEST_F(SeriesAssembly, gives_the_same_result_for_any_number_of_threads) {
  for (int n = 0; n < 30; ++n) add(fmt::format("{}", n), slice_at(n, {0, 0, 1.5 * n}, n));
  RunOptions options;
  options.threads = 1;
  gantry::Run one(options);
  const std::vector<Path> paths{folder_.path()};
  const Input a = read_dicom(paths, one), b = read_dicom(paths, run_);
  const Image left = load(a.studies.at(0).series.at(0), one), right = load(b.studies.at(0).series.at(0), run_);
  EXPECT_EQ(left.grid(), right.grid());
  EXPECT_TRUE(std::equal(left.bytes().begin(), left.bytes().end(), right.bytes().begin(), right.bytes().end()));
}

TEST_F(SeriesAssembly, derives_missing_uids_from_the_content) {
  for (int n = 0; n < 3; ++n) {
    Slice s = slice_at(n, {0, 0, 3.0 * n}, n);
    s.uid = s.series_uid = "";
    add(fmt::format("{}", n), s);
  }
  const Series series = only();
  EXPECT_TRUE(series.series_uid.starts_with("2.25."));
  EXPECT_EQ(series.grid.size(2), 3);
  EXPECT_TRUE(says(series, "UID was missing"));
}

TEST_F(SeriesAssembly, tells_what_becomes_of_each_file) {
  add("good", slice_at(0, {0, 0, 0}, 1));
  test::save(folder_.path() / "notes.txt", "hello\n");
  test::save(folder_.path() / "empty", "");
  Slice report = slice_at(3, {0, 0, 0}, 1);
  report.sop_class = "1.2.840.10008.5.1.4.1.1.88.33";
  report.series_uid = "1.2.4";
  add("report", report);
  const Input input = read();
  ASSERT_EQ(input.files.size(), 4U);
  EXPECT_EQ(input.files[0].reason, "the file is empty");
  EXPECT_EQ(input.files[1].kind, "CT image");
  EXPECT_TRUE(input.files[1].readable);
  EXPECT_EQ(input.files[2].kind, "text");
  EXPECT_FALSE(input.files[2].readable);
  EXPECT_EQ(input.files[3].kind, "structured report");
  EXPECT_EQ(input.studies.at(0).series.at(1).reason, "structured report: holds no image");
}

}  // namespace

}  // namespace gantry::dicom::series_test
