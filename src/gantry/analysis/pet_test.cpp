// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/pet.h"

#include <gtest/gtest.h>

#include <set>

#include "gantry/base/error.h"
#include "gantry/base/test_support.h"
#include "gantry/io/io.h"
#include "gantry/volume/measure.h"

namespace gantry::analysis::pet_test {
namespace {

constexpr double pi = 3.14159265358979323846;

/// Uptake 1 with a ball of uptake `inside`; 4 x 4 x 4 sub-voxels.
void add_ball(Voxels<float>& image, Vec3 centre, double radius, float inside) {
  const Grid& grid = image.grid();
  for (std::int64_t n = 0; n < image.count(); ++n) {
    const Size3 s = grid.size();
    const Vec3 voxel{static_cast<double>(n % s[0]), static_cast<double>(n / s[0] % s[1]), static_cast<double>(n / (s[0] * s[1]))};
    if (norm(grid.world_from_voxel(voxel) - centre) > radius + 6) continue;
    int count = 0;
    for (int p = 0; p < 64; ++p) {
      const Vec3 at = voxel + Vec3{(p % 4 + 0.5) / 4 - 0.5, (p / 4 % 4 + 0.5) / 4 - 0.5, (p / 16 + 0.5) / 4 - 0.5};
      count += norm(grid.world_from_voxel(at) - centre) <= radius ? 1 : 0;
    }
    image[n] += static_cast<float>(count) / 64 * (inside - 1);
  }
}

Grid small_grid() { return Grid({60, 60, 50}, {2, 2, 2}, {-59, -59, -49}); }

TEST(Pet, finds_a_ball_with_its_volume_and_uptake) {
  Voxels<float> suv(small_grid(), 1.0F);
  add_ball(suv, {3, -4, 5}, 16, 8);
  const LesionMap map = find_lesions(suv, {}, gantry::Run());
  ASSERT_EQ(map.lesions.size(), 1U);
  const Lesion& lesion = map.lesions[0];
  EXPECT_FLOAT_EQ(static_cast<float>(lesion.uptake.maximum), 8);
  EXPECT_FLOAT_EQ(static_cast<float>(lesion.uptake.peak.value), 8);
  // A voxel of 2 mm counts from a part of 1.5 / 7 on, so that the border lies (0.5 - 1.5 / 7) voxels further out.
  const double radius = 16 + (0.5 - 1.5 / 7) * 2;
  EXPECT_NEAR(lesion.uptake.volume_ml, 4.0 / 3 * pi * radius * radius * radius / 1000, 0.4);
  EXPECT_DOUBLE_EQ(lesion.uptake.tlg, lesion.uptake.mean * lesion.uptake.volume_ml);
  EXPECT_LE(lesion.volume_interval_ml[0], lesion.uptake.volume_ml);
  EXPECT_GE(lesion.volume_interval_ml[1], lesion.uptake.volume_ml);
  ASSERT_EQ(map.foci.size(), 1U);
  EXPECT_EQ(map.foci[0].lesion, 1);
  EXPECT_FALSE(lesion.uptake.touches_border);
}

/// Mean of a ball of radius b at the centre of a hot ball of radius a < b: 1 + (h - 1) (a / b)^3.
TEST(Pet, peak_equals_the_closed_form_for_balls_smaller_than_a_millilitre) {
  const double b = std::cbrt(3000 / (4 * pi));
  EXPECT_NEAR(2 * b, 12.4, 0.02);
  for (const double a : {4.0, 5.0}) {
    for (const Vec3 spacing : {Vec3{1, 1, 1}, Vec3{2, 2, 3}}) {
      const Grid grid({41, 41, 41}, spacing, -20.0 * spacing);
      Voxels<float> suv(grid, 1.0F);
      add_ball(suv, {0, 0, 0}, a, 21);
      Voxels<std::int32_t> centre(grid);
      centre(20, 20, 20) = 1;
      const PeakUptake peak = peak_uptake(suv, centre, 1, gantry::Run());
      const double exact = 1 + 20 * std::pow(a / b, 3);
      EXPECT_NEAR(peak.value / exact, 1, spacing.x == 1 ? 0.02 : 0.06) << a << " " << spacing.x;
      EXPECT_NEAR(norm(peak.centre_mm), 0, 1e-9);
      EXPECT_FALSE(peak.cut);
    }
  }
}

/// In a field that rises linearly the mean of a ball is the value at its centre.
TEST(Pet, peak_of_a_ramp_is_the_value_at_the_centre) {
  const Grid grid({40, 40, 40}, {2.5, 2, 3});
  Voxels<float> suv(grid);
  Voxels<std::int32_t> region(grid);
  for (std::int64_t k = 0; k < 40; ++k) {
    for (std::int64_t j = 0; j < 40; ++j) {
      for (std::int64_t i = 0; i < 40; ++i)
        suv(i, j, k) = static_cast<float>(1 + 0.1 * static_cast<double>(i) + 0.05 * static_cast<double>(k));
    }
  }
  for (std::int64_t i = 10; i < 25; ++i) region(i, 20, 20) = 1;
  const PeakUptake peak = peak_uptake(suv, region, 1, gantry::Run());
  EXPECT_NEAR(peak.value, 1 + 0.1 * 24 + 0.05 * 20, 1e-4);
}

TEST(Pet, tells_touching_hills_apart_and_cuts_each_at_its_own_maximum) {
  Voxels<float> suv(small_grid(), 0.5F);
  const Grid& grid = suv.grid();
  for (std::int64_t n = 0; n < suv.count(); ++n) {
    const Size3 s = grid.size();
    const Vec3 w = grid.world_from_voxel(
        {static_cast<double>(n % s[0]), static_cast<double>(n / s[0] % s[1]), static_cast<double>(n / (s[0] * s[1]))});
    const auto hill = [&](Vec3 c, double top, double sigma) { return top * std::exp(-0.5 * dot(w - c, w - c) / (sigma * sigma)); };
    suv[n] += static_cast<float>(hill({-12, 1, 1}, 20, 8) + hill({19, 1, 1}, 6, 7));
  }
  const LesionMap map = find_lesions(suv, {}, gantry::Run());
  ASSERT_EQ(map.lesions.size(), 1U);
  EXPECT_EQ(map.lesions[0].foci, 2);
  ASSERT_EQ(map.foci.size(), 2U);
  EXPECT_NEAR(map.foci[0].uptake.maximum, 20.5, 0.5);
  EXPECT_NEAR(map.foci[1].uptake.maximum, 6.6, 0.4);
  // 41 % of the lower top is 2.7: a ball of about sigma sqrt(2 ln(6 / 2.2)).
  const double radius = 7 * std::sqrt(2 * std::log(6 / 2.2));
  EXPECT_NEAR(map.foci[1].uptake.volume_ml / (4.0 / 3 * pi * radius * radius * radius / 1000), 1, 0.25);
}

/// A small lesion of low uptake, as the scanner blurs it, is a region; a ripple as high on an organ that is nearly as hot, or one hot
/// voxel, is none.
TEST(Pet, counts_a_small_region_only_where_it_stands_out) {
  const Grid grid({60, 60, 50}, {3, 3, 3}, {-90, -90, -75});
  const auto small_count = [&](float background, double top, double sigma_mm) {
    Voxels<float> suv(grid, background);
    for (std::int64_t k = 0; k < 50; ++k) {
      for (std::int64_t j = 0; j < 60; ++j) {
        for (std::int64_t i = 0; i < 60; ++i) {
          const Vec3 w = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
          suv(i, j, k) += static_cast<float>((top - background) * std::exp(-0.5 * dot(w, w) / (sigma_mm * sigma_mm)));
        }
      }
    }
    const LesionMap map = find_lesions(suv, {}, gantry::Run());
    for (const Lesion& lesion : map.lesions) {
      EXPECT_LT(lesion.uptake.volume_ml, 0.3);
      EXPECT_EQ(lesion.foci, 1);
    }
    EXPECT_EQ(map.small_regions + static_cast<std::int64_t>(map.lesions.size()), 1);
    return map.lesions.size();
  };
  EXPECT_EQ(small_count(0.4F, 3.4, 4), 1U);
  EXPECT_EQ(small_count(2.1F, 3.1, 2), 0U);
  EXPECT_EQ(small_count(0.4F, 2.8, 4), 0U);
  EXPECT_EQ(small_count(0.4F, 3.4, 0.8), 0U);
}

TEST(Pet, has_the_same_bits_for_any_number_of_threads) {
  Voxels<float> suv(small_grid(), 1.0F);
  add_ball(suv, {3, -4, 5}, 16, 8);
  add_ball(suv, {-30, 30, 5}, 9, 5);
  const LesionMap a = find_lesions(suv, {}, gantry::Run({.threads = 1}));
  const LesionMap b = find_lesions(suv, {}, gantry::Run({.threads = 3}));
  EXPECT_TRUE(std::equal(a.labels.values().begin(), a.labels.values().end(), b.labels.values().begin()));
  ASSERT_EQ(a.lesions.size(), b.lesions.size());
  for (std::size_t n = 0; n < a.lesions.size(); ++n) EXPECT_EQ(a.lesions[n].uptake.peak.value, b.lesions[n].uptake.peak.value);
}

TEST(Pet, bears_empty_constant_and_undefined_images) {
  EXPECT_TRUE(find_lesions(Voxels<float>(Grid({9, 8, 7}), 0.0F), {}, gantry::Run()).lesions.empty());
  EXPECT_TRUE(find_lesions(Voxels<float>(Grid({9, 8, 7}), NAN), {}, gantry::Run()).lesions.empty());
  EXPECT_TRUE(find_lesions(Voxels<float>(Grid({1, 1, 1}), 5.0F), {}, gantry::Run()).lesions.empty());
  const LesionMap full = find_lesions(Voxels<float>(Grid({20, 20, 1}, {2, 2, 2}), 5.0F), {}, gantry::Run());
  ASSERT_EQ(full.lesions.size(), 1U);
  EXPECT_TRUE(full.lesions[0].uptake.touches_border);
  EXPECT_TRUE(full.lesions[0].uptake.peak.cut);
  EXPECT_NEAR(full.lesions[0].uptake.peak.value, 5, 1e-6);
  EXPECT_THROW(find_lesions(Voxels<float>(Grid({4, 4, 4})), {.threshold = NAN}, gantry::Run()), Error);
  EXPECT_THROW(find_lesions(Voxels<float>(Grid({4, 4, 4})), {.high_threshold = 1}, gantry::Run()), Error);
}

TEST(Pet, refuses_values_that_are_no_uptake_and_says_why) {
  SeriesInput input;
  input.image = Image(Voxels<float>(Grid({30, 30, 30}, {4, 4, 4}), 20000.0F));
  input.modality = "PT";
  gantry::Run run;
  const SeriesResult result = analyze_pet(input, Profile{}, run);
  ASSERT_FALSE(result.findings.empty());
  for (const Finding& f : result.findings) {
    EXPECT_FALSE(f.value);
    EXPECT_NE(f.reason.find("dose and weight"), std::string::npos);
  }
  EXPECT_EQ(result.glances.at(0).attention, Attention::look_first);
}

TEST(Pet, overlaps_the_outlines_of_real_tumours) {
  const Path data = test_data();
  if (data.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  for (const char* patient : {"STS_001", "STS_002", "STS_008"}) {
    gantry::Run run;
    const Path folder = data / "sarcoma/nifti" / patient;
    SeriesInput input;
    input.image = io::read(folder / "PET_image.nii.gz", run);
    input.modality = "PT";
    const Image outline = io::read(folder / "PET_mask.nii.gz", run);
    const VoxelView<float> tumour = outline.as<float>();
    const SeriesResult result = analyze_pet(input, Profile{}, run);
    ASSERT_FALSE(result.segments.empty());
    const auto labels = result.labels.image().as<std::uint16_t>();
    double best = 0;
    for (const Segment& s : result.segments) {
      double both = 0;
      double lesion = 0;
      double truth = 0;
      for (std::int64_t n = 0; n < labels.count(); ++n) {
        const bool a = labels[n] == s.label_value;
        const bool b = tumour[n] != 0;
        both += a && b ? 1 : 0;
        lesion += a ? 1 : 0;
        truth += b ? 1 : 0;
      }
      best = std::max(best, 2 * both / (lesion + truth));
    }
    EXPECT_GE(best, 0.5) << patient;
  }
}

}  // namespace
}  // namespace gantry::analysis::pet_test
