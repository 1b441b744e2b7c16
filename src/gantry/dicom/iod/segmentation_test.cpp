// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/dicom/iod/peers_test.h"
#include "gantry/dicom/iod/series_test.h"
#include "gantry/dicom/iod/write.h"

namespace gantry::dicom::segmentation_test {
namespace {

/// Lungs, a nodule, and a heart without voxels.
Labels some_labels(const Grid& grid) {
  auto values = Voxels<std::uint16_t>(grid);
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        if (k >= 1 && (i * 3 + j * 5 + k) % 4 == 0) values(i, j, k) = i < grid.size(0) / 2 ? 2 : 5;
      }
    }
  }
  values(3, 2, 2) = 300;
  return Labels(std::move(values), {label_of(5, "lung_left", "threshold -500 HU"), label_of(2, "lung_right", "threshold -500 HU"),
                                    label_of(300, "lung_nodule", "multi-scale blobs"), label_of(7, "heart", "atlas")});
}

std::string pixels_script(const Path& file) {
  return R"(
import json, numpy, pydicom
d = pydicom.dcmread(')" +
         file.string() + R"(')
bits = numpy.unpackbits(numpy.frombuffer(d.PixelData, dtype=numpy.uint8), bitorder='little')
size = d.Rows * d.Columns
frames = []
for n, g in enumerate(d.PerFrameFunctionalGroupsSequence):
    image = g.DerivationImageSequence[0].SourceImageSequence[0]
    frames.append({'segment': int(g.SegmentIdentificationSequence[0].ReferencedSegmentNumber),
        'position': [float(v) for v in g.PlanePositionSequence[0].ImagePositionPatient],
        'source': image.ReferencedSOPInstanceUID, 'frame': int(image.get('ReferencedFrameNumber', 0)),
        'index': [int(v) for v in g.FrameContentSequence[0].DimensionIndexValues],
        'bits': bits[n * size:(n + 1) * size].tolist()})
segments = [{'number': int(s.SegmentNumber), 'label': s.SegmentLabel, 'type': s.SegmentedPropertyTypeCodeSequence[0].CodeValue,
    'lab': [int(v) for v in s.RecommendedDisplayCIELabValue]} for s in d.SegmentSequence]
print(json.dumps({'frames': frames, 'segments': segments, 'uid': d.SOPInstanceUID, 'series': d.SeriesInstanceUID,
    'referenced': len(d.ReferencedSeriesSequence[0].ReferencedInstanceSequence), 'number': int(d.NumberOfFrames)}))
)";
}

TEST(Segmentation, is_valid_for_dciodvfy) {
  if (!has_dciodvfy()) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
  for (const bool multi_frame : {false, true}) {
    const TemporaryFolder folder;
    gantry::Run run;
    const Grid grid = odd_oblique_grid();
    write_segmentation(folder.path() / "seg.dcm", handmade_series(grid, multi_frame), some_labels(grid), run);
    EXPECT_EQ(dciodvfy_errors(folder.path() / "seg.dcm"), "");
  }
}

