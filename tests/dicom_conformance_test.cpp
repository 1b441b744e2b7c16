// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>

#include "gantry/base/error.h"
#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/test_support.h"
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/dicom/suv.h"
#include "gantry/io/io.h"

namespace gantry::dicom_conformance_test {

namespace {

namespace fs = std::filesystem;

class Conformance : public testing::Test {
 protected:
  void SetUp() override {
    if (test_data().empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  }
};

/// The images of one file or folder, largest set first; empty when nothing can be loaded.
std::vector<dicom::Series> series_in(const Path& path, Run& run) {
  const std::vector<Path> paths{path};
  std::vector<dicom::Series> all;
  for (dicom::Study& study : dicom::read_dicom(paths, run).studies) {
    for (dicom::Series& series : study.series) all.push_back(std::move(series));
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.instances.size() > b.instances.size(); });
  return all;
}

Image first_image(const Path& path, Run& run, bool stored = false) {
  const auto all = series_in(path, run);
  if (all.empty()) throw Error(ErrorCode::unreadable, path.filename().string() + ": holds no series");
  return dicom::load(all.front(), run, stored);
}

std::string size_text(const Image& image) {
  const Grid& grid = image.grid();
  std::string text = fmt::format("{} x {} x {}", grid.size(0), grid.size(1), grid.size(2));
  if (image.frames() > 1) text += fmt::format(" x {}", image.frames());
  return text + (image.components() > 1 ? fmt::format(" of {} {}", image.components(), name_of(image.type()))
                                        : fmt::format(" {}", name_of(image.type())));
}

/// The row of one file: outcome and what was found or why not.
std::string row_of(const Path& file, const Path& folder, Run& run) {
  const std::vector<Path> paths{file};
  const dicom::Input input = dicom::read_dicom(paths, run);
  std::string outcome = "refused", detail, kind, syntax;
  for (const dicom::FileEntry& entry : input.files) {
    if (entry.path != file) continue;
    kind = entry.kind;
    syntax = entry.transfer_syntax;
    detail = entry.reason;
    if (entry.readable) outcome = "read";
  }
  for (const dicom::Study& study : input.studies) {
    for (const dicom::Series& series : study.series) {
      if (kind == "DICOMDIR") continue;  // what it refers to has rows of its own
      std::string text;
      try {
        text = series.instances.empty() || series.reason.ends_with("holds no image") ? "" : size_text(dicom::load(series, run));
      } catch (const Error& error) {
        text = "pixels not read: " + error.message();  // without the context, which depends on where it was decoded
        if (outcome == "read") outcome = "header only";
        if (!series.reason.empty() && detail.find(series.reason) == std::string::npos) text += "; " + series.reason;
      }
      for (const std::string& warning : series.warnings) text += (text.empty() ? "" : "; ") + warning;
      if (!text.empty()) detail += (detail.empty() ? "" : "; ") + text;
    }
  }
  detail = replace_all(detail, "|", "\\|");
  return fmt::format("| {} | {} | {} | {} | {} |\n", file.lexically_relative(folder).generic_string(), kind, syntax, outcome, detail);
}

const char* const table_head =
    "# DICOM conformance\n\n"
    "What becomes of every file of public sets of ordinary, rare and broken DICOM objects (docs/test-data.md), each read alone. \"read\": "
    "the\n"
    "data set parses, and its pixels (where it has any) decode. \"header only\": the data set parses, its pixels do not. \"refused\": it "
    "is no\n"
    "DICOM, or it is damaged before its pixels. This file is made by the test `Conformance.each_file_is_read_or_refused_with_its_reason`;\n"
    "`GANTRY_UPDATE_GENERATED=1` writes it anew.\n";

/// References of dicom/dcm_qa and where their input lies; `first_image` of the input equals the reference.
struct ReferencePair {
  const char *input, *reference;
};
constexpr std::array reference_pairs{ReferencePair{"nih/In/20180918GE/mr_0004", "nih/Ref/DCM2NIIX_regression_test_4.nii"},
                                     ReferencePair{"nih/In/20180918GE/mr_0005", "nih/Ref/DCM2NIIX_regression_test_5.nii"},
                                     ReferencePair{"nih/In/20180918GE/mr_0006", "nih/Ref/DCM2NIIX_regression_test_6.nii"},
                                     ReferencePair{"nih/In/20180918GE/mr_0007", "nih/Ref/DCM2NIIX_regression_test_7.nii"},
                                     ReferencePair{"nih/In/20180918Si/mr_0003", "nih/Ref/EPI_PE=AP_3.nii"},
                                     ReferencePair{"nih/In/20180918Si/mr_0004", "nih/Ref/EPI_PE=PA_4.nii"},
                                     ReferencePair{"nih/In/20180918Si/mr_0005", "nih/Ref/EPI_PE=RL_5.nii"},
                                     ReferencePair{"nih/In/20180918Si/mr_0006", "nih/Ref/EPI_PE=LR_6.nii"},
                                     ReferencePair{"enh/In/Siemens/XA10", "enh/Ref/Siemens_REST1_w_SMS_PF7-8_6.nii"}};
/// The two image sets of one file.
constexpr const char* field_map_input = "enh/In/Philips";
constexpr std::array field_map_references{"enh/Ref/Philips_WIP_B0_NS_801_e1.nii", "enh/Ref/Philips_WIP_B0_NS_801_e2_fieldmaphz.nii"};

/// The input of one coding of the mosaic, "ts/In/..."; empty when there is none.
Path mosaic_input(const Path& folder, const std::string& stem) {
  for (const auto& entry : fs::recursive_directory_iterator(folder / "ts/In")) {
    if (entry.is_regular_file() && (entry.path().stem() == stem || entry.path().filename() == stem)) return entry.path();
  }
  return {};
}

/// Each reference of dcm_qa: what it was compared with, or why it could not be.
std::string reference_table(const Path& folder) {
  std::string text =
      "\n## References of dicom/dcm_qa\n\n"
      "A reference that stands with an input equals it: each voxel in its place (1/100 voxel) with its value (exactly; the two of the "
      "Philips\nfield map within the rounding of their scaling). The tests are `Conformance.a_mosaic_in_nine_codings_equals_its_"
      "reference_volume`\nand `Conformance.time_series_and_enhanced_images_equal_their_reference_volumes`.\n\n"
      "| reference | input | outcome |\n|---|---|---|\n";
  for (const char* set : {"ts", "nih", "enh"}) {
    std::vector<std::string> stems;
    for (const auto& entry : fs::directory_iterator(folder / set / "Ref")) {
      if (entry.path().extension() == ".json" || entry.path().extension() == ".nii")
        stems.push_back((Path(set) / "Ref" / entry.path().stem()).generic_string());
    }
    std::sort(stems.begin(), stems.end());
    stems.erase(std::unique(stems.begin(), stems.end()), stems.end());
    for (const std::string& stem : stems) {
      const std::string volume = stem + ".nii";
      std::string input;
      for (const ReferencePair& pair : reference_pairs) {
        if (volume == pair.reference) input = pair.input;
      }
      for (const char* reference : field_map_references) {
        if (volume == reference) input = field_map_input;
      }
      if (std::string_view(set) == "ts") {
        const Path file = mosaic_input(folder, Path(stem).filename().string());
        if (!file.empty()) input = file.lexically_relative(folder).generic_string();
      }
      const bool has_volume = fs::exists(folder / volume);
      text += fmt::format("| {} | {} | {} |\n", stem, input,
                          input.empty() ? has_volume ? "not compared: the set holds no input for it"
                                                     : "not compared: the set holds neither an input nor a volume for it, only text"
                          : has_volume  ? "equal"
                                        : "not compared: the set holds no volume for it");
    }
  }
  return text;
}

TEST_F(Conformance, each_file_is_read_or_refused_with_its_reason) {
  const Path data = test_data();
  std::string table = table_head;
  int silent = 0;
  for (const char* name : {"dicom/pydicom", "dicom/pydicom-data", "dicom/nema-compression", "dicom/dcm_qa/ts", "dicom/dcm_qa/nih",
                           "dicom/dcm_qa/enh", "dicom/dcmjs", "dicom/dcmqi", "dicom/highdicom"}) {
    std::vector<Path> files;
    for (const auto& entry : fs::recursive_directory_iterator(data / name)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> rows(files.size());
    gantry::Run run;
    parallel_for(run, static_cast<std::int64_t>(files.size()), 1, [&](std::int64_t begin, std::int64_t end) {
      RunOptions options;
      options.threads = 1;
      gantry::Run own(options);
      for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) rows[n] = row_of(files[n], data / name, own);
    });
    std::map<std::string, int> counts;
    std::string text;
    for (const std::string& row : rows) {
      for (const char* outcome : {"read", "header only", "refused"})
        counts[outcome] += row.find(fmt::format(" | {} | ", outcome)) != std::string::npos;
      silent += row.find("| refused |  |") != std::string::npos || row.find("| header only |  |") != std::string::npos;
      text += row;
    }
    table += fmt::format(
        "\n## {}\n\n{} files: {} read, {} header only, {} refused.\n\n| file | kind | transfer syntax | outcome | found "
        "|\n|---|---|---|---|---|\n{}",
        name, files.size(), counts["read"], counts["header only"], counts["refused"], text);
  }
  table += reference_table(data / "dicom/dcm_qa");
  EXPECT_EQ(silent, 0) << "files without a reason";
  const Path page = Path(GANTRY_SOURCE) / "docs/reference/dicom-conformance.md";
  if (std::getenv("GANTRY_UPDATE_GENERATED")) write_atomic(page, table);
  ASSERT_TRUE(fs::exists(page));
  EXPECT_EQ(read_text(page), table) << "GANTRY_UPDATE_GENERATED=1 writes the page anew";
}

void expect_equal(const Image& a, const Image& b, const std::string& what) {
  ASSERT_EQ(a.grid().size(), b.grid().size()) << what;
  ASSERT_EQ(a.frames(), b.frames()) << what;
  ASSERT_EQ(a.components(), b.components()) << what;
  const auto left = a.as<double>(), right = b.as<double>();
  std::int64_t different = 0;
  for (std::int64_t n = 0; n < left.count(); ++n) different += left[n] != right[n];
  EXPECT_EQ(different, 0) << what;
}

TEST_F(Conformance, lossless_codings_equal_the_uncompressed_image_bit_for_bit) {
  const Path folder = test_data() / "dicom/nema-compression";
  gantry::Run run;
  int compared = 0;
  for (const char* image : {"CT1", "MR1", "NM1", "US1"}) {
    const Image reference = first_image(folder / (std::string(image) + "_UNC"), run, true);
    for (const char* coding : {"RLE", "JPLL", "JLSL", "J2KR"}) {
      const Path file = folder / (std::string(image) + "_" + coding);
      if (!fs::exists(file)) continue;
      expect_equal(reference, first_image(file, run, true), file.filename().string());
      ++compared;
    }
  }
  EXPECT_EQ(compared, 14);
}

TEST_F(Conformance, lossy_codings_stay_within_their_known_errors) {
  const Path folder = test_data() / "dicom/nema-compression";
  gantry::Run run;
  const std::vector<std::pair<const char*, double>> limits{{"CT1_JLSN", 4},   {"MR1_JLSN", 4},   {"NM1_JLSN", 4},
                                                           {"MR1_JPLY", 135}, {"NM1_JPLY", 40},  {"CT1_J2KI", 370},
                                                           {"MR1_J2KI", 415}, {"NM1_J2KI", 110}, {"US1_J2KI", 130}};
  for (const auto& [name, limit] : limits) {
    const auto a = first_image(folder / (std::string(name, 3) + "_UNC"), run, true).as<double>();
    const auto b = first_image(folder / name, run, true).as<double>();
    ASSERT_EQ(a.count(), b.count()) << name;
    double largest = 0;
    for (std::int64_t n = 0; n < a.count(); ++n) largest = std::max(largest, std::abs(a[n] - b[n]));
    EXPECT_LE(largest, limit) << name;
    EXPECT_GT(largest, 0) << name;
  }
}

/// Every voxel of `reference` lies on a voxel of `image` with the same value, whatever the order of their axes.
/// `tolerance` is a part of the range of the reference's values.
void expect_same_in_world(const Image& image, const Image& reference, const std::string& what, double tolerance = 0) {
  const Grid &own = image.grid(), &other = reference.grid();
  ASSERT_EQ(own.voxel_count(), other.voxel_count()) << what;
  ASSERT_EQ(image.frames(), reference.frames()) << what;
  const auto a = image.as<double>(), b = reference.as<double>();
  double worst_place = 0, worst_value = 0;
  for (std::int64_t k = 0; k < other.size(2); ++k) {
    for (std::int64_t j = 0; j < other.size(1); ++j) {
      for (std::int64_t i = 0; i < other.size(0); ++i) {
        const Vec3 at =
            own.voxel_from_world(other.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}));
        const Vec3 near{std::round(at.x), std::round(at.y), std::round(at.z)};
        worst_place = std::max(worst_place, norm(at - near));
        ASSERT_TRUE(near.x >= 0 && near.y >= 0 && near.z >= 0 && near.x < static_cast<double>(own.size(0)) &&
                    near.y < static_cast<double>(own.size(1)) && near.z < static_cast<double>(own.size(2)))
            << what << ": voxel " << i << " " << j << " " << k << " lies outside";
        const std::int64_t n =
            own.index(static_cast<std::int64_t>(near.x), static_cast<std::int64_t>(near.y), static_cast<std::int64_t>(near.z));
        const std::int64_t m = other.index(i, j, k);
        for (std::int64_t t = 0; t < image.frames(); ++t) {
          worst_value = std::max(worst_value, std::abs(a[n + t * own.voxel_count()] - b[m + t * own.voxel_count()]));
        }
      }
    }
  }
  EXPECT_LT(worst_place, 0.01) << what << ": distance of voxel centres, in voxels";
  const auto [low, high] = std::minmax_element(b.values().begin(), b.values().end());
  EXPECT_GT(*high, *low) << what;
  EXPECT_LE(worst_value, tolerance * (*high - *low)) << what;
}

