// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gantry/analysis/ct_maps.h"
#include "gantry/base/random.h"
#include "gantry/base/test_support.h"
#include "gantry/io/io.h"
#include "gantry/simulation/digital_patient.h"
#include "gantry/volume/morphology.h"

namespace gantry::analysis::ct_real_test {
namespace {

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

enum class Place { free, pleura, vessel };

/// Draws the centre of a nodule in aerated lung: touching the pleura or a vessel or free of both, 28 mm from those before.
Vec3 drawn_centre(const VoxelView<float>& from_pleura_mm, const VoxelView<float>& from_tissue_mm, double radius_mm, Place place,
                  const std::vector<Vec3>& before, Random& random) {
  const Grid& grid = from_pleura_mm.grid();
  for (;;) {
    const std::int64_t n = random.next_integer(0, from_pleura_mm.count() - 1);
    if (place == Place::pleura && (std::abs(from_pleura_mm[n] - 0.8 * radius_mm) > 1 || from_tissue_mm[n] < 2)) continue;
    if (place == Place::vessel && (from_pleura_mm[n] < radius_mm + 6 || std::abs(from_tissue_mm[n] - radius_mm + 0.5) > 0.7)) continue;
    if (place == Place::free && from_tissue_mm[n] < radius_mm + 1) continue;
    const Vec3 voxel{static_cast<double>(n % grid.size(0)), static_cast<double>(n / grid.size(0) % grid.size(1)),
                     static_cast<double>(n / (grid.size(0) * grid.size(1)))};
    const Vec3 centre = grid.world_from_voxel(voxel);
    if (std::all_of(before.begin(), before.end(), [&](Vec3 other) { return norm(other - centre) > 28; })) return centre;
  }
}

TEST(CtMaps, solid_nodules_put_into_a_real_lung_are_found_and_little_else) {
  const Path path = test_data("registration/lung-ct/3DCT_lung_followup.mha");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set or has no registration/lung-ct";
  gantry::Run run;
  const Image image = io::read(path, run);
  const Image lung = io::read(test_data("registration/lung-ct/3DCT_lung_followup_mask.mha"), run);
  const auto inside = lung.as<std::uint8_t>();
  auto hu = Voxels<std::int16_t>::uninitialized(image.grid());
  visit_real(image, [&](const auto& view) {
    for (std::int64_t n = 0; n < hu.count(); ++n) hu[n] = static_cast<std::int16_t>(view[n]);
  });
  const Grid& grid = image.grid();
  Mask outside = Mask::uninitialized(grid), tissue = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < outside.count(); ++n) {
    outside[n] = inside[n] == 0;
    tissue[n] = outside[n] != 0 || hu[n] > -500;
  }
  const VoxelView<float> from_pleura(distance(outside, run)), from_tissue(distance(tissue, run));

  Random random(3, 1);
  std::vector<Vec3> centres;
  std::vector<double> diameters;
  for (int number = 0; number < 12; ++number) {
    const double diameter = 5 + 10 * (number + 0.5) / 12;
    centres.push_back(drawn_centre(from_pleura, from_tissue, 0.5 * diameter,
                                   number % 3 != 0   ? Place::free
                                   : number % 2 == 0 ? Place::pleura
                                                     : Place::vessel,
                                   centres, random));
    diameters.push_back(diameter);
    for (std::int64_t k = 0; k < grid.size(2); ++k) {
      for (std::int64_t j = 0; j < grid.size(1); ++j) {
        for (std::int64_t i = 0; i < grid.size(0); ++i) {
          const Vec3 p{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
          if (norm(grid.world_from_voxel(p) - centres.back()) > diameter) continue;
          int within = 0;  // of 6 x 6 x 6 parts of the voxel
          for (int part = 0; part < 216; ++part) {
            const Vec3 q = p + (1.0 / 6) * Vec3{part % 6 - 2.5, part / 6 % 6 - 2.5, part / 36 - 2.5};
            within += norm(grid.world_from_voxel(q) - centres.back()) < 0.5 * diameter;
          }
          std::int16_t& value = hu[grid.index(i, j, k)];
          value = std::max(value, static_cast<std::int16_t>(value + within * (30 - value) / 216));
        }
      }
    }
  }
  const Image with_nodules(std::move(hu));
  const CtMaps maps = map_ct(with_nodules, run);
  const std::vector<Nodule> found = find_nodules(with_nodules, maps.working, maps.lungs, {}, run);
  std::vector<bool> used(found.size());
  int recalled = 0;
  std::string missed;
  for (std::size_t n = 0; n < centres.size(); ++n) {
    bool hit = false;
    for (std::size_t f = 0; f < found.size(); ++f) {
      if (norm(found[f].position_mm - centres[n]) > std::max(4.0, 0.6 * diameters[n])) continue;
      hit = used[f] = true;
      EXPECT_NEAR(found[f].mean_mm, diameters[n], 1.8);
    }
    recalled += hit;
    if (!hit) missed += fmt::format(" {:.1f} mm at ({:.0f}, {:.0f}, {:.0f})", diameters[n], centres[n].x, centres[n].y, centres[n].z);
  }
  EXPECT_GE(recalled, 11) << "of 12, missed:" << missed;
  EXPECT_LE(std::count(used.begin(), used.end(), false), 4);
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
}  // namespace gantry::analysis::ct_real_test
