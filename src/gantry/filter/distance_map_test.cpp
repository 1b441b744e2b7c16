// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/distance_map.h"

#include <gtest/gtest.h>

#include "gantry/image/phantom/phantom.h"

namespace gantry::distance_map_test {
namespace {

Run quiet;

TEST(DistanceMap, from_an_impulse_is_the_distance_to_it) {
  const auto values = DistanceMap{}(phantom("impulse"), quiet).as<float>();
  EXPECT_EQ(values(32, 32, 32), 0);
  EXPECT_NEAR(values(0, 0, 0), 32 * std::sqrt(3.0), 1e-4);
  EXPECT_NEAR(values(35, 36, 32), 5, 1e-6);
}

TEST(DistanceMap, both_sides_of_a_box_count_from_its_faces) {
  const auto values = DistanceMap{.side = DistanceSide::both}(phantom("box"), quiet).as<float>();
  // The box has 16 slices around the centre: depth of its middle is 8 voxels, three slices beyond the last one 3 mm.
  EXPECT_EQ(values(32, 32, 32), -8);
  EXPECT_EQ(values(32, 32, 32 + 7 + 3), 3);
  const auto depth = DistanceMap{.side = DistanceSide::inside}(phantom("box"), quiet).as<float>();
  EXPECT_EQ(depth(32, 32, 32), 8);
  EXPECT_EQ(depth(0, 0, 0), 0);
}

TEST(DistanceMap, takes_small_fractions_as_inside_and_nan_as_outside) {
  Voxels<float> image(Grid({5, 1, 1}));
  image[0] = 0.1F;
  image[4] = std::nanf("");
  const auto values = DistanceMap{}(Image(std::move(image)), quiet).as<float>();
  EXPECT_EQ(values[4], 4);
}

TEST(DistanceMap, of_an_empty_mask_is_infinite_and_colour_is_refused) {
  const auto values = DistanceMap{}(Image(Voxels<std::uint8_t>(Grid({3, 3, 3}))), quiet).as<float>();
  EXPECT_TRUE(std::isinf(values[0]));
  EXPECT_THROW(DistanceMap{}(Image(Voxels<std::uint8_t>(Grid({3, 3, 3}), 0, 3)), quiet), Error);
}

}  // namespace
}  // namespace gantry::distance_map_test