TEST(Segmentation, gives_pydicom_the_voxels_of_each_label_in_place) {
  if (!has_pydicom()) GTEST_SKIP() << "no Python with pydicom (GANTRY_PYTHON)";
  for (const bool multi_frame : {false, true}) {
    for (const Grid& grid : {odd_oblique_grid(), Grid({16, 8, 3}, {1, 1, 2}, {5, 6, 7})}) {
      const TemporaryFolder folder;
      gantry::Run run;
      const Labels labels = some_labels(grid);
      const WrittenSegmentation written = write_segmentation(folder.path() / "seg.dcm", handmade_series(grid, multi_frame), labels, run);
      const Json read = python_json(python_with_pydicom(), folder.path(), pixels_script(folder.path() / "seg.dcm"));
      EXPECT_EQ(read["uid"], written.sop_instance_uid);
      EXPECT_EQ(read["series"], written.series_instance_uid);
      EXPECT_EQ(written.segment_number, (std::map<int, int>{{5, 1}, {2, 2}, {300, 3}}));
      ASSERT_EQ(read["segments"].size(), 3u);
      EXPECT_EQ(read["segments"][0]["label"], "Left lung");
      EXPECT_EQ(read["segments"][1]["type"], "3341006");
      EXPECT_EQ(read["referenced"], multi_frame ? 1 : grid.size(2));

      const auto values = labels.image().as<std::int32_t>();
      const std::int64_t plane = grid.size(0) * grid.size(1);
      auto rebuilt = Voxels<std::int32_t>(grid);
      for (const Json& frame : read["frames"]) {
        const Vec3 position{frame["position"][0], frame["position"][1], frame["position"][2]};
        const Vec3 voxel = grid.voxel_from_world(position);
        EXPECT_NEAR(voxel.x, 0, 1e-9);
        EXPECT_NEAR(voxel.y, 0, 1e-9);
        const std::int64_t k = std::llround(voxel.z);
        EXPECT_EQ(frame["source"], multi_frame ? "1.2.3.4.1" : "1.2.3.4." + std::to_string(k + 1));
        EXPECT_EQ(frame["frame"], multi_frame ? k + 1 : 0);
        EXPECT_EQ(frame["index"], Json({frame["segment"], k})) << "plane 0 is empty, so that plane 1 is the first position";
        const int value = std::array{0, 5, 2, 300}[frame["segment"].get<std::size_t>()];
        for (std::int64_t n = 0; n < plane; ++n) {
          if (frame["bits"][static_cast<std::size_t>(n)] == 1) rebuilt[k * plane + n] += value;
        }
      }
      for (std::int64_t n = 0; n < rebuilt.count(); ++n) ASSERT_EQ(rebuilt[n], values[n]) << n;
      EXPECT_EQ(read["number"], grid.size(2) == 4 ? 7 : 5) << "frames without a voxel are left out";
    }
  }
}

