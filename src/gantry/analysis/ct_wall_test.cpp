// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_wall.h"

#include <gtest/gtest.h>

#include "gantry/analysis/ct_heart.h"
#include "gantry/base/test_support.h"
#include "gantry/io/io.h"
#include "gantry/simulation/digital_patient.h"

namespace gantry::analysis::ct_wall_test {
namespace {

std::vector<SliceComposition> composition_of(const Image& image) {
  gantry::Run run;
  const CtMaps maps = map_ct(image, run);
  const Mask bone = find_bone(maps.working, maps.body, maps.lungs, run);
  const BodyWall wall = find_body_wall(maps.working, maps.body, maps.airways, maps.lungs, bone, run);
  return body_composition(maps.working, maps.body, maps.lungs, wall, run);
}

/// Area in cm^2 of voxels of a slice.
template <class Member>
double area(const Grid& grid, std::int64_t k, Member member) {
  std::int64_t count = 0;
  for (std::int64_t n = grid.index(0, 0, k), end = n + grid.size(0) * grid.size(1); n < end; ++n) count += member(n);
  return static_cast<double>(count) * grid.spacing_mm().x * grid.spacing_mm().y / 100;
}

TEST(BodyWall, of_a_digital_patient_divides_muscle_and_fat_slice_by_slice) {
  gantry::Run run;
  simulation::DigitalPatientOptions options;
  options.seed = 6;
  options.size = simulation::PatientSize::small;
  options.spec = parse_json(R"({"scan": {"slice_mm": 5, "below_lungs_mm": 60}, "nodules": [], "lesions": []})");
  const simulation::DigitalPatient patient = simulation::make_digital_patient(options, run);
  const auto truth = patient.labels.image().as<std::uint8_t>();
  const auto clean = patient.clean.as<float>();
  const Grid& grid = truth.grid();
  const auto value = [&](const char* id) { return patient.labels.find(id)->value; };
  const int muscle = value("muscle"), subcutaneous = value("subcutaneous_fat"), visceral = value("visceral_fat");
  const auto composition = composition_of(patient.image);
  std::int64_t chest = 0, belly = 0;
  for (const SliceComposition& slice : composition) {
    if (!slice.closed || slice.z_mm > 105) continue;  // the truth counts fat of the armpit as body
    const auto k = static_cast<std::int64_t>(std::lround((slice.z_mm - grid.origin_mm().z) / grid.spacing_mm().z));
    const double outer = area(grid, k, [&](std::int64_t n) { return truth[n] == subcutaneous && clean[n] < -29; });
    EXPECT_NEAR(slice.subcutaneous_fat, outer, 0.15 * outer) << slice.z_mm;
    const double flesh = area(grid, k, [&](std::int64_t n) { return truth[n] == muscle && clean[n] >= -29; });
    if (slice.lung && slice.z_mm > 20) {  // above the dome; below it the diaphragm is a muscle inside the wall
      ++chest;
      EXPECT_NEAR(slice.muscle, flesh, 0.15 * flesh) << slice.z_mm;
    }
    if (!slice.lung && slice.z_mm < 0) {
      ++belly;
      if (slice.z_mm < -85) {
        EXPECT_NEAR(slice.muscle, flesh, 0.15 * flesh) << slice.z_mm;
      }
      const double inner = area(grid, k, [&](std::int64_t n) { return truth[n] == visceral && clean[n] < -29; });
      EXPECT_NEAR(slice.inner_fat, inner, 0.2 * inner) << slice.z_mm;
    }
  }
  EXPECT_GE(chest, 12);
  EXPECT_GE(belly, 5);
}

TEST(BodyWall, of_a_real_abdomen_agrees_with_the_reference_on_fat) {
  const Path folder = test_data("organs/totalsegmentator-reference");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set or has no organs/totalsegmentator-reference";
  gantry::Run run;
  const Image image = io::read(folder / "example_ct_sm.nii.gz", run);
  const auto composition = composition_of(image);
  const Image outer = io::read(folder / "example_seg_tissue_types/subcutaneous_fat.nii.gz", run);
  const Image inner = io::read(folder / "example_seg_tissue_types/torso_fat.nii.gz", run);
  const auto subcutaneous = outer.as<std::uint8_t>(), visceral = inner.as<std::uint8_t>();
  double found[2] = {0, 0}, expected[2] = {0, 0};
  for (std::size_t k = 0; k < composition.size(); ++k) {
    if (!composition[k].closed) continue;
    const auto slice = static_cast<std::int64_t>(k);
    found[0] += composition[k].subcutaneous_fat;
    found[1] += composition[k].inner_fat;
    expected[0] += area(outer.grid(), slice, [&](std::int64_t n) { return subcutaneous[n] != 0; });
    expected[1] += area(inner.grid(), slice, [&](std::int64_t n) { return visceral[n] != 0; });
  }
  EXPECT_NEAR(found[0], expected[0], 0.1 * expected[0]);
  EXPECT_NEAR(found[1], expected[1], 0.15 * expected[1]);
}

TEST(BodyWall, is_not_found_without_bones_and_muscles) {
  gantry::Run run;
  Voxels<float> water(Grid({120, 90, 30}, {3, 3, 3}));
  std::fill(water.values().begin(), water.values().end(), -1000.0F);
  for (std::int64_t k = 0; k < 30; ++k) {
    for (std::int64_t j = 0; j < 90; ++j) {
      for (std::int64_t i = 0; i < 120; ++i) {
        if (std::hypot(static_cast<double>(i - 60) / 50, static_cast<double>(j - 45) / 36) < 1) water[water.grid().index(i, j, k)] = 0;
      }
    }
  }
  for (const SliceComposition& slice : composition_of(Image(std::move(water)))) {
    EXPECT_FALSE(slice.closed);
    EXPECT_EQ(slice.muscle, 0);
  }
}

}  // namespace
}  // namespace gantry::analysis::ct_wall_test
