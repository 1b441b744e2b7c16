// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/measure.h"

#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/base/random.h"

namespace gantry::measure_test {
namespace {

Mask box(const Grid& grid, Size3 begin, Size3 end) {
  Mask mask(grid);
  for (std::int64_t k = begin[2]; k < end[2]; ++k) {
    for (std::int64_t j = begin[1]; j < end[1]; ++j) {
      for (std::int64_t i = begin[0]; i < end[0]; ++i) mask(i, j, k) = 1;
    }
  }
  return mask;
}

TEST(RegionStatistics, of_one_to_five) {
  Voxels<float> image(Grid({5, 2, 1}, {1, 2, 3}));
  for (std::int64_t n = 0; n < 10; ++n) image[n] = static_cast<float>(n + 1);
  const auto found = region_statistics(image, box(image.grid(), {0, 0, 0}, {5, 1, 1}), {});
  EXPECT_EQ(found.voxels, 5);
  EXPECT_DOUBLE_EQ(found.volume_mm3, 30);
  EXPECT_DOUBLE_EQ(found.mean, 3);
  EXPECT_DOUBLE_EQ(found.standard_deviation, std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(found.minimum, 1);
  EXPECT_DOUBLE_EQ(found.maximum, 5);
  EXPECT_DOUBLE_EQ(found.median, 3);
}

TEST(RegionStatistics, of_nothing_is_zero_and_nan_is_left_out) {
  Voxels<float> image(Grid({3, 1, 1}), 4);
  EXPECT_EQ(region_statistics(image, Mask(image.grid()), {}).maximum, 0);
  image[1] = std::nanf("");
  const auto found = region_statistics(image, Mask(image.grid(), 1), {});
  EXPECT_EQ(found.voxels, 3);
  EXPECT_EQ(found.mean, 4);
  EXPECT_THROW(region_statistics(image, Mask(Grid({2, 1, 1})), {}), Error);
}

TEST(LabelCounts, count_every_value_but_zero) {
  Voxels<std::int32_t> labels(Grid({100, 100, 50}));
  for (std::int64_t n = 0; n < labels.count(); ++n) labels[n] = static_cast<std::int32_t>(n % 5 == 0 ? 0 : n % 5 == 1 ? -3 : 70000);
  const auto counts = label_counts(labels, {});
  EXPECT_EQ(counts, (std::map<int, std::int64_t>{{-3, 100000}, {70000, 300000}}));
}

TEST(Quantile, is_type_seven) {
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0), 1);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 1), 4);
  EXPECT_DOUBLE_EQ(quantile({7, std::nanf("")}, 0.3), 7);
  EXPECT_THROW(quantile({}, 0.5), Error);
  EXPECT_THROW(quantile({1}, 1.5), Error);
}

TEST(Otsu, splits_two_values_in_the_middle) {
  std::vector<float> values(100, 0.0F);
  std::fill_n(values.begin(), 30, 10.0F);
  EXPECT_NEAR(otsu_threshold(values), 5, 0.05);
}

TEST(Otsu, of_two_gaussians_lies_between_them) {
  const Random random(9);
  std::vector<float> values;
  for (std::uint64_t n = 0; n < 20000; ++n) values.push_back(static_cast<float>(random.normal(n) + (n % 2 == 0 ? -4 : 4)));
  EXPECT_NEAR(otsu_threshold(values), 0, 0.2);
  EXPECT_EQ(otsu_threshold(values), otsu_threshold(values, 256, {}));
}

TEST(Otsu, equals_an_exhaustive_search) {
  // Six values on the middle of six bins: the best cut is found by hand from the definition.
  const std::vector<float> values{0, 0, 0, 1, 1, 2, 5, 5, 6, 6, 6, 6};
  double best = -1, cut = 0;
  for (double t = 0.5; t < 6; ++t) {
    double n0 = 0, n1 = 0, s0 = 0, s1 = 0;
    for (const float v : values) (v < t ? n0 : n1) += 1, (v < t ? s0 : s1) += v;
    const double variance = n0 * n1 * (s0 / n0 - s1 / n1) * (s0 / n0 - s1 / n1);
    if (variance > best) best = variance, cut = t;
  }
  const double found = otsu_threshold(values, 7);
  for (const float v : values) EXPECT_EQ(v > found, v > cut);
}

