// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiotherapy/dvh.h"

#include <numbers>

#include "gantry/base/test_support.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/operation/sources.h"

namespace gantry::dvh_test {
namespace {

/// A dose of `at_origin_gy` + gradient * position on a 1 mm grid around the origin.
Voxels<float> linear_dose(double at_origin_gy, Vec3 gradient, const Grid& grid = Grid({64, 64, 64}, {1, 1, 1}, {-31.5, -31.5, -31.5})) {
  auto dose = Voxels<float>::uninitialized(grid);
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const Vec3 p = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        dose(i, j, k) = static_cast<float>(at_origin_gy + dot(gradient, p));
      }
    }
  }
  return dose;
}

/// A sphere as circles of 360 corners in planes 1 mm apart.
ContouredRegion ball(double radius_mm) {
  ContouredRegion region{.number = 1, .name = "ball"};
  for (double z = -31.5; z < 32; z += 1) {
    const double squared = radius_mm * radius_mm - z * z;
    if (!(squared > 0)) continue;
    Contour circle;
    for (int n = 0; n < 360; ++n) {
      const double angle = n * std::numbers::pi / 180;
      circle.push_back({std::sqrt(squared) * std::cos(angle), std::sqrt(squared) * std::sin(angle), z});
    }
    region.polygons.push_back(std::move(circle));
  }
  return region;
}

double ball_cm3(double radius_mm) { return 4.0 / 3 * std::numbers::pi * std::pow(radius_mm, 3) / 1000; }

TEST(DoseVolume, measures_spheres_from_5_mm_to_1_percent_and_their_dose_in_closed_form) {
  for (const double radius : {5.0, 7.0, 10.0, 15.0, 20.0}) {
    SCOPED_TRACE(radius);
    const DoseVolume volume = dose_volume(linear_dose(40, {1, 0, 0}), ball(radius), 0.01, 0, EndCaps::half, gantry::Run());
    EXPECT_NEAR(volume.volume_cm3, ball_cm3(radius), 0.01 * ball_cm3(radius));
    EXPECT_EQ(volume.outside_cm3, 0);
    EXPECT_NEAR(volume.mean_gy, 40, 0.005);
    EXPECT_NEAR(volume.maximum_gy, 40 + radius, 0.03 * radius);
    EXPECT_NEAR(volume.minimum_gy, 40 - radius, 0.03 * radius);
    EXPECT_NEAR(volume.dose_at(0.5), 40, 0.02);
    // The cap beyond half of the radius holds 5/32 of the sphere.
    EXPECT_NEAR(volume.share_at(40 + 0.5 * radius), 5.0 / 32, 0.005);
    EXPECT_NEAR(volume.dose_at(5.0 / 32), 40 + 0.5 * radius, 0.015 * radius);
  }
}

TEST(DoseVolume, measures_a_cylinder_along_the_gradient_as_a_straight_line) {
  // Dose falls along the axis of 40 mm, from 60 to 20 Gy: V(d) = (60 - d) / 40.
  const auto region = phantom_contours("cylinder").regions.front();
  const DoseVolume volume = dose_volume(linear_dose(40, {0, 0, -1}), region, 0.1, 0.4, EndCaps::half, gantry::Run());
  EXPECT_NEAR(volume.volume_cm3, std::numbers::pi * 15 * 15 * 40 / 1000, 0.001 * 28.27);
  for (const double gy : {22.0, 31.7, 40.0, 55.0}) EXPECT_NEAR(volume.share_at(gy), (60 - gy) / 40, 0.003) << gy;
  for (const double share : {0.02, 0.5, 0.95}) EXPECT_NEAR(volume.dose_at(share), 60 - 40 * share, 0.12) << share;
  EXPECT_NEAR(volume.mean_gy, 40, 1e-3);
}

TEST(DoseVolume, leaves_out_the_half_planes_at_the_ends_when_asked) {
  const auto region = phantom_contours("cylinder").regions.front();
  const DoseVolume whole = dose_volume(linear_dose(40, {}), region, 0.1, 1, EndCaps::half, gantry::Run());
  const DoseVolume cut = dose_volume(linear_dose(40, {}), region, 0.1, 1, EndCaps::none, gantry::Run());
  EXPECT_NEAR(cut.volume_cm3 / whole.volume_cm3, 39.0 / 40, 1e-9);
}

TEST(DoseVolume, takes_a_polygon_inside_another_as_a_hole_and_does_not_fill_gaps) {
  ContouredRegion region{.number = 1, .name = "ring"};
  const auto square = [](double half, double z) { return Contour{{-half, -half, z}, {half, -half, z}, {half, half, z}, {-half, half, z}}; };
  for (const double z : {0.0, 1.0, 2.0, 10.0, 11.0}) {
    region.polygons.push_back(square(10, z));
    region.polygons.push_back(square(5, z));
  }
  const DoseVolume volume = dose_volume(linear_dose(40, {}), region, 0.1, 0.2, EndCaps::half, gantry::Run());
  EXPECT_NEAR(volume.volume_cm3, (400 - 100) * 5 / 1000.0, 1e-9);
}

