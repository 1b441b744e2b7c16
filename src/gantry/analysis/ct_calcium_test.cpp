// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_calcium.h"

#include <gtest/gtest.h>

#include "gantry/base/error.h"

namespace gantry::analysis::ct_calcium_test {
namespace {

/// Blood with cylinders along z.
struct Phantom {
  Grid grid;
  Voxels<float> hu;
  explicit Phantom(double step_mm = 3) : grid({120, 100, 12}, {0.5, 0.5, step_mm}), hu(grid) {
    std::fill(hu.values().begin(), hu.values().end(), 40.0F);
  }
  /// Returns the number of pixels of one slice of the cylinder.
  std::int64_t cylinder(double x, double y, double radius_px, std::int64_t first, std::int64_t last, float value) {
    std::int64_t pixels = 0;
    for (std::int64_t k = first; k <= last; ++k) {
      for (std::int64_t j = 0; j < grid.size(1); ++j) {
        for (std::int64_t i = 0; i < grid.size(0); ++i) {
          if (std::hypot(static_cast<double>(i) - x, static_cast<double>(j) - y) > radius_px) continue;
          hu[grid.index(i, j, k)] = value;
          pixels += k == first;
        }
      }
    }
    return pixels;
  }
  Image image() const { return Image(hu.clone()); }
  Mask everything() const {
    Mask mask(grid);
    std::fill(mask.values().begin(), mask.values().end(), std::uint8_t{1});
    return mask;
  }
};

TEST(Agatston, equals_the_hand_computation_on_four_cylinders) {
  gantry::Run run;
  Phantom phantom;
  double expected = 0;
  const float values[] = {150, 250, 350, 450};
  for (int n = 0; n < 4; ++n) {
    const std::int64_t pixels = phantom.cylinder(20 + 25.0 * n, 30, 3.2 + n, 2, 4 + n, values[n]);
    expected += static_cast<double>(pixels) * 0.25 * (n + 1) * (3 + n);  // mm2 x weight x slices
  }
  EXPECT_DOUBLE_EQ(agatston_score(phantom.image(), phantom.everything(), run), expected);
}

TEST(Agatston, weighs_a_lesion_by_its_maximum_in_each_slice) {
  gantry::Run run;
  Phantom phantom;
  const std::int64_t pixels = phantom.cylinder(60, 50, 5, 3, 6, 180);
  phantom.hu[phantom.grid.index(60, 50, 4)] = 401;
  const double area = 0.25 * static_cast<double>(pixels);
  EXPECT_DOUBLE_EQ(agatston_score(phantom.image(), phantom.everything(), run), area * (3 * 1 + 4));
}

TEST(Agatston, changes_weight_at_130_200_300_and_400) {
  gantry::Run run;
  const std::pair<float, int> steps[] = {{129, 0}, {130, 1}, {199, 1}, {200, 2}, {299, 2}, {300, 3}, {399, 3}, {400, 4}, {2000, 4}};
  for (const auto& [value, weight] : steps) {
    Phantom phantom;
    const std::int64_t pixels = phantom.cylinder(60, 50, 4, 5, 5, value);
    EXPECT_DOUBLE_EQ(agatston_score(phantom.image(), phantom.everything(), run), 0.25 * static_cast<double>(pixels) * weight) << value;
  }
}

TEST(Agatston, leaves_out_lesions_below_one_square_millimetre) {
  gantry::Run run;
  Phantom phantom;
  for (std::int64_t i = 40; i < 43; ++i) phantom.hu[phantom.grid.index(i, 50, 5)] = 500;  // 0.75 mm2
  EXPECT_EQ(agatston_score(phantom.image(), phantom.everything(), run), 0);
  phantom.hu[phantom.grid.index(43, 51, 5)] = 140;  // joined by a corner: 1 mm2 together
  EXPECT_DOUBLE_EQ(agatston_score(phantom.image(), phantom.everything(), run), 4);
}

TEST(Agatston, scales_with_the_distance_of_the_slices_to_three_millimetres) {
  gantry::Run run;
  Phantom three(3), thin(2.5);
  three.cylinder(60, 50, 6, 2, 7, 350);
  thin.cylinder(60, 50, 6, 2, 7, 350);
  EXPECT_NEAR(agatston_score(thin.image(), thin.everything(), run), agatston_score(three.image(), three.everything(), run) * 2.5 / 3, 1e-9);
}

TEST(Agatston, counts_under_the_mask_alone_and_refuses_another_grid) {
  gantry::Run run;
  Phantom phantom;
  phantom.cylinder(60, 50, 6, 2, 7, 350);
  EXPECT_EQ(agatston_score(phantom.image(), Mask(phantom.grid), run), 0);
  EXPECT_THROW(agatston_score(phantom.image(), Mask(Grid({120, 100, 11}, {0.5, 0.5, 3})), run), Error);
  const Image uneven(Voxels<float>(phantom.grid.with_slice_positions({0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 34})));
  EXPECT_THROW(agatston_score(uneven, phantom.everything(), run), Error);
}

TEST(Calcium, is_counted_inside_the_heart_and_not_where_it_reaches_out) {
  gantry::Run run;
  Phantom phantom;
  const std::int64_t inside = phantom.cylinder(60, 50, 4, 4, 6, 500);
  phantom.cylinder(95, 50, 9, 0, 11, 600);   // a vertebra that the mask grazes
  phantom.cylinder(20, 20, 3, 4, 6, 600);    // outside
  phantom.cylinder(50, 50, 0.5, 4, 4, 300);  // one pixel: 0.25 mm2
  Mask heart(phantom.grid);
  for (std::int64_t k = 1; k < 11; ++k) {
    for (std::int64_t j = 0; j < 100; ++j) {
      for (std::int64_t i = 0; i < 120; ++i) {
        heart[phantom.grid.index(i, j, k)] = std::hypot(static_cast<double>(i - 60), static_cast<double>(j - 50)) < 30;
      }
    }
  }
  const Calcium calcium = find_calcium(phantom.image(), heart, 40, 10, run);
  ASSERT_EQ(calcium.lesions.size(), 1U);
  const double volume = static_cast<double>(3 * inside) * 0.25 * 3 / 1000;
  EXPECT_NEAR(calcium.volume_ml, volume, 1e-9);
  EXPECT_EQ(calcium.lesions[0].peak_hu, 500);
  EXPECT_LT(norm(calcium.lesions[0].position_mm - Vec3{30, 25, 15}), 0.01);
  EXPECT_TRUE(find_calcium(phantom.image(), heart, 40, 150, run).lesions.empty());  // noise could have made it
  EXPECT_TRUE(find_calcium(phantom.image(), Mask(phantom.grid), 40, 10, run).lesions.empty());
}

TEST(CalciumProtocol, gives_a_score_for_native_axial_slices_of_3_mm_at_120_kv_alone) {
  const Grid axial({64, 64, 40}, {0.7, 0.7, 3});
  CtProtocol protocol;
  protocol.kvp = 120;
  protocol.slice_thickness_mm = 3;
  protocol.slice_spacing_mm = 3;
  EXPECT_TRUE(calcium_protocol(protocol, axial, 42, 12).score);
  const auto reason = [&](const CtProtocol& changed, const Grid& grid, double blood, double noise) {
    const CalciumProtocol result = calcium_protocol(changed, grid, blood, noise);
    EXPECT_FALSE(result.score);
    EXPECT_FALSE(result.score_reason.zh.empty());
    return result.score_reason.en;
  };
  CtProtocol other = protocol;
  other.kvp = 100;
  EXPECT_NE(reason(other, axial, 42, 12).find("100 kVp"), std::string::npos);
  EXPECT_TRUE(calcium_protocol(other, axial, 42, 12).volume);
  other.kvp.reset();
  EXPECT_NE(reason(other, axial, 42, 12).find("unknown"), std::string::npos);
  other = protocol;
  other.slice_thickness_mm = 1.25;
  EXPECT_NE(reason(other, axial, 42, 12).find("1.2"), std::string::npos);
  other = protocol;
  other.contrast = CtProtocol::Contrast::given;
  EXPECT_FALSE(calcium_protocol(other, axial, 42, 12).volume);
  EXPECT_NE(reason(protocol, axial, 210, 12).find("210 HU"), std::string::npos);
  EXPECT_NE(reason(protocol, axial, 42, 44).find("44 HU"), std::string::npos);
  const Grid coronal({64, 64, 40}, {0.7, 0.7, 3}, {}, Mat3{{Vec3{1, 0, 0}, Vec3{0, 0, 1}, Vec3{0, -1, 0}}});
  EXPECT_NE(reason(protocol, coronal, 42, 12).find("axial"), std::string::npos);
}

}  // namespace
}  // namespace gantry::analysis::ct_calcium_test