TEST_F(Conformance, a_mosaic_in_nine_codings_equals_its_reference_volume) {
  const Path folder = test_data() / "dicom/dcm_qa/ts";
  gantry::Run run;
  for (int n = 1; n <= 9; ++n) {
    const Path file = mosaic_input(folder.parent_path(), std::to_string(n));
    ASSERT_FALSE(file.empty()) << n;
    expect_same_in_world(first_image(file, run), io::read(folder / "Ref" / fmt::format("{}.nii", n), run), file.filename().string());
  }
}

TEST_F(Conformance, time_series_and_enhanced_images_equal_their_reference_volumes) {
  const Path data = test_data() / "dicom/dcm_qa";
  gantry::Run run;
  for (const ReferencePair& pair : reference_pairs) {
    expect_same_in_world(first_image(data / pair.input, run), io::read(data / pair.reference, run), pair.input);
  }
  const auto field = series_in(data / field_map_input, run);
  ASSERT_EQ(field.size(), 2U);
  expect_same_in_world(dicom::load(field[0], run), io::read(data / field_map_references[0], run), "magnitude", 2e-6);
  // The reference's scaling went through single precision: 6e-6 of its range of 1000 Hz.
  expect_same_in_world(dicom::load(field[1], run), io::read(data / field_map_references[1], run), "field", 2e-5);
}

