// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/dicom/iod/peers_test.h"
#include "gantry/dicom/iod/series_test.h"
#include "gantry/dicom/iod/write.h"

namespace gantry::dicom::round_trip_test {
namespace {

/// Whole numbers that tell every voxel apart, some negative.
Image numbered(const Grid& grid, int first, std::int64_t frames = 1) {
  auto voxels = Voxels<std::int16_t>::uninitialized(grid, 1, frames);
  for (std::int64_t n = 0; n < voxels.count(); ++n) voxels[n] = static_cast<std::int16_t>(first + n);
  return voxels;
}

Series only_series(const Path& folder, gantry::Run& run) {
  const Input input = read_dicom(std::array{folder}, run);
  EXPECT_EQ(input.studies.size(), 1u);
  EXPECT_EQ(input.studies.at(0).series.size(), 1u);
  return input.studies.at(0).series.at(0);
}

/// The voxel of `read` that lies where voxel (i, j, k) of `grid` lies has the same value.
void expect_same_world(const Image& written, const Image& read, double tolerance) {
  const auto expected = written.as<float>();
  const auto found = read.as<float>();
  ASSERT_EQ(found.count(), expected.count());
  const Grid& grid = expected.grid();
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const Vec3 world = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        const Vec3 voxel = found.grid().voxel_from_world(world);
        const Vec3 nearest{std::round(voxel.x), std::round(voxel.y), std::round(voxel.z)};
        ASSERT_LT(norm(voxel - nearest), 1e-6);
        const auto a = static_cast<std::int64_t>(nearest.x), b = static_cast<std::int64_t>(nearest.y),
                   c = static_cast<std::int64_t>(nearest.z);
        ASSERT_TRUE(a >= 0 && a < found.grid().size(0) && b >= 0 && b < found.grid().size(1) && c >= 0 && c < found.grid().size(2));
        ASSERT_NEAR(found(a, b, c), expected(i, j, k), tolerance) << i << " " << j << " " << k;
      }
    }
  }
}

std::vector<Grid> all_kinds_of_grids() {
  const Size3 size{6, 5, 4};
  const Vec3 spacing{0.75, 1.25, 2.5}, origin{-31.5, 17.25, -104.125};
  const Vec3 left{1, 0, 0}, back{0, 1, 0}, up{0, 0, 1};
  const auto minus = [](Vec3 v) { return -1.0 * v; };
  const double c = std::cos(0.3), s = std::sin(0.3);
  return {
      Grid(size, spacing, origin, {{left, back, up}}),                // axial
      Grid(size, spacing, origin, {{left, back, minus(up)}}),         // axial, slices from the head down
      Grid(size, spacing, origin, {{minus(left), minus(back), up}}),  // axial, rotated half a turn in the plane
      Grid(size, spacing, origin, {{minus(left), back, minus(up)}}),  // feet first
      Grid(size, spacing, origin, {{left, minus(up), back}}),         // coronal
      Grid(size, spacing, origin, {{left, minus(up), minus(back)}}),  // coronal, reversed
      Grid(size, spacing, origin, {{back, minus(up), minus(left)}}),  // sagittal
      Grid(size, spacing, origin, {{back, minus(up), left}}),         // sagittal, reversed
      Grid(size, spacing, origin, {{Vec3{c, s, 0}, Vec3{-s * c, c * c, s}, Vec3{s * s, -c * s, c}}}),  // oblique
      Grid(size, spacing, origin, {{left, back, up}}).with_slice_positions({0, 2, 5, 10}),             // uneven
  };
}