TEST(Segmentation, gives_a_structure_the_voxels_of_what_belongs_to_it) {
  if (!has_pydicom()) GTEST_SKIP() << "no Python with pydicom (GANTRY_PYTHON)";
  const TemporaryFolder folder;
  gantry::Run run;
  const Grid grid({8, 1, 1});
  auto voxels = Voxels<std::uint8_t>(grid);
  for (std::int64_t n = 0; n < 8; ++n)
    voxels[n] = static_cast<std::uint8_t>(std::array{0, 1, 1, 2, 3, 3, 4, 0}[static_cast<std::size_t>(n)]);
  const Labels labels(Image(std::move(voxels)), {label_of(1, "heart", "by hand"), label_of(3, "fat", "by hand")});
  write_segmentation(folder.path() / "seg.dcm", handmade_series(grid), labels, run, {{1, {2, 3}}, {3, {4}}});
  const Json read = python_json(python_with_pydicom(), folder.path(), pixels_script(folder.path() / "seg.dcm"));
  ASSERT_EQ(read["frames"].size(), 2u);
  EXPECT_EQ(read["frames"][0]["bits"], Json({0, 1, 1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(read["frames"][1]["bits"], Json({0, 0, 0, 0, 1, 1, 1, 0}));
}

TEST(Segmentation, gives_highdicom_the_same_arrays) {
  const std::string python = python_with_highdicom();
  if (python.empty()) GTEST_SKIP() << "no Python with highdicom (GANTRY_PYTHON)";
  const TemporaryFolder folder;
  gantry::Run run;
  const Grid grid = odd_oblique_grid();
  const Labels labels = some_labels(grid);
  write_segmentation(folder.path() / "seg.dcm", handmade_series(grid), labels, run);
  const Json read = python_json(python, folder.path(),
                                R"(
import json, highdicom
seg = highdicom.seg.segread(')" + (folder.path() / "seg.dcm").string() +
                                    R"(')
pixels = seg.get_pixels_by_source_instance(['1.2.3.4.%d' % (k + 1) for k in range(4)], ignore_spatial_locations=True, assert_missing_frames_are_empty=True)
d = [seg.get_segment_description(n) for n in seg.segment_numbers]
print(json.dumps({'shape': pixels.shape, 'pixels': pixels.ravel().tolist(), 'labels': [s.segment_label for s in d],
    'algorithm': [s.algorithm_type.value for s in d], 'category': [s.segmented_property_category.value for s in d],
    'tracking': [s.tracking_id for s in d]}))
)");
  EXPECT_EQ(read["shape"], Json({4, 5, 7, 3}));
  EXPECT_EQ(read["labels"], Json({"Left lung", "Right lung", "Lung nodule"}));
  EXPECT_EQ(read["algorithm"], Json({"AUTOMATIC", "AUTOMATIC", "AUTOMATIC"}));
  EXPECT_EQ(read["category"], Json({"91723000", "91723000", "49755003"}));
  EXPECT_EQ(read["tracking"], Json({"lung_left", "lung_right", "lung_nodule"}));
  const auto values = labels.image().as<std::int32_t>();
  const std::array order{5, 2, 300};
  ASSERT_EQ(read["pixels"].size(), static_cast<std::size_t>(values.count() * 3));
  for (std::int64_t n = 0; n < values.count(); ++n) {
    for (std::size_t s = 0; s < 3; ++s)
      ASSERT_EQ(read["pixels"][static_cast<std::size_t>(n) * 3 + s], values[n] == order[s] ? 1 : 0) << n << " " << s;
  }
}

TEST(Segmentation, stores_colours_as_cielab) {
  if (!has_pydicom()) GTEST_SKIP() << "no Python with pydicom (GANTRY_PYTHON)";
  const TemporaryFolder folder;
  gantry::Run run;
  auto values = Voxels<std::uint8_t>(Grid({2, 2, 1}), 1);
  values(1, 0, 0) = 2;
  Label white{.value = 1, .id = "white", .name = "White", .code = {}, .color = {255, 255, 255}, .method = ""};
  Label red{.value = 2, .id = "red", .name = "Red", .code = {"99TEST", "R", "Red"}, .color = {255, 0, 0}, .method = ""};
  const Labels labels(std::move(values), {white, red});
  write_segmentation(folder.path() / "seg.dcm", handmade_series(labels.image().grid()), labels, run);
  const Json read = python_json(python_with_pydicom(), folder.path(), pixels_script(folder.path() / "seg.dcm"));
  // White is L* 100; sRGB red under D50 is L* 54.29, a* 80.81, b* 69.89 (Lindbloom's calculator).
  const auto lab = [&](std::size_t segment) {
    const Json& stored = read["segments"][segment]["lab"];
    return Vec3{stored[0].get<double>() / 655.35, stored[1].get<double>() / 257 - 128, stored[2].get<double>() / 257 - 128};
  };
  EXPECT_NEAR(lab(0).x, 100, 0.01);
  EXPECT_NEAR(lab(0).y, 0, 0.05);
  EXPECT_NEAR(lab(0).z, 0, 0.05);
  EXPECT_NEAR(lab(1).x, 54.29, 0.02);
  EXPECT_NEAR(lab(1).y, 80.81, 0.05);
  EXPECT_NEAR(lab(1).z, 69.89, 0.05);
}

TEST(Segmentation, has_the_same_bytes_twice_and_for_any_number_of_threads) {
  std::array<std::string, 2> digests;
  for (std::size_t n = 0; n < 2; ++n) {
    const TemporaryFolder folder;
    gantry::Run run(RunOptions{.threads = n == 0 ? 1 : 2});
    const Grid grid({64, 64, 12}, {1, 1, 1});
    write_segmentation(folder.path() / "seg.dcm", handmade_series(grid), some_labels(grid), run);
    digests[n] = sha256_hex(read_bytes(folder.path() / "seg.dcm"));
  }
  EXPECT_EQ(digests[0], digests[1]);
}

TEST(Segmentation, refuses_empty_labels_another_grid_and_a_series_that_is_not_from_dicom) {
  const TemporaryFolder folder;
  const Path file = folder.path() / "seg.dcm";
  gantry::Run run;
  const Grid grid = odd_oblique_grid();
  const Labels empty(Voxels<std::uint8_t>(grid), {label_of(1, "heart", "")});
  EXPECT_THROW(write_segmentation(file, handmade_series(grid), empty, run), Error);
  EXPECT_THROW(write_segmentation(file, handmade_series(Grid({7, 5, 3})), some_labels(grid), run), Error);
  Series nifti;
  nifti.grid = grid;
  EXPECT_THROW(write_segmentation(file, nifti, some_labels(grid), run), Error);
  EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace gantry::dicom::segmentation_test