TEST_F(Conformance, the_same_image_in_several_encodings_is_the_same) {
  const auto path_of = [](const std::string& name) {
    const char* folder = name.starts_with("d/") ? "dicom/pydicom-data/data" : "dicom/pydicom/test_files";
    return test_data() / folder / (name.substr(2) + ".dcm");
  };
  gantry::Run run;
  // The first of each row is the reference; d/ = pydicom-data/data, t/ = pydicom/test_files.
  for (const char* row : {
           "d/693_UNCR d/693_J2KR",
           "d/MR2_UNCR d/MR2_J2KR",
           "d/US1_UNCR d/US1_J2KR",
           "d/OBXXXX1A d/OBXXXX1A_expb d/OBXXXX1A_rle",
           "d/OBXXXX1A_2frame d/OBXXXX1A_expb_2frame d/OBXXXX1A_rle_2frame",
           "d/SC_rgb d/SC_rgb_expb t/SC_rgb_rle",
           "d/SC_rgb_2frame d/SC_rgb_expb_2frame t/SC_rgb_rle_2frame",
           "d/SC_rgb_16bit d/SC_rgb_expb_16bit t/SC_rgb_rle_16bit",
           "d/SC_rgb_16bit_2frame d/SC_rgb_expb_16bit_2frame t/SC_rgb_rle_16bit_2frame",
           "d/SC_rgb_32bit d/SC_rgb_expb_32bit t/SC_rgb_rle_32bit",
           "d/SC_rgb_32bit_2frame d/SC_rgb_expb_32bit_2frame t/SC_rgb_rle_32bit_2frame",
           "d/JLSL_RGB_ILV0 d/JLSL_RGB_ILV1 d/JLSL_RGB_ILV2",
           "d/color-px d/color-pl",
           "d/gdcm-US-ALOKA-16 d/gdcm-US-ALOKA-16_big",
           "d/emri_small d/emri_small_RLE d/emri_small_big_endian d/emri_small_jpeg_2k_lossless d/emri_small_jpeg_ls_lossless",
           "d/liver d/liver_expb d/liver_rle d/liver_deflate d/liver_j2k",
           "d/liver_nonbyte_aligned d/liver_nonbyte_aligned_rle d/liver_nonbyte_aligned_deflate d/liver_nonbyte_aligned_j2k",
           "t/MR_small t/MR_small_RLE t/MR_small_bigendian t/MR_small_expb t/MR_small_implicit t/MR_small_jp2klossless "
           "t/MR_small_jpeg_ls_lossless t/MR_small_padded",
           "t/rtdose t/rtdose_expb t/rtdose_rle",
           "t/rtdose_1frame t/rtdose_expb_1frame t/rtdose_rle_1frame",
           "t/liver_1frame t/liver_expb_1frame",
           "t/SC_rgb_small_odd t/SC_rgb_small_odd_big_endian",
       }) {
    const auto names = split(row, ' ');
    const Image image = first_image(path_of(names.front()), run, true);
    for (std::size_t n = 1; n < names.size(); ++n) {
      try {
        expect_equal(image, first_image(path_of(names[n]), run, true), names[n]);
      } catch (const Error& error) {
        ADD_FAILURE() << names[n] << ": " << error.what();
      }
    }
  }
}