TEST(RoundTrip, keeps_the_place_and_value_of_every_voxel) {
  int number = 0;
  for (const Grid& grid : all_kinds_of_grids()) {
    for (const std::string modality : {"CT", "MR", "PT", "OT"}) {
      SCOPED_TRACE(modality + " on grid " + std::to_string(number));
      const TemporaryFolder folder;
      gantry::Run run;
      const Image image = numbered(grid, modality == "CT" ? -60 : 0);
      write_image_as_dicom(folder.path() / "out", image, modality, "explicit", run);
      const Series series = only_series(folder.path() / "out", run);
      EXPECT_EQ(series.modality, modality);
      EXPECT_EQ(series.instances.size(), 4u);
      if (!grid.slice_positions_mm().empty()) {
        // The reader may resample uneven slices; the slices themselves are where they were.
        for (std::size_t k = 0; k < 4; ++k)
          EXPECT_LT(norm(series.instances[k].position_mm - grid.world_from_voxel({0, 0, static_cast<double>(k)})), 1e-9);
        continue;
      }
      expect_same_world(image, load(series, run), 1e-4);
    }
    ++number;
  }
}

TEST(RoundTrip, is_exact_in_every_lossless_transfer_syntax) {
  for (const std::string syntax : {"explicit", "implicit", "deflated", "rle", "jpeg_lossless", "jpeg_ls", "jpeg_2000", "htj2k"}) {
    for (const int first : {-200, 0}) {
      SCOPED_TRACE(syntax + " from " + std::to_string(first));
      const TemporaryFolder folder;
      gantry::Run run;
      const Image image = numbered(Grid({33, 17, 2}, {1, 1, 2}), first);
      write_image_as_dicom(folder.path() / "out", image, "CT", syntax, run);
      const Series series = only_series(folder.path() / "out", run);
      EXPECT_EQ(series.instances[0].transfer_syntax_uid, transfer_syntax_of(syntax));
      const Image read = load(series, run);
      EXPECT_TRUE(read.grid().same_space(image.grid()));
      const auto expected = image.as<std::int16_t>(), found = read.as<std::int16_t>();
      for (std::int64_t n = 0; n < expected.count(); ++n) ASSERT_EQ(found[n], expected[n]) << n;
    }
  }
}

TEST(RoundTrip, keeps_rgb_pictures_in_every_lossless_transfer_syntax) {
  auto pixels = Voxels<std::uint8_t>::uninitialized(Grid({21, 13, 1}), 3);
  for (std::int64_t n = 0; n < pixels.count(); ++n) pixels[n] = static_cast<std::uint8_t>(n * 7 % 251);
  const Image image = std::move(pixels);
  for (const std::string syntax : {"explicit", "rle", "jpeg_lossless", "jpeg_ls", "jpeg_2000", "htj2k"}) {
    SCOPED_TRACE(syntax);
    const TemporaryFolder folder;
    gantry::Run run;
    write_image_as_dicom(folder.path() / "out", image, "OT", syntax, run);
    const Image read = load(only_series(folder.path() / "out", run), run);
    ASSERT_EQ(read.components(), 3);
    const auto expected = image.as<std::uint8_t>(), found = read.as<std::uint8_t>();
    for (std::int64_t n = 0; n < expected.count(); ++n) ASSERT_EQ(found[n], expected[n]) << n;
  }
}

TEST(RoundTrip, stores_real_values_within_half_a_step_and_says_so) {
  const Grid grid({8, 8, 3});
  auto voxels = Voxels<float>::uninitialized(grid);
  for (std::int64_t n = 0; n < voxels.count(); ++n) voxels[n] = -3.0f + 0.01f * static_cast<float>(n) * static_cast<float>(n);
  const Image image = std::move(voxels);
  for (const std::string modality : {"CT", "MR", "OT"}) {
    const TemporaryFolder folder;
    gantry::Run run;
    write_image_as_dicom(folder.path() / "out", image, modality, "explicit", run);
    EXPECT_EQ(run.warnings().size(), 1u);
    const Image read = load(only_series(folder.path() / "out", run), run);
    const double range = 0.01 * 191 * 191;
    expect_same_world(image, read, range / 65535 * 0.6);
  }
}