TEST(Otsu, ignores_what_is_not_finite_and_refuses_nothing) {
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_NEAR(otsu_threshold(std::vector<float>{0, 0, 10, 10, std::nanf(""), inf, -inf}), 5, 0.05);
  EXPECT_EQ(otsu_threshold(std::vector<float>{3, 3, 3}), 3);
  EXPECT_THROW(otsu_threshold(std::vector<float>{inf}), Error);
  EXPECT_THROW(otsu_threshold(std::vector<float>{1, 2}, 1), Error);
}

TEST(Overlap, of_shifted_boxes_is_known) {
  const Grid grid({40, 40, 40}, {1, 1, 2});
  const Mask a = box(grid, {10, 10, 10}, {20, 20, 20});
  const Mask b = box(grid, {12, 10, 10}, {22, 20, 20});
  const auto found = overlap(a, b, 1, {});
  EXPECT_DOUBLE_EQ(found.dice, 0.8);
  EXPECT_DOUBLE_EQ(found.jaccard, 800.0 / 1200);
  EXPECT_DOUBLE_EQ(found.volume_a_ml, 2);
  EXPECT_DOUBLE_EQ(found.volume_b_ml, 2);
  // The surface of a 10^3 box has 488 voxels, 100 of them on the face that is 2 mm from the other box; the 36 + 64 voxels around
  // x = 10 and 11 lie 2 or 1 mm off, the opposite face lies inside b, 1 or 2 mm from its surface.
  EXPECT_DOUBLE_EQ(found.hd95_mm, 2);
  EXPECT_GT(found.asd_mm, 0);
  EXPECT_LT(found.nsd, 1);
  EXPECT_DOUBLE_EQ(overlap(a, b, 2, {}).nsd, 1);
}

TEST(Overlap, of_two_parallel_plates_is_their_distance) {
  const Grid grid({20, 20, 20}, {1, 1, 1.5});
  const Mask a = box(grid, {0, 0, 4}, {20, 20, 5});
  const Mask b = box(grid, {0, 0, 8}, {20, 20, 9});
  const auto found = overlap(a, b, 5.9, {});
  EXPECT_DOUBLE_EQ(found.dice, 0);
  EXPECT_NEAR(found.hd95_mm, 6, 1e-5);
  EXPECT_NEAR(found.asd_mm, 6, 1e-5);
  EXPECT_EQ(found.nsd, 0);
  EXPECT_EQ(overlap(a, b, 6, {}).nsd, 1);
}

TEST(Overlap, of_itself_is_perfect) {
  const Mask a = box(Grid({9, 9, 1}), {2, 2, 0}, {7, 7, 1});
  const auto found = overlap(a, a, 0, {});
  EXPECT_EQ(found.dice, 1);
  EXPECT_EQ(found.hd95_mm, 0);
  EXPECT_EQ(found.asd_mm, 0);
  EXPECT_EQ(found.nsd, 1);
}

TEST(Overlap, in_one_slice_takes_the_outline_for_the_surface) {
  // Filled square against the same square with its middle missing: inner outline of the hole lies 3 voxels inside.
  const Grid grid({11, 11, 1});
  const Mask a = box(grid, {1, 1, 0}, {10, 10, 1});
  Mask b = box(grid, {1, 1, 0}, {10, 10, 1});
  b(5, 5, 0) = 0;
  const auto found = overlap(a, b, 0, {});
  // a: 32 outline voxels at distance 0; b: the same 32 and 4 around the hole at distance 3.
  EXPECT_NEAR(found.asd_mm, 12.0 / 68, 1e-6);
}

TEST(Overlap, of_empty_masks_is_stated) {
  const Grid grid({5, 5, 5});
  const Mask nothing(grid), something = box(grid, {1, 1, 1}, {3, 3, 3});
  EXPECT_EQ(overlap(nothing, nothing, 1, {}).dice, 1);
  EXPECT_TRUE(std::isnan(overlap(nothing, nothing, 1, {}).hd95_mm));
  EXPECT_EQ(overlap(nothing, something, 1, {}).dice, 0);
  EXPECT_TRUE(std::isnan(overlap(something, nothing, 1, {}).asd_mm));
}

TEST(Overlap, refuses_different_grids) {
  EXPECT_THROW(overlap(Mask(Grid({5, 5, 5})), Mask(Grid({5, 5, 5}, {1, 1, 2})), 1, {}), Error);
  EXPECT_THROW(overlap(Mask(Grid({5, 5, 5})), Mask(Grid({5, 5, 5})), -1, {}), Error);
}

}  // namespace
}  // namespace gantry::measure_test
