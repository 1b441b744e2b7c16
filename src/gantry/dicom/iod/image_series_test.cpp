// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/dicom/iod/draft.h"
#include "gantry/dicom/iod/peers_test.h"
#include "gantry/dicom/iod/write.h"

namespace gantry::dicom::image_series_test {
namespace {

Grid oblique_grid() {
  const double c = std::cos(0.3), s = std::sin(0.3);
  return Grid({8, 6, 4}, {0.75, 1.25, 2.5}, {-31.5, 17.25, -104.125}, {{Vec3{c, s, 0}, Vec3{-s * c, c * c, s}, Vec3{s * s, -c * s, c}}});
}

/// Values that tell every voxel apart.
Image ramp(const Grid& grid, float scale, float offset) {
  auto voxels = Voxels<float>::uninitialized(grid);
  for (std::int64_t n = 0; n < voxels.count(); ++n) voxels[n] = offset + scale * static_cast<float>(n);
  return voxels;
}

ImageSeriesSpec spec_of(const std::string& modality, Image image) {
  ImageSeriesSpec spec{.modality = modality, .image = std::move(image), .uid_seed = "test/" + modality};
  spec.attributes = {{"PatientName", "Ångström^Zoë"}, {"PatientID", "P1"}, {"StudyDate", "20260102"}, {"StudyTime", "101500"}};
  return spec;
}

std::vector<Attribute> pet_attributes() {
  std::vector<Attribute> attributes{
      {"Units", "BQML"},
      {"DecayCorrection", "START"},
      {"PatientWeight", "72.5"},
      {"RadiopharmaceuticalInformationSequence[0].Radiopharmaceutical", "FDG"},
      {"RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartTime", "090000"},
      {"RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose", "350000000"},
      {"RadiopharmaceuticalInformationSequence[0].RadionuclideHalfLife", "6586.2"},
      {"(7053,0010)", "Philips PET Private Group"},
      {"(7053,1000)DS", "0.000425"},
  };
  for (Attribute& attribute :
       code_attributes("RadiopharmaceuticalInformationSequence[0].RadionuclideCodeSequence", {"SCT", "77004003", "^18^Fluorine"})) {
    attributes.push_back(std::move(attribute));
  }
  return attributes;
}

Json read_with_pydicom(const Path& folder) {
  return python_json(python_with_pydicom(), folder, R"(
import pydicom, glob, json, numpy
rows = []
for name in sorted(glob.glob(')" + folder.string() + R"(/*.dcm')):
    d = pydicom.dcmread(name)
    values = d.pixel_array.astype(float) * float(d.get('RescaleSlope', 1)) + float(d.get('RescaleIntercept', 0))
    half = None
    if 'RadiopharmaceuticalInformationSequence' in d and len(d.RadiopharmaceuticalInformationSequence):
        item = d.RadiopharmaceuticalInformationSequence[0]
        half = [float(item.RadionuclideHalfLife), item.RadionuclideCodeSequence[0].CodeMeaning, float(d[0x7053, 0x1000].value)]
    rows.append({'patient': str(d.PatientName), 'position': [float(v) for v in d.ImagePositionPatient],
        'orientation': [float(v) for v in d.ImageOrientationPatient], 'spacing': [float(v) for v in d.PixelSpacing],
        'instance': int(d.InstanceNumber), 'uid': d.SOPInstanceUID, 'pet': half, 'values': values.ravel().tolist(),
        'slope': float(d.get('RescaleSlope', 1))})
print(json.dumps(rows))
)");
}

std::string folder_digest(const Path& folder) {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::string digests;
  for (const Path& file : files) digests += file.filename().string() + sha256_hex(read_bytes(file));
  return sha256_hex(digests);
}

TEST(ImageSeries, is_valid_for_dciodvfy) {
  if (!has_dciodvfy()) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
  for (const std::string modality : {"CT", "MR", "PT"}) {
    const TemporaryFolder folder;
    ImageSeriesSpec spec = spec_of(modality, ramp(oblique_grid(), 3, -100));
    if (modality == "PT") {
      const auto more = pet_attributes();
      spec.attributes.insert(spec.attributes.end(), more.begin(), more.end());
    }
    gantry::Run run;
    write_image_series(folder.path(), spec, run);
    EXPECT_EQ(dciodvfy_errors(folder.path() / "0001.dcm"), "") << modality;
    EXPECT_EQ(dciodvfy_errors(folder.path() / "0004.dcm"), "") << modality;
  }
}

TEST(ImageSeries, is_valid_without_any_attribute_of_the_caller) {
  if (!has_dciodvfy()) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
  for (const std::string modality : {"CT", "MR", "PT", "OT"}) {
    const TemporaryFolder folder;
    gantry::Run run;
    write_image_series(folder.path(), {.modality = modality, .image = ramp(oblique_grid(), 3, 0)}, run);
    EXPECT_EQ(dciodvfy_errors(folder.path() / "0001.dcm"), "") << modality;
  }
}

TEST(ImageSeries, is_valid_for_body_parts_with_and_without_sides) {
  if (!has_dciodvfy()) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
  for (const std::string part : {"CHEST", "BRAIN", "WHOLEBODY", "KNEE"}) {
    const TemporaryFolder folder;
    gantry::Run run;
    ImageSeriesSpec spec = spec_of("CT", ramp(oblique_grid(), 3, 0));
    spec.attributes.push_back({"BodyPartExamined", part});
    write_image_series(folder.path(), spec, run);
    EXPECT_EQ(dciodvfy_errors(folder.path() / "0001.dcm"), "") << part;
  }
}

TEST(ImageSeries, gives_pydicom_the_same_values_and_places) {
  if (!has_pydicom()) GTEST_SKIP() << "no Python with pydicom (GANTRY_PYTHON)";
  const Grid grid = oblique_grid();
  for (const std::string modality : {"CT", "MR", "PT"}) {
    const TemporaryFolder folder;
    const Image image = ramp(grid, 5, modality == "PT" ? 0 : -300);
    ImageSeriesSpec spec = spec_of(modality, image);
    if (modality == "PT") {
      const auto more = pet_attributes();
      spec.attributes.insert(spec.attributes.end(), more.begin(), more.end());
      spec.slope = 0;
    }
    gantry::Run run;
    write_image_series(folder.path(), spec, run);
    const Json rows = read_with_pydicom(folder.path());
    ASSERT_EQ(rows.size(), 4u);
    const auto expected = image.as<float>();
    for (std::int64_t k = 0; k < 4; ++k) {
      const Json& row = rows[static_cast<std::size_t>(k)];
      EXPECT_EQ(row["patient"], "Ångström^Zoë");
      EXPECT_EQ(row["instance"], k + 1);
      const Vec3 position = grid.world_from_voxel({0, 0, static_cast<double>(k)});
      for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(row["position"][static_cast<std::size_t>(axis)].get<double>(), position[axis], 1e-9);
      EXPECT_EQ(row["spacing"], Json({1.25, 0.75}));
      for (int axis = 0; axis < 3; ++axis) {
        EXPECT_NEAR(row["orientation"][static_cast<std::size_t>(axis)].get<double>(), grid.direction().column[0][axis], 1e-12);
        EXPECT_NEAR(row["orientation"][static_cast<std::size_t>(axis + 3)].get<double>(), grid.direction().column[1][axis], 1e-12);
      }
      const double tolerance = modality == "PT" ? row["slope"].get<double>() / 2 + 1e-6 : 0;
      for (std::int64_t n = 0; n < 48; ++n) {
        EXPECT_NEAR(row["values"][static_cast<std::size_t>(n)].get<double>(), expected[k * 48 + n], tolerance)
            << modality << " " << k << " " << n;
      }
      EXPECT_EQ(row["pet"], modality == "PT" ? Json({6586.2, "^18^Fluorine", 0.000425}) : Json(nullptr));
    }
  }
}

TEST(ImageSeries, gives_each_pet_slice_its_own_slope_that_uses_the_cells) {
  const TemporaryFolder folder;
  ImageSeriesSpec spec = spec_of("PT", ramp(Grid({4, 4, 2}), 1000, 0));
  spec.slope = 0;
  gantry::Run run;
  write_image_series(folder.path(), spec, run);
  if (!has_pydicom()) GTEST_SKIP() << "no Python with pydicom (GANTRY_PYTHON)";
  const Json rows = read_with_pydicom(folder.path());
  EXPECT_NEAR(rows[0]["slope"].get<double>(), 15000.0 / 32767, 1e-5);
  EXPECT_NEAR(rows[1]["slope"].get<double>(), 31000.0 / 32767, 1e-5);
}

TEST(ImageSeries, takes_the_slope_of_a_slice_from_the_caller) {
  if (!has_pydicom()) GTEST_SKIP() << "no Python with pydicom (GANTRY_PYTHON)";
  const TemporaryFolder folder;
  ImageSeriesSpec spec = spec_of("PT", ramp(Grid({4, 4, 2}), 8, 0));
  spec.slice_attributes = [](std::int64_t k) { return std::vector<Attribute>{{"RescaleSlope", k == 0 ? "0.5" : "2"}}; };
  gantry::Run run;
  write_image_series(folder.path(), spec, run);
  const Json rows = read_with_pydicom(folder.path());
  EXPECT_EQ(rows[0]["slope"], 0.5);
  EXPECT_EQ(rows[1]["slope"], 2.0);
  EXPECT_EQ(rows[0]["values"][3], 24.0);
  EXPECT_EQ(rows[1]["values"][3], 152.0);
}

TEST(ImageSeries, has_the_same_bytes_twice_and_for_any_number_of_threads) {
  std::array<std::string, 3> digests;
  for (std::size_t n = 0; n < 3; ++n) {
    const TemporaryFolder folder;
    gantry::Run run(RunOptions{.threads = n == 2 ? 1 : 2});
    write_image_series(folder.path(), spec_of("CT", ramp(Grid({32, 32, 20}), 0.1f, -1000)), run);
    digests[n] = folder_digest(folder.path());
  }
  EXPECT_EQ(digests[0], digests[1]);
  EXPECT_EQ(digests[0], digests[2]);
}

TEST(ImageSeries, gives_other_uids_for_another_seed_or_without_one_for_other_values) {
  std::array<std::string, 2> uids;
  for (std::size_t n = 0; n < 2; ++n) {
    const TemporaryFolder folder;
    gantry::Run run;
    write_image_series(folder.path(), {.modality = "CT", .image = ramp(Grid({2, 2, 1}), 1, static_cast<float>(n))}, run);
    const std::string file = read_text(folder.path() / "0001.dcm");
    uids[n] = file.substr(file.find("2.25."), 40);  // MediaStorageSOPInstanceUID
  }
  EXPECT_NE(uids[0], uids[1]);
}

TEST(ImageSeries, refuses_what_cannot_be_written) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Image image = ramp(Grid({4, 4, 2}), 1, 0);
  EXPECT_THROW(write_image_series(folder.path(), spec_of("US", image), run), Error);
  ImageSeriesSpec unknown = spec_of("CT", image);
  unknown.attributes.push_back({"NoSuchKeyword", "1"});
  EXPECT_THROW(write_image_series(folder.path(), unknown, run), Error);
  ImageSeriesSpec number = spec_of("CT", image);
  number.attributes.push_back({"SmallestImagePixelValue", "many"});
  EXPECT_THROW(write_image_series(folder.path(), number, run), Error);
  ImageSeriesSpec creator = spec_of("CT", image);
  creator.attributes.push_back({"(7053,1000)DS", "1"});
  EXPECT_THROW(write_image_series(folder.path(), creator, run), Error);
  ImageSeriesSpec gap = spec_of("CT", image);
  gap.attributes.push_back({"ReferencedStudySequence[2].ReferencedSOPInstanceUID", "1.2.3"});
  EXPECT_THROW(write_image_series(folder.path(), gap, run), Error);
  const double c = std::sqrt(0.5);
  const Grid skewed({4, 4, 2}, {1, 1, 1}, {}, {{Vec3{1, 0, 0}, Vec3{c, c, 0}, Vec3{0, 0, 1}}});
  EXPECT_THROW(write_image_series(folder.path(), spec_of("CT", ramp(skewed, 1, 0)), run), Error);
  ImageSeriesSpec syntax = spec_of("CT", image);
  syntax.transfer_syntax_uid = "1.2.3";
  EXPECT_THROW(write_image_series(folder.path(), syntax, run), Error);
}

TEST(DecimalString, fits_sixteen_characters) {
  EXPECT_EQ(decimal_string(0.1), "0.1");
  EXPECT_EQ(decimal_string(-0.0), "0");
  for (const double value : {-1.0 / 3, 1e-7 / 3, -123456.789012345678, 2.0 / 3 * 1e20, -1.2345678901234567e-300}) {
    const std::string text = decimal_string(value);
    EXPECT_LE(text.size(), 16u) << text;
    EXPECT_NEAR(*parse_double(text) / value, 1, 1e-8) << text;
  }
}

TEST(SingleValue, is_clipped_at_characters_and_has_no_separator) {
  EXPECT_EQ(single_value("a\\b\nc"), "a b c");
  EXPECT_EQ(single_value("肺结节肺结节", 3), "肺结节");
}

}  // namespace
}  // namespace gantry::dicom::image_series_test
