// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiotherapy/gamma.h"

#include <numbers>

#include "gantry/base/test_support.h"
#include "gantry/image/phantom/phantom.h"
#include "gantry/operation/sources.h"
#include "gantry/radiotherapy/gamma_index.h"

namespace gantry::gamma_test {
namespace {

template <class Dose>
Voxels<float> sampled(const Grid& grid, Dose&& dose) {
  auto image = Voxels<float>::uninitialized(grid);
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        image(i, j, k) =
            static_cast<float>(dose(grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)})));
      }
    }
  }
  return image;
}

/// Gamma of two linear doses `offset_gy` apart with slope g: the distance of a point from a plane.
double plane_distance(double offset_gy, double slope, double difference_gy, double distance_mm) {
  return offset_gy / std::sqrt(difference_gy * difference_gy + slope * slope * distance_mm * distance_mm);
}

Grid turned(Size3 size, Vec3 spacing, Vec3 origin) {
  const double c = std::cos(0.4), s = std::sin(0.4);
  const Mat3 z{{Vec3{c, s, 0}, Vec3{-s, c, 0}, Vec3{0, 0, 1}}}, x{{Vec3{1, 0, 0}, Vec3{0, c, s}, Vec3{0, -s, c}}};
  return Grid(size, spacing, z * x * origin, z * x);
}

TEST(GammaIndex, of_a_scaled_constant_is_the_difference_over_the_criterion) {
  const Grid grid({20, 20, 20});
  const auto reference = sampled(grid, [](Vec3) { return 10; });
  for (const double percent : {0.0, 1.5, 3.0, 4.5}) {
    const auto evaluated = sampled(grid, [&](Vec3) { return 10 * (1 + percent / 100); });
    gantry::Run run;
    const GammaMap map = gamma_index(reference, evaluated, {.dose_difference_gy = 0.3, .distance_mm = 3}, run);
    for (const float gamma : map.gamma.values()) ASSERT_NEAR(gamma, percent / 3, 1e-4);
  }
}

TEST(GammaIndex, of_a_shifted_slope_is_the_distance_of_a_point_from_a_plane) {
  // On planes and volumes, on grids that are alike and on one turned and of other spacing.
  const Vec3 gradient{0.12, -0.05, 0};
  const auto dose = [&](Vec3 p) { return 20 + dot(gradient, p); };
  const auto shifted = [&](Vec3 p) { return 20 + dot(gradient, p - Vec3{1.7, 0.4, 0}); };
  const double expected = plane_distance(dot(gradient, {1.7, 0.4, 0}), norm(gradient), 0.25, 2);
  const Grid plane({40, 40, 1}, {1.5, 1.5, 3}, {-30, -30, 0}), volume({24, 24, 24}, {2, 2, 2}, {-24, -24, -24});
  const Grid other = turned({60, 60, 60}, {1.3, 1.7, 1.1}, {-40, -50, -35});
  const std::vector<std::pair<Grid, Grid>> pairs{{plane, plane}, {volume, volume}, {volume, other}, {plane, volume}};
  for (const auto& [from, to] : pairs) {
    gantry::Run run;
    const GammaMap map = gamma_index(sampled(from, dose), sampled(to, shifted), {.dose_difference_gy = 0.25, .distance_mm = 2}, run);
    const auto [ni, nj, nk] = from.size();
    const std::int64_t middle = from.index(ni / 2, nj / 2, nk / 2);
    EXPECT_NEAR(map.gamma[middle], expected, 0.002) << ni << " " << to.size(0);
    EXPECT_EQ(map.judged + map.outside, map.gamma.count());
  }
}

TEST(GammaIndex, of_a_steep_edge_is_the_distance_to_it) {
  // 1 Gy to 9 Gy within 1 mm, moved by 2.5 mm: next to the edge agreement lies 2.5 mm away, up to the edge's own width.
  const Grid grid({60, 9, 9});
  const auto edge = [](double at) { return [at](Vec3 p) { return std::clamp(1 + 8 * (p.x - at), 1.0, 9.0); }; };
  gantry::Run run;
  const GammaMap map = gamma_index(sampled(grid, edge(30)), sampled(grid, edge(32)), {.dose_difference_gy = 0.1, .distance_mm = 5}, run);
  EXPECT_NEAR(map.gamma(31, 4, 4), 2.0 / 5, 0.003);
  EXPECT_NEAR(map.gamma(10, 4, 4), 0, 1e-5);
}

TEST(GammaIndex, takes_the_local_criterion_from_each_point_and_stops_at_the_maximum) {
  const Grid grid({10, 10, 10});
  gantry::Run run;
  const GammaMap local =
      gamma_index(sampled(grid, [](Vec3 p) { return p.x < 5 ? 2 : 10; }), sampled(grid, [](Vec3 p) { return p.x < 5 ? 2.04 : 10.2; }),
                  {.local_part = 0.02, .distance_mm = 0.1}, run);
  EXPECT_NEAR(local.gamma(1, 5, 5), 1, 1e-3);
  EXPECT_NEAR(local.gamma(9, 5, 5), 1, 1e-3);
  const GammaMap far =
      gamma_index(sampled(grid, [](Vec3) { return 2; }), sampled(grid, [](Vec3) { return 4; }), {.dose_difference_gy = 0.1}, run);
  for (const float gamma : far.gamma.values()) ASSERT_EQ(gamma, 2);
}