TEST(RoundTrip, a_series_made_from_another_keeps_its_modality_patient_study_and_frame_of_reference) {
  for (const std::string modality : {"CT", "MR", "PT", "CR", "US"}) {
    SCOPED_TRACE(modality);
    const bool capture = modality == "CR" || modality == "US", colour = modality == "US";
    const TemporaryFolder folder;
    gantry::Run run;
    auto pixels = Voxels<std::uint8_t>::uninitialized(Grid({9, 7, capture ? 1 : 3}), colour ? 3 : 1);
    for (std::int64_t n = 0; n < pixels.count(); ++n) pixels[n] = static_cast<std::uint8_t>(n % 251);
    const std::vector<std::pair<std::string, std::string>> kept{
        {"PatientName", "Doe^Jane"}, {"PatientID", "P7"},       {"PatientAge", "004Y"},        {"StudyInstanceUID", "1.2.3"},
        {"StudyDate", "20260102"},   {"AccessionNumber", "A9"}, {"StudyDescription", "chest"}, {"BodyPartExamined", "CHEST"}};
    ImageSeriesSpec spec{.modality = capture ? "OT" : modality, .image = numbered(Grid({9, 7, capture ? 1 : 3}), 0)};
    for (const auto& [keyword, value] : kept) spec.attributes.push_back({keyword, value});
    spec.attributes.push_back({"FrameOfReferenceUID", "1.2.3.4"});
    spec.attributes.push_back({"Modality", modality});
    if (capture) spec.attributes.push_back({"ViewPosition", "PA"});
    write_image_series(folder.path() / "source", spec, run);
    const Series source = only_series(folder.path() / "source", run);
    ASSERT_EQ(source.modality, modality);
    const Image image = colour ? Image(std::move(pixels)) : load(source, run);
    write_image_as_dicom(folder.path() / "out", image, "", "rle", run, &source);
    const Series written = only_series(folder.path() / "out", run);
    EXPECT_EQ(written.modality, modality);
    EXPECT_NE(written.series_uid, source.series_uid);
    for (const auto& [keyword, value] : kept) EXPECT_EQ(written.header.text(keyword), value) << keyword;
    EXPECT_EQ(written.frame_of_reference_uid, colour ? "" : "1.2.3.4");
    EXPECT_EQ(written.header.text("ViewPosition").value_or(""), capture ? "PA" : "");
    // What is asked for by name goes before what the source says.
    write_image_as_dicom(folder.path() / "other", load(source, run), "OT", "explicit", run, &source);
    EXPECT_EQ(only_series(folder.path() / "other", run).modality, "OT");
  }
}

TEST(RoundTrip, keeps_the_source_of_derived_objects) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Grid grid = odd_oblique_grid();
  write_image_series(
      folder.path() / "ct",
      {.modality = "CT",
       .image = numbered(grid, 0),
       .attributes = {{"PatientName", "山田^太郎"}, {"PatientID", "P7"}, {"StudyDate", "20260102"}, {"StudyTime", "101500.25"}},
       .slice_attributes =
           [](std::int64_t k) {
             return std::vector<Attribute>{{"ContentTime", "10160" + std::to_string(k)}};
           },
       .uid_seed = "derived"},
      run);
  const Series series = only_series(folder.path() / "ct", run);
  auto labels = Voxels<std::uint8_t>(series.grid);
  labels(1, 2, 3) = 1;
  const Path file = folder.path() / "seg.dcm";
  write_segmentation(file, series, Labels(std::move(labels), {label_of(1, "liver", "by hand")}), run);
  if (has_dciodvfy()) {
    EXPECT_EQ(dciodvfy_errors(file), "");
  }
  const Input input = read_dicom(std::array{file}, run);
  ASSERT_EQ(input.studies.size(), 1u);
  const Header& header = input.studies[0].header;
  EXPECT_EQ(header.text("PatientName"), "山田^太郎");
  EXPECT_EQ(header.text("PatientID"), "P7");
  EXPECT_EQ(header.text("StudyTime"), "101500.25");
  EXPECT_EQ(header.text("ContentDate"), "20260102");
  EXPECT_EQ(header.text("ContentTime"), "101603") << "of the newest instance";
  EXPECT_EQ(input.studies[0].study_uid, series.study_uid);
}

