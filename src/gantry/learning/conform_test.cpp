// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/conform.h"

#include <gtest/gtest.h>

#include "gantry/base/test_support.h"

namespace gantry::learning::conform_test {
namespace {

TEST(Conform, the_grid_has_freesurfers_axes_about_the_middle_of_the_image) {
  const Grid grid({100, 120, 50}, {0.5, 0.7, 2}, {10, -20, 30});
  const Grid target = conformed_grid(grid, {64, 64, 64});
  EXPECT_EQ(target.orientation(), "LIA");
  EXPECT_EQ(target.spacing_mm(), (Vec3{1, 1, 1}));
  const Vec3 middle = target.world_from_voxel({31.5, 31.5, 31.5}), expected = grid.world_from_voxel({49.5, 59.5, 24.5});
  EXPECT_NEAR(norm(middle - expected), 0, 1e-9);
  EXPECT_EQ(conformed_grid(target, {64, 64, 64}), target);
}

TEST(Conform, an_eight_bit_image_on_such_a_grid_is_taken_as_it_is) {
  const Grid grid = conformed_grid(Grid({8, 8, 8}), {8, 8, 8});
  Voxels<std::uint8_t> voxels(grid);
  voxels(1, 2, 3) = 97;
  voxels(0, 0, 0) = 3;
  gantry::Run run;
  const auto volume = conformed(Image(std::move(voxels)), {8, 8, 8}, run);
  EXPECT_EQ(volume(1, 2, 3), 97);
  EXPECT_EQ(volume(0, 0, 0), 3);
}

TEST(Conform, a_point_keeps_its_place_in_the_world_and_bright_outliers_do_not_set_the_scale) {
  // A ramp from 0 to 1000 along +S, and one voxel five times as bright.
  const Grid grid({40, 40, 40}, {1, 1, 1}, {-20, 5, 7});
  Voxels<float> voxels(grid);
  for (std::int64_t k = 0; k < 40; ++k)
    for (std::int64_t n = 0; n < 1600; ++n) voxels[k * 1600 + n] = 1000.0F * static_cast<float>(k) / 39;
  voxels(3, 3, 3) = 5000;
  gantry::Run run;
  const Size3 size{48, 48, 48};
  const auto ramp = conformed(Image(voxels.clone()), size, run);
  const Vec3 place = ramp.grid().voxel_from_world({0, 20, 7 + 20});
  EXPECT_NEAR(ramp(std::lround(place.x), std::lround(place.y), std::lround(place.z)), 255.0 * 20 / 39, 5);
  EXPECT_EQ(*std::max_element(ramp.values().begin(), ramp.values().end()), 255);
  for (const float value : ramp.values()) ASSERT_EQ(value, std::round(value));
}

TEST(Conform, quantiles_are_those_of_the_ordered_values) {
  const std::vector<float> values{5, 1, 3, 2, 4};
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 1), 5);
  EXPECT_EQ(quantile(values, 0.5), 3);
  EXPECT_NEAR(quantile(values, 0.1), 1.4, 1e-12);
  auto volume = Voxels<float>(Grid({5, 1, 1}));
  std::copy(values.begin(), values.end(), volume.values().begin());
  gantry::Run run;
  scale_to_range(volume, {.low = 0.25, .high = 0.75}, run);
  EXPECT_EQ(volume[0], 1.5F);
  EXPECT_EQ(volume[1], -0.5F);
}

TEST(Conform, an_image_without_contrast_or_with_colour_is_refused) {
  gantry::Run run;
  EXPECT_EQ(error_of([&] { conformed(Image(Voxels<float>(Grid({9, 9, 9}), 7.0F)), {8, 8, 8}, run); }).code(), ErrorCode::not_possible);
  EXPECT_EQ(error_of([&] { conformed(Image(Voxels<float>(Grid({9, 9, 9}), 7.0F, 3)), {8, 8, 8}, run); }).code(), ErrorCode::not_possible);
  auto flat = Voxels<float>(Grid({4, 4, 4}), 1.0F);
  EXPECT_EQ(error_of([&] { scale_to_range(flat, {}, run); }).code(), ErrorCode::not_possible);
}

}  // namespace
}  // namespace gantry::learning::conform_test
