// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_heart.h"

#include <gtest/gtest.h>

#include "gantry/analysis/ct_calcium.h"
#include "gantry/analysis/ct_maps.h"
#include "gantry/base/test_support.h"
#include "gantry/io/io.h"
#include "gantry/simulation/digital_patient.h"

namespace gantry::analysis::ct_heart_test {
namespace {

double dice(const MaskView& mask, const VoxelView<std::uint8_t>& truth, int value) {
  std::int64_t both = 0, sum = 0;
  for (std::int64_t n = 0; n < mask.count(); ++n) {
    const bool b = truth[n] == value;
    both += mask[n] != 0 && b;
    sum += (mask[n] != 0) + b;
  }
  return sum > 0 ? 2.0 * static_cast<double>(both) / static_cast<double>(sum) : 0;
}

/// A patient with calcifications inside the heart and others in the wall of the aorta and in the front of the sternum and ribs' cartilage,
/// which every digital patient has.
struct Patient {
  simulation::DigitalPatient truth;
  CtMaps maps;
  Heart heart;
};

Patient calcified_patient() {
  gantry::Run run;
  simulation::DigitalPatientOptions options;
  options.seed = 4;
  options.size = simulation::PatientSize::small;
  options.spec = parse_json(R"({"scan": {"slice_mm": 3}, "nodules": [], "lesions": [
    {"structure": "coronary_calcification", "center_lps_mm": [-13.6, -27, 53.5], "diameter_mm": 5, "value": 800},
    {"structure": "coronary_calcification", "center_lps_mm": [21.6, 11.4, 29], "diameter_mm": 6, "value": 1000},
    {"structure": "coronary_calcification", "center_lps_mm": [-4, -55.6, 5], "diameter_mm": 4, "value": 600},
    {"structure": "aortic_calcification", "center_lps_mm": [33.6, 42.6, 35], "diameter_mm": 5, "value": 900},
    {"structure": "aortic_calcification", "center_lps_mm": [-6.4, -26.2, 119], "diameter_mm": 5, "value": 900}]})");
  Patient patient{simulation::make_digital_patient(options, run), {}, {}};
  patient.maps = map_ct(patient.truth.image, run);
  patient.heart = find_heart(patient.maps.working, patient.maps.body, patient.maps.airways, patient.maps.lungs, run);
  return patient;
}

TEST(Heart, lies_where_that_of_a_digital_patient_lies_and_holds_its_calcium_alone) {
  gantry::Run run;
  const Patient patient = calcified_patient();
  ASSERT_TRUE(patient.heart.found) << patient.heart.reason.en;
  EXPECT_FALSE(patient.heart.incomplete);
  EXPECT_NEAR(patient.heart.blood_hu, 41, 6);
  const Mask inside = mask_from_field(patient.heart.field, patient.truth.image.grid(), run);
  const int value = patient.truth.labels.find("heart")->value;
  EXPECT_GE(dice(inside, patient.truth.labels.image().as<std::uint8_t>(), value), 0.88);

  const Calcium calcium = find_calcium(patient.truth.image, inside, patient.heart.blood_hu, 8, run);
  double expected = 0;
  std::size_t coronary = 0;
  for (const Json& lesion : patient.truth.truth.at("lesions")) {
    if (lesion.at("structure") != "coronary_calcification") continue;
    ++coronary;
    expected += lesion.at("volume130_ml").get<double>();
    const Json& center = lesion.at("center_lps_mm");
    const Vec3 there{center[0], center[1], center[2]};
    EXPECT_TRUE(std::any_of(calcium.lesions.begin(), calcium.lesions.end(), [&](const CalciumLesion& found) {
      return norm(found.position_mm - there) < 2;
    })) << lesion.dump();
  }
  EXPECT_EQ(calcium.lesions.size(), coronary);
  EXPECT_NEAR(calcium.volume_ml, expected, 0.15 * expected);
  EXPECT_GT(agatston_score(patient.truth.image, calcium.mask, run), 100);
}

TEST(Heart, is_refused_with_a_reason_where_one_lung_is_missing) {
  const Path path = test_data("registration/lung-ct/3DCT_lung_baseline.mha");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set or has no registration/lung-ct";
  gantry::Run run;
  const CtMaps maps = map_ct(io::read(path, run), run);
  const Heart heart = find_heart(maps.working, maps.body, maps.airways, maps.lungs, run);
  EXPECT_FALSE(heart.found);
  EXPECT_NE(heart.reason.en.find("both lungs"), std::string::npos);
  EXPECT_FALSE(heart.reason.zh.empty());
}

TEST(Heart, is_refused_where_the_bases_of_the_lungs_alone_are_in_view) {
  const Path path = test_data("organs/totalsegmentator-reference/example_ct.nii.gz");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set or has no organs/totalsegmentator-reference";
  gantry::Run run;
  const CtMaps maps = map_ct(io::read(path, run), run);
  EXPECT_FALSE(find_heart(maps.working, maps.body, maps.airways, maps.lungs, run).found);
}

TEST(Heart, full_of_contrast_agent_is_found_in_a_cropped_scan_and_its_calcium_refused) {
  const Path folder = test_data("organs/totalsegmentator-reference/pulmonary_report/models");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set or has no organs/totalsegmentator-reference";
  gantry::Run run;
  const Image image = io::read(folder / "ct_cropped.nii.gz", run);
  const CtMaps maps = map_ct(image, run);
  const Heart heart = find_heart(maps.working, maps.body, maps.airways, maps.lungs, run);
  ASSERT_TRUE(heart.found) << heart.reason.en;
  const Image reference = io::read(folder / "heart.nii.gz", run);
  const auto truth = reference.as<std::uint8_t>();
  const Vec3 voxel = truth.grid().voxel_from_world(heart.center_mm);
  EXPECT_NE(truth[truth.grid().index(std::lround(voxel.x), std::lround(voxel.y), std::lround(voxel.z))], 0);
  const CalciumProtocol protocol = calcium_protocol({}, image.grid(), heart.blood_hu, 20);
  EXPECT_FALSE(protocol.volume);
  EXPECT_NE(protocol.volume_reason.en.find("contrast agent"), std::string::npos);
}

TEST(Heart, has_no_carina_in_an_empty_or_undivided_lumen) {
  gantry::Run run;
  Mask lumen(Grid({40, 40, 30}, {2, 2, 2}));
  EXPECT_EQ(carina_slice(lumen, run), -1);
  const auto disk = [&](std::int64_t k, double x) {
    for (std::int64_t j = 0; j < 40; ++j) {
      for (std::int64_t i = 0; i < 40; ++i) {
        if (std::hypot(static_cast<double>(i) - x, static_cast<double>(j) - 20) < 4.5) lumen[lumen.grid().index(i, j, k)] = 1;
      }
    }
  };
  for (std::int64_t k = 18; k < 30; ++k) disk(k, 20);
  EXPECT_EQ(carina_slice(lumen, run), -1);  // 24 mm of trachea tell nothing
  for (std::int64_t k = 8; k < 18; ++k) {
    disk(k, 13);
    disk(k, 27);
  }
  EXPECT_EQ(carina_slice(lumen, run), 18);
}

}  // namespace
}  // namespace gantry::analysis::ct_heart_test