TEST_F(Conformance, dose_grids_of_eight_patient_positions_lie_where_they_should) {
  const Path folder = test_data() / "radiotherapy/dose-orientations/dose";
  // Coordinates along the rows, against the columns and along the normal of the planes, in the frame of the treatment room.
  const Json expected = parse_json(read_text(folder / "expected_fixed_xyz.json"));
  gantry::Run run;
  int compared = 0;
  for (const auto& [position, axes] : expected.items()) {
    const auto all = series_in(folder / fmt::format("RD.DICOMORIENT.Dose_{}_empty.dcm", position), run);
    ASSERT_EQ(all.size(), 1U) << position;
    const Grid& grid = all.front().grid;
    for (int axis = 0; axis < 3; ++axis) {
      const auto list = axes.at(axis == 0 ? 0U : axis == 1 ? 2U : 1U).get<std::vector<double>>();
      ASSERT_EQ(static_cast<std::int64_t>(list.size()), grid.size(axis)) << position << axis;
      const double sign = axis == 1 ? -1 : 1;
      Vec3 last{};
      last[axis] = static_cast<double>(grid.size(axis) - 1);
      const Vec3 along = grid.direction().column[static_cast<std::size_t>(axis)];
      const auto [low, high] = std::minmax_element(list.begin(), list.end());
      EXPECT_NEAR(dot(grid.world_from_voxel({}), along), axis == 1 ? sign * *high : *low, 2e-3) << position << axis;
      EXPECT_NEAR(dot(grid.world_from_voxel(last), along), axis == 1 ? sign * *low : *high, 2e-3) << position << axis;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 8);
}

TEST_F(Conformance, series_of_known_size_are_complete) {
  gantry::Run run;
  const auto head = series_in(test_data() / "series/mr-t1-head", run);
  ASSERT_EQ(head.size(), 1U);
  EXPECT_EQ(head.front().grid.size(), (Size3{274, 384, 384}));
  EXPECT_NEAR(head.front().grid.spacing_mm().z, 0.666667, 1e-5);
  EXPECT_TRUE(head.front().warnings.empty());
  const auto contrast = series_in(test_data() / "series/mr-t1-contrast-head", run);
  ASSERT_EQ(contrast.size(), 1U);
  EXPECT_EQ(contrast.front().grid.size(), (Size3{512, 512, 120}));
  EXPECT_NEAR(contrast.front().grid.spacing_mm().z, 1.5, 1e-6);
  const auto nameless = series_in(test_data() / "organs/totalsegmentator-reference/example_ct_dicom", run);
  ASSERT_EQ(nameless.size(), 1U);
  EXPECT_EQ(nameless.front().grid.size(), (Size3{512, 512, 20}));
  EXPECT_NEAR(nameless.front().grid.spacing_mm().z, 2, 1e-6);
}

TEST_F(Conformance, uptake_values_of_pet_equal_the_reference_volumes) {
  gantry::Run run;
  for (const char* patient : {"STS_001", "STS_002", "STS_008"}) {
    const auto all = series_in(test_data() / "sarcoma/dicom" / patient / "PET/image", run);
    ASSERT_EQ(all.size(), 1U);
    const dicom::Suv suv = dicom::suv_factors(all.front());
    ASSERT_EQ(suv.refusal, "");
    Path reference;
    for (const auto& entry : fs::recursive_directory_iterator(test_data() / "sarcoma/nifti" / patient)) {
      const std::string name = entry.path().generic_string();
      if (name.find("PET") != std::string::npos && name.find("mask") == std::string::npos && name.ends_with(".nii.gz"))
        reference = entry.path();
    }
    ASSERT_FALSE(reference.empty());
    expect_same_in_world(dicom::load_suv(all.front(), suv, run), io::read(reference, run), patient, 1e-6);
  }
}

}  // namespace

}  // namespace gantry::dicom_conformance_test