TEST(RoundTrip, joins_the_study_of_its_source) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Image image = numbered(odd_oblique_grid(), 0);
  std::vector<Attribute> attributes{{"PatientName", "A^B"},
                                    {"PatientAge", "042Y"},
                                    {"StudyID", "S1"},
                                    {"Units", "CNTS"},
                                    {"RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose", "350000000"},
                                    {"(7053,0010)", "Philips PET Private Group"},
                                    {"(7053,1000)DS", "0.25"}};
  for (Attribute& attribute :
       code_attributes("RadiopharmaceuticalInformationSequence[0].RadionuclideCodeSequence", {"SCT", "77004003", "^18^Fluorine"})) {
    attributes.push_back(std::move(attribute));
  }
  write_image_series(folder.path() / "pet", {.modality = "PT", .image = image, .attributes = attributes, .uid_seed = "joins"}, run);
  const Series source = only_series(folder.path() / "pet", run);
  write_image_as_dicom(folder.path() / "out", image, "", "jpeg-ls", run, &source);
  const Series made = only_series(folder.path() / "out", run);
  EXPECT_EQ(made.modality, "PT");
  EXPECT_EQ(made.study_uid, source.study_uid);
  EXPECT_EQ(made.frame_of_reference_uid, source.frame_of_reference_uid);
  EXPECT_NE(made.series_uid, source.series_uid);
  for (const char* same : {"PatientName", "PatientAge", "StudyID", "Units", "(7053,1000)",
                           "RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose"}) {
    EXPECT_TRUE(made.header.text(same).has_value()) << same;
    EXPECT_EQ(made.header.text(same), source.header.text(same)) << same;
  }
  expect_same_world(image, load(made, run), 1e-4);
  if (has_dciodvfy()) {
    EXPECT_EQ(dciodvfy_errors(folder.path() / "out" / "0001.dcm"), "");
  }
}

TEST(RoundTrip, mends_values_of_the_source_that_are_not_allowed) {
  if (!has_dciodvfy()) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
  const TemporaryFolder folder;
  gantry::Run run;
  const Grid grid({4, 4, 3});
  write_image_series(folder.path() / "ct",
                     {.modality = "CT",
                      .image = numbered(grid, 0),
                      .attributes = {{"PatientAge", "42"},
                                     {"StudyID", "longer than sixteen"},
                                     {"StudyDate", "2004.01.19"},
                                     {"StudyTime", "around noon"},
                                     {"BodyPartExamined", "chest, mostly"},
                                     {"PatientWeight", "heavy"}},
                      .uid_seed = "mends"},
                     run);
  const Series source = only_series(folder.path() / "ct", run);
  auto labels = Voxels<std::uint8_t>(source.grid);
  labels(1, 2, 1) = 1;
  write_segmentation(folder.path() / "seg.dcm", source, Labels(std::move(labels), {label_of(1, "liver", "by hand")}), run);
  EXPECT_EQ(dciodvfy_errors(folder.path() / "seg.dcm"), "");
  write_image_as_dicom(folder.path() / "out", numbered(grid, 5), "", "explicit", run, &source);
  EXPECT_EQ(dciodvfy_errors(folder.path() / "out" / "0001.dcm"), "");
  EXPECT_EQ(only_series(folder.path() / "out", run).header.text("StudyDate"), "20040119");
}

TEST(RoundTrip, leaves_a_folder_that_holds_something_alone) {
  const TemporaryFolder folder;
  write_atomic(folder.path() / "mine.txt", "mine");
  gantry::Run run;
  EXPECT_THROW(write_image_as_dicom(folder.path(), numbered(Grid({4, 4, 1}), 0), "CT", "explicit", run), Error);
  EXPECT_EQ(read_text(folder.path() / "mine.txt"), "mine");
  EXPECT_THROW(write_image_as_dicom(folder.path() / "new", numbered(Grid({4, 4, 1}), 0), "CT", "zip", run), Error);
  EXPECT_THROW(write_image_as_dicom(folder.path() / "new", numbered(Grid({4, 4, 1}), 0), "US", "explicit", run), Error);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "new"));
}

}  // namespace
}  // namespace gantry::dicom::round_trip_test