TEST(GammaIndex, judges_neither_what_is_below_the_threshold_nor_what_lies_outside) {
  const Grid grid({10, 10, 10}), half({5, 10, 10});
  gantry::Run run;
  const auto ramp = sampled(grid, [](Vec3 p) { return p.x; });
  const GammaMap map = gamma_index(ramp, sampled(half, [](Vec3 p) { return p.x; }), {.dose_difference_gy = 1, .threshold_gy = 2}, run);
  EXPECT_EQ(map.below, 200);
  EXPECT_EQ(map.outside, 500);
  EXPECT_EQ(map.judged, 300);
  EXPECT_TRUE(std::isnan(map.gamma(1, 0, 0)));
  EXPECT_TRUE(std::isnan(map.gamma(9, 0, 0)));
  EXPECT_EQ(map.gamma(3, 0, 0), 0);
}

TEST(GammaIndex, refuses_planes_that_do_not_coincide_and_uneven_slices) {
  const auto flat = [](double z) { return sampled(Grid({8, 8, 1}, {1, 1, 1}, {0, 0, z}), [](Vec3) { return 1; }); };
  gantry::Run run;
  EXPECT_EQ(error_of([&] { gamma_index(flat(0), flat(2), {.dose_difference_gy = 1}, run); }).message(),
            "evaluated dose: is one plane, and the reference must lie in it; it lies up to 2.00 mm beside it");
  EXPECT_EQ(error_of([&] {
              gamma_index(sampled(Grid({8, 8, 8}), [](Vec3) { return 1; }), flat(2), {.dose_difference_gy = 1}, run);
            }).code(),
            ErrorCode::not_possible);
  const Grid uneven = Grid({4, 4, 3}).with_slice_positions({0, 1, 5});
  EXPECT_EQ(error_of([&] { gamma_index(flat(0), sampled(uneven, [](Vec3) { return 1; }), {.dose_difference_gy = 1}, run); }).code(),
            ErrorCode::not_possible);
}

TEST(DoseGamma, agrees_with_a_finely_stepped_search_on_the_published_planes) {
  // The rates, to the last point, and the means of pymedphys 0.41 with 50 steps a distance: 100 and 92.9088 %, 0.015991 and 0.14526.
  const Path folder = test_data("radiotherapy/gamma-agnew-mcgarry");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  const Image reference = read_any_image(folder / "GeometricSquare_Reference_1mmPx.dcm", run);
  const auto judged = [&](const std::string& kind) {
    return DoseGamma{}(reference, read_any_image(folder / ("GeometricSquare_Evaluated_1mmPx_" + kind + "_Test.dcm"), run), run).result;
  };
  const Json dose = judged("DD"), distance = judged("DTA");
  EXPECT_EQ(dose["judged"], 62500);
  EXPECT_EQ(dose["pass_rate_percent"], 100.0);
  EXPECT_NEAR(dose["mean"].get<double>(), 0.015991, 1e-5);
  EXPECT_NEAR(distance["pass_rate_percent"].get<double>(), 92.9088, 1e-9);
  EXPECT_NEAR(distance["mean"].get<double>(), 0.14526, 3e-4);
  EXPECT_LE(distance["mean"].get<double>(), 0.14526);
}

TEST(DoseGamma, refuses_doses_that_are_not_finite_and_references_without_dose) {
  gantry::Run run;
  const Grid grid({4, 4, 4});
  const Image one = sampled(grid, [](Vec3) { return 1; }), none = sampled(grid, [](Vec3) { return 0; });
  const Image broken = sampled(grid, [](Vec3) { return NAN; });
  EXPECT_EQ(error_of([&] { DoseGamma{}(one, broken, run); }).message(), "evaluated dose: must be finite; found nan");
  EXPECT_EQ(error_of([&] { DoseGamma{}(none, one, run); }).message(), "reference dose: is nowhere positive");
  EXPECT_EQ(error_of([&] { DoseGamma{.dose_percent = 0}(one, one, run); }).code(), ErrorCode::parameter);
}

TEST(DoseGamma, gives_the_same_map_for_any_number_of_threads) {
  const Image sphere = phantom("sphere"), cylinder = phantom("cylinder");
  gantry::Run one(RunOptions{.threads = 1}), three(RunOptions{.threads = 3});
  const auto first = DoseGamma{}(sphere, cylinder, one), second = DoseGamma{}(sphere, cylinder, three);
  EXPECT_EQ(first.result, second.result);
  EXPECT_TRUE(std::ranges::equal(first.map.bytes(), second.map.bytes()));
}

}  // namespace
}  // namespace gantry::gamma_test
