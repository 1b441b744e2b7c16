// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/segmentation/threshold.h"

#include <gtest/gtest.h>

#include "gantry/image/phantom/phantom.h"
#include "gantry/segmentation/otsu.h"

namespace gantry::threshold_test {
namespace {

Run quiet;

std::int64_t voxels(const Labels& labels) {
  const auto values = labels.image().as<std::uint8_t>();
  return std::count(values.values().begin(), values.values().end(), 1);
}

TEST(Threshold, counts_the_planes_of_a_ramp) {
  EXPECT_EQ(voxels(Threshold{.lower = 0.0}(phantom("ramp"), quiet)), 32 * 64 * 64);
  EXPECT_EQ(voxels(Threshold{.lower = -1.5, .upper = 1.5}(phantom("ramp"), quiet)), 4 * 64 * 64);  // both ends belong to it
  EXPECT_EQ(voxels(Threshold{.upper = -31.0}(phantom("ramp"), quiet)), 64 * 64);
}

TEST(Threshold, never_takes_nan_and_takes_infinity_where_open) {
  Voxels<float> image(Grid({3, 1, 1}));
  image[1] = std::nanf("");
  image[2] = std::numeric_limits<float>::infinity();
  const Image odd(std::move(image));
  EXPECT_EQ(voxels(Threshold{.lower = -1.0}(odd, quiet)), 2);
  EXPECT_EQ(voxels(Threshold{.upper = 5.0}(odd, quiet)), 1);
}

TEST(Threshold, names_its_method) {
  const Labels labels = Threshold{.lower = 0.5}(phantom("sphere"), quiet);
  ASSERT_EQ(labels.table().size(), 1U);
  EXPECT_EQ(labels.table()[0].method, "threshold, from 0.5");
}

TEST(Threshold, refuses_no_bounds_and_bounds_the_wrong_way_round) {
  EXPECT_THROW(Threshold{}(phantom("sphere"), quiet), Error);
  EXPECT_THROW((Threshold{.lower = 2.0, .upper = 1.0}(phantom("sphere"), quiet)), Error);
  EXPECT_THROW((Threshold{.lower = std::nan(""), .upper = 1.0}(phantom("sphere"), quiet)), Error);
  EXPECT_THROW((Threshold{.lower = 1.0}(Image(Voxels<float>(Grid({2, 2, 2}), 0, 3)), quiet)), Error);
}

TEST(OtsuThreshold, finds_the_sphere) {
  const auto result = OtsuThreshold{}(phantom("sphere"), quiet);
  EXPECT_NEAR(result.threshold.at("threshold").get<double>(), 0.5, 0.01);
  const auto sphere = phantom("sphere").as<float>();
  EXPECT_EQ(voxels(result.labels), std::count(sphere.values().begin(), sphere.values().end(), 1.0F));
}

TEST(OtsuThreshold, of_one_value_labels_nothing_and_of_no_value_is_refused) {
  EXPECT_EQ(voxels(OtsuThreshold{}(phantom("constant"), quiet).labels), 0);
  EXPECT_THROW(OtsuThreshold{}(Image(Voxels<float>(Grid({2, 2, 2}), std::nanf(""))), quiet), Error);
  EXPECT_THROW((OtsuThreshold{.bins = 1}(phantom("sphere"), quiet)), Error);
}

}  // namespace
}  // namespace gantry::threshold_test
