// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/segmentation/component_labels.h"

#include <gtest/gtest.h>

#include "gantry/image/phantom/phantom.h"

namespace gantry::component_labels_test {
namespace {

Run quiet;

/// Parts of 27, 8 and 1 voxels, the last two touching at a corner.
Image parts() {
  Voxels<float> image(Grid({20, 20, 20}, {2, 2, 2}, {100, 0, 0}));
  const auto fill = [&](int first, int size) {
    for (int k = first; k < first + size; ++k) {
      for (int j = first; j < first + size; ++j) {
        for (int i = first; i < first + size; ++i) image(i, j, k) = 5;
      }
    }
  };
  fill(1, 3);
  fill(10, 2);
  fill(12, 1);
  return image;
}

TEST(ComponentLabels, are_numbered_by_size_with_their_measures) {
  const auto result = ComponentLabels{.connectivity = Connectivity::faces}(parts(), quiet);
  ASSERT_EQ(result.components.rows().size(), 3U);
  const auto& first = result.components.rows()[0];
  EXPECT_EQ(std::get<double>(first[1]), 27);
  EXPECT_NEAR(std::get<double>(first[2]), 27 * 8 / 1000.0, 1e-12);
  EXPECT_NEAR(std::get<double>(first[3]), 104, 1e-12);
  EXPECT_EQ(result.labels.image().as<std::int32_t>()(12, 12, 12), 3);
  EXPECT_EQ(result.labels.find("component_3")->value, 3);
}

TEST(ComponentLabels, join_at_corners_when_told) {
  const auto result = ComponentLabels{.connectivity = Connectivity::corners}(parts(), quiet);
  EXPECT_EQ(result.components.rows().size(), 2U);
  EXPECT_EQ(result.labels.image().as<std::int32_t>()(12, 12, 12), 2);
}

TEST(ComponentLabels, drop_the_small_and_all_but_the_largest) {
  const auto large = ComponentLabels{.connectivity = Connectivity::faces, .minimum_volume = 0.064}(parts(), quiet);
  EXPECT_EQ(large.labels.table().size(), 2U);  // 8 voxels of 8 mm3 are exactly the limit
  EXPECT_EQ(large.labels.image().as<std::int32_t>()(12, 12, 12), 0);
  const auto one = ComponentLabels{.keep = 1}(parts(), quiet);
  EXPECT_EQ(one.labels.table().size(), 1U);
  EXPECT_EQ(one.labels.image().as<std::int32_t>()(10, 10, 10), 0);
}

TEST(ComponentLabels, of_nothing_are_none_and_a_series_is_refused) {
  const auto none = ComponentLabels{}(Image(Voxels<std::uint8_t>(Grid({4, 4, 4}))), quiet);
  EXPECT_TRUE(none.labels.table().empty());
  EXPECT_THROW(ComponentLabels{}(Image(Voxels<std::uint8_t>(Grid({4, 4, 4}), 0, 1, 3)), quiet), Error);
  EXPECT_THROW((ComponentLabels{.minimum_volume = -1}(parts(), quiet)), Error);
}

}  // namespace
}  // namespace gantry::component_labels_test