TEST(DoseVolume, follows_oblique_contours_and_an_oblique_dose_grid) {
  // The cylinder, its dose and the dose's grid turned by 30 degrees about x: nothing may change.
  const double c = std::cos(std::numbers::pi / 6), s = std::sin(std::numbers::pi / 6);
  const Mat3 turn{{Vec3{1, 0, 0}, Vec3{0, c, s}, Vec3{0, -s, c}}};
  auto region = phantom_contours("cylinder").regions.front();
  for (Contour& polygon : region.polygons) {
    for (Vec3& point : polygon) point = turn * point;
  }
  const Grid grid({50, 64, 60}, {1.3, 1, 1.1}, turn * Vec3{-31.5, -31.5, -31.5}, turn);
  const DoseVolume volume = dose_volume(linear_dose(40, turn * Vec3{0, 0, -1}, grid), region, 0.1, 0.2, EndCaps::half, gantry::Run());
  EXPECT_NEAR(volume.volume_cm3, 28.274, 0.03);
  EXPECT_NEAR(volume.mean_gy, 40, 0.01);
  EXPECT_NEAR(volume.share_at(31.7), (60 - 31.7) / 40, 0.004);
}

TEST(DoseVolume, tells_what_lies_outside_the_dose_grid) {
  const Grid half({32, 64, 64}, {1, 1, 1}, {0.5, -31.5, -31.5});
  const DoseVolume volume = dose_volume(linear_dose(40, {}, half), ball(10), 0.1, 0.25, EndCaps::half, gantry::Run());
  EXPECT_NEAR(volume.outside_cm3 / volume.volume_cm3, 0.5, 0.01);
  EXPECT_NEAR(volume.mean_gy, 40, 1e-4);
}

TEST(DoseVolume, refuses_contours_across_planes_and_doses_that_are_none) {
  ContouredRegion twisted{.number = 1, .name = "twisted"};
  twisted.polygons = {{{0, 0, 0}, {20, 0, 0}, {20, 20, 0}}, {{0, 0, 5}, {20, 0, 5}, {20, 20, 12}}};
  EXPECT_EQ(error_of([&] { dose_volume(linear_dose(1, {}), twisted, 0.1, 0, EndCaps::half, gantry::Run()); }).code(),
            ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { dose_volume(linear_dose(NAN, {}), ball(5), 0.1, 0, EndCaps::half, gantry::Run()); }).code(),
            ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { dose_volume(linear_dose(1e9, {}), ball(5), 0.01, 0, EndCaps::half, gantry::Run()); }).code(),
            ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { dose_volume(linear_dose(1, {}), ball(30), 0.01, 0.02, EndCaps::half, gantry::Run()); }).code(),
            ErrorCode::not_possible);
}

TEST(Dvh, agrees_with_the_histograms_that_a_planning_system_stored) {
  const Path folder = test_data("radiotherapy/breast-plan");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const Image dose = read_any_image(folder / "rtdose.dcm", run);
  const Contours structures = PortType<Contours>::read(folder / "rtss.dcm", run);
  ASSERT_EQ(structures.regions.size(), 10U);
  const auto result = DoseVolumeHistograms{.regions = "Breast,Heart,Lt Lung,Tumor Bed, Areola"}(dose, structures, run).result;
  const struct {
    std::string name;
    double volume_cm3, mean_gy;
  } stored[] = {{"Breast", 396.229, 5.6135}, {"Heart", 437.462, 0.64756}, {"Lt Lung", 2008.949, 0.90927}, {"Tumor Bed", 12.809, 14.2907}};
  for (const auto& one : stored) {
    SCOPED_TRACE(one.name);
    const Json& region = result["regions"][one.name];
    EXPECT_NEAR(region["volume_cm3"].get<double>(), one.volume_cm3, 0.03 * one.volume_cm3);
    EXPECT_NEAR(region["mean_gy"].get<double>(), one.mean_gy, 0.015 * one.mean_gy);
  }
  EXPECT_EQ(result["left_out"][0]["name"], "Areola");
}

TEST(Dvh, gives_the_same_bytes_for_any_number_of_threads_and_through_its_own_file) {
  const Path folder = std::filesystem::temp_directory_path() / "gantry-contours";
  const Contours contours = phantom_contours("two_spheres");
  gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
  std::filesystem::create_directories(folder);
  PortType<Contours>::write(folder / "c.json", contours, one);
  const Contours again = PortType<Contours>::read(folder / "c.json", one);
  std::filesystem::remove_all(folder);
  const Image dose = linear_dose(60, {1, 0.3, 0.1});
  EXPECT_EQ(DoseVolumeHistograms{}(dose, contours, one).result, DoseVolumeHistograms{}(dose, again, three).result);
}

TEST(Dvh, refuses_an_unknown_region_with_the_names_that_there_are) {
  gantry::Run run;
  const Error error =
      error_of([&] { DoseVolumeHistograms{.regions = "sphere,tail"}(phantom("constant"), phantom_contours("sphere"), run); });
  EXPECT_EQ(error.code(), ErrorCode::parameter);
  EXPECT_EQ(error.message(), "regions: must be names of the structure set (sphere); got 'tail'");
}

}  // namespace
}  // namespace gantry::dvh_test
