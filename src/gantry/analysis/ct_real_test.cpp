// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include <cstdlib>

#include "gantry/analysis/ct_maps.h"
#include "gantry/io/io.h"
#include "gantry/simulation/digital_patient.h"

namespace gantry::analysis {
namespace {

Path test_data(const char* relative) {
  const char* root = std::getenv("GANTRY_TEST_DATA");
  const Path path = root ? Path(root) / relative : Path();
  return root && std::filesystem::exists(path) ? path : Path();
}

double dice(const VoxelView<std::uint8_t>& labels, const std::vector<int>& values, const std::function<bool(std::int64_t)>& truth) {
  std::int64_t both = 0, sum = 0;
  for (std::int64_t n = 0; n < labels.count(); ++n) {
    const bool a = std::find(values.begin(), values.end(), labels[n]) != values.end(), b = truth(n);
    both += a && b;
    sum += a + b;
  }
  return sum > 0 ? 2.0 * static_cast<double>(both) / static_cast<double>(sum) : 0;
}

TEST(CtMaps, lungs_of_a_digital_patient_agree_with_the_truth) {
  gantry::Run run;
  simulation::DigitalPatientOptions options;
  options.seed = 11;
  options.size = simulation::PatientSize::small;
  const simulation::DigitalPatient patient = simulation::make_digital_patient(options, run);
  const CtMaps maps = map_ct(patient.image, run);
  const auto truth = patient.labels.image().as<std::uint8_t>();
  for (const auto& [id, value] : {std::pair{"lung_left", int(ct_lung_left)}, {"lung_right", int(ct_lung_right)}}) {
    const Label* row = patient.labels.find(id);
    ASSERT_TRUE(row != nullptr);
    EXPECT_GE(dice(maps.labels, {value}, [&](std::int64_t n) { return truth[n] == row->value; }), 0.98) << id;
    const double volume = measure_volumes(maps.labels, {{value}}, run)[0].ml;
    const double expected = patient.truth["volumes_ml"][id];
    EXPECT_NEAR(volume, expected, 0.02 * expected) << id;
  }
  HuHistogram both = maps.histograms[ct_lung_left];
  both.add(maps.histograms[ct_lung_right]);
  EXPECT_NEAR(100 * both.share_below(-950), patient.truth["laa950_percent"].get<double>(), 1.0);
}

TEST(CtMaps, a_real_right_lung_is_outlined_and_called_right) {
  for (const char* name : {"baseline", "followup"}) {
    const Path image = test_data((std::string("registration/lung-ct/3DCT_lung_") + name + ".mha").c_str());
    if (image.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set or has no registration/lung-ct";
    gantry::Run run;
    const CtMaps maps = map_ct(io::read(image, run), run);
    const Image mask = io::read(test_data((std::string("registration/lung-ct/3DCT_lung_") + name + "_mask.mha").c_str()), run);
    const auto truth = mask.as<std::uint8_t>();
    EXPECT_GE(dice(maps.labels, {ct_lung_right}, [&](std::int64_t n) { return truth[n] != 0; }), 0.975) << name;
    EXPECT_FALSE(maps.lungs.left);
    EXPECT_TRUE(maps.lungs.right);
    EXPECT_GT(maps.padding_share, 0.01);
  }
}

TEST(CtMaps, lung_bases_are_lung_and_bowel_gas_is_not) {
  const Path image = test_data("organs/totalsegmentator-reference/example_ct.nii.gz");
  if (image.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set or has no organs/totalsegmentator-reference";
  gantry::Run run;
  const CtMaps maps = map_ct(io::read(image, run), run);
  const Image labels = io::read(test_data("organs/totalsegmentator-reference/example_seg_fast_force_split.nii.gz"), run);
  const auto truth = labels.as<std::int32_t>();
  const std::int64_t slice = truth.grid().size(0) * truth.grid().size(1);
  const auto is_lung = [&](std::int64_t n) { return truth[n] == 10 || truth[n] == 11 || truth[n] == 14; };
  EXPECT_GE(dice(maps.labels, {ct_lung_left, ct_lung_right}, is_lung), 0.90);
  std::int64_t below = 0;
  for (std::int64_t n = 0; n < 101 * slice; ++n) below += maps.labels[n] == ct_lung_left || maps.labels[n] == ct_lung_right;
  EXPECT_LT(static_cast<double>(below) * maps.labels.grid().voxel_volume_mm3() / 1000, 5);
  EXPECT_TRUE(maps.lungs.left_incomplete);
  EXPECT_TRUE(maps.lungs.right_incomplete);
}

}  // namespace
}  // namespace gantry::analysis
