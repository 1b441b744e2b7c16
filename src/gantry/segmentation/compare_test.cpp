// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/segmentation/compare.h"

#include <gtest/gtest.h>

#include "gantry/image/phantom/phantom.h"

namespace gantry::compare_test {
namespace {

Run quiet;

/// Boxes of 10 x 10 x 10 voxels of 1 x 1 x 2 mm, label 1 from i, label 7 elsewhere.
Image boxes(int i0, bool second = true) {
  Voxels<std::int16_t> image(Grid({50, 50, 30}, {1, 1, 2}));
  for (int k = 10; k < 20; ++k) {
    for (int j = 10; j < 20; ++j) {
      for (int i = 0; i < 10; ++i) {
        image(i0 + i, j, k) = 1;
        if (second) image(38 + i, j, k) = 7;
      }
    }
  }
  return image;
}

TEST(CompareLabels, of_shifted_boxes_is_known) {
  const Json found = CompareLabels{.tolerance = 2}(boxes(10), boxes(12), quiet).at("labels");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_NEAR(found["1"]["dice"].get<double>(), 0.8, 1e-12);
  EXPECT_NEAR(found["1"]["jaccard"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(found["1"]["hd95_mm"].get<double>(), 2, 1e-6);
  EXPECT_EQ(found["1"]["nsd"].get<double>(), 1);
  EXPECT_EQ(found["1"]["volume_a_ml"].get<double>(), 2);
  EXPECT_EQ(found["7"]["dice"].get<double>(), 1);
  EXPECT_EQ(found["7"]["asd_mm"].get<double>(), 0);
}

TEST(CompareLabels, states_a_label_that_one_lacks) {
  const Json found = CompareLabels{}(boxes(10), boxes(10, false), quiet).at("labels");
  EXPECT_EQ(found["7"]["dice"].get<double>(), 0);
  EXPECT_TRUE(found["7"]["hd95_mm"].is_null());
  EXPECT_EQ(found["7"]["volume_b_ml"].get<double>(), 0);
}

TEST(CompareLabels, of_a_plate_one_voxel_thick_measures_across_it) {
  Voxels<std::uint8_t> a(Grid({10, 10, 10})), b(Grid({10, 10, 10}));
  for (int j = 2; j < 8; ++j) {
    for (int i = 2; i < 8; ++i) a(i, j, 5) = 1, b(i, j, 5) = !(i == 4 && j == 4);
  }
  // Every voxel of the plate is surface, so the missing voxel lies 1 mm from the other and no further effect is seen.
  const Json found = CompareLabels{.tolerance = 0}(Image(std::move(a)), Image(std::move(b)), quiet).at("labels");
  EXPECT_NEAR(found["1"]["asd_mm"].get<double>(), 1.0 / 71, 1e-9);
  EXPECT_NEAR(found["1"]["nsd"].get<double>(), 70.0 / 71, 1e-12);
}

TEST(CompareLabels, takes_whole_numbers_of_any_type_and_refuses_others) {
  EXPECT_EQ(CompareLabels{}(phantom("sphere"), phantom("sphere"), quiet)["labels"]["1"]["dice"].get<double>(), 1);
  EXPECT_THROW(CompareLabels{}(phantom("ramp"), phantom("ramp"), quiet), Error);
  EXPECT_THROW(CompareLabels{}(Image(Voxels<float>(Grid({2, 2, 2}), std::nanf(""))), Image(Voxels<float>(Grid({2, 2, 2}))), quiet), Error);
  EXPECT_THROW(CompareLabels{}(Image(Voxels<std::uint32_t>(Grid(), 4000000000U)), Image(Voxels<std::uint32_t>(Grid(), 4000000000U)), quiet),
               Error);
}

TEST(CompareLabels, of_nothing_is_empty_and_other_grids_are_refused) {
  const Image nothing = Voxels<std::uint8_t>(Grid({4, 4, 4}));
  EXPECT_TRUE(CompareLabels{}(nothing, nothing, quiet).at("labels").empty());
  const Image shifted = Voxels<std::uint8_t>(Grid({4, 4, 4}, {1, 1, 1}, {0.5, 0, 0}));
  EXPECT_THROW(CompareLabels{}(nothing, shifted, quiet), Error);
  EXPECT_THROW((CompareLabels{.tolerance = -1}(nothing, nothing, quiet)), Error);
}

}  // namespace
}  // namespace gantry::compare_test
