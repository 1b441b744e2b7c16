// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_nodules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "gantry/base/random.h"

namespace gantry::analysis::ct_nodules_test {
namespace {

constexpr double lung_hu = -850, tissue_hu = 40;

/// Signed distance in mm to a structure of soft tissue, negative inside.
using Field = std::function<double(Vec3)>;

Field ball(Vec3 centre, double diameter_mm) {
  return [=](Vec3 p) { return norm(p - centre) - 0.5 * diameter_mm; };
}

Field tube(Vec3 through, Vec3 direction, double diameter_mm) {
  const Vec3 u = normalized(direction);
  return [=](Vec3 p) {
    const Vec3 d = p - through;
    return norm(d - dot(d, u) * u) - 0.5 * diameter_mm;
  };
}

/// A block of lung of 96 mm in soft tissue with `structures` in it, averaged over each voxel and slice, with noise of 15 HU.
struct Chest {
  Image image;
  WorkingVolume working;
  Lungs lungs;

  Chest(double slice_mm, const std::vector<Field>& structures, double hu = tissue_hu) {
    const double pixel = 1.2;
    const auto slices = static_cast<std::int64_t>(std::lround(120 / slice_mm));
    const Grid grid({100, 100, slices}, {pixel, pixel, slice_mm}, {-59.4, -59.4, -0.5 * slice_mm * static_cast<double>(slices - 1)});
    auto voxels = Voxels<float>::uninitialized(grid);
    lungs.side = Voxels<std::uint8_t>(grid);
    Random random(7, 1);
    const int parts_z = std::max(2, static_cast<int>(std::lround(slice_mm / 0.6)));
    for (std::int64_t k = 0; k < slices; ++k) {
      for (std::int64_t j = 0; j < 100; ++j) {
        for (std::int64_t i = 0; i < 100; ++i) {
          const Vec3 p = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
          const bool lung = std::max({std::abs(p.x), std::abs(p.y), std::abs(p.z)}) < 48;
          double share = 0;
          for (int z = 0; z < parts_z; ++z) {
            const Vec3 q{p.x, p.y, p.z + slice_mm * ((z + 0.5) / parts_z - 0.5)};
            double field = 10;
            for (const Field& structure : structures) field = std::min(field, structure(q));
            share += std::clamp(0.5 - field / pixel, 0.0, 1.0) / parts_z;
          }
          const std::int64_t n = grid.index(i, j, k);
          voxels[n] = static_cast<float>((lung ? lung_hu + share * (hu - lung_hu) : tissue_hu) + 15 * random.next_normal());
          lungs.side[n] = lung && share < 0.5 ? 2 : 0;
        }
      }
    }
    working.hu = voxels.clone();
    working.padding = Mask(grid);
    lungs.air_filled = Mask(grid);
    lungs.right = true;
    image = Image(std::move(voxels));
  }

  std::vector<Nodule> found(const NoduleSearch& search = {}) const {
    gantry::Run run;
    return find_nodules(image, working, lungs, search, run);
  }
};

TEST(Nodules, a_ball_is_found_with_its_diameter_and_volume) {
  for (const double diameter : {6.0, 9.0, 14.0}) {
    const auto found = Chest(1.25, {ball({5, -8, 3}, diameter)}).found();
    ASSERT_EQ(found.size(), 1U) << diameter;
    EXPECT_LT(norm(found[0].position_mm - Vec3{5, -8, 3}), 0.6);
    EXPECT_NEAR(found[0].mean_mm, diameter, 0.5);
    EXPECT_NEAR(found[0].equivalent_mm(), diameter, 0.5);
    EXPECT_EQ(found[0].density, NoduleDensity::solid);
    EXPECT_EQ(found[0].side, 2);
  }
}

TEST(Nodules, a_vessel_that_leaves_a_nodule_does_not_widen_it) {
  const auto found = Chest(1.25, {ball({0, 0, 0}, 10), tube({0, 0, 0}, {1, 0.3, 0.2}, 3)}).found();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].mean_mm, 10, 0.7);
}

TEST(Nodules, a_nodule_on_the_pleura_is_found_and_said_to_touch_it) {
  const auto found = Chest(1.25, {ball({44.5, 6, -10}, 9)}).found();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].touches_pleura);
  EXPECT_NEAR(found[0].mean_mm, 9, 1.0);
}

TEST(Nodules, vessels_are_none_even_where_thick_slices_break_them_into_beads) {
  std::vector<Field> vessels;
  for (int n = 0; n < 9; ++n) {
    const double angle = 0.7 * n, tilt = 0.15 + 0.1 * n;
    vessels.push_back(tube({-32.0 + 8 * n, 30 * std::sin(2.1 * n), 0}, {std::cos(angle), std::sin(angle), tilt}, 2.4 + 0.35 * n));
  }
  for (const double slice_mm : {1.25, 4.5}) {
    const auto found = Chest(slice_mm, vessels).found();
    // Real vessels thin out before they reach the pleura; the ends of these, at the border of the block, are no vessels.
    const auto free = std::count_if(found.begin(), found.end(), [](const Nodule& nodule) {
      const Vec3 p = nodule.position_mm;
      return std::max({std::abs(p.x), std::abs(p.y), std::abs(p.z)}) < 40;
    });
    EXPECT_EQ(free, 0) << slice_mm;
  }
}

TEST(Nodules, a_solid_nodule_of_seven_millimetres_is_found_on_thick_slices) {
  for (const double beside_mm : {0.0, 1.0, 2.0}) {  // from its centre to that of the nearest slice, 2 mm above the origin
    const auto found = Chest(4.0, {ball({-10, 12, 2 - beside_mm}, 7)}).found();
    ASSERT_EQ(found.size(), 1U) << beside_mm;
    EXPECT_GT(found[0].mean_mm, 2 * std::sqrt(3.5 * 3.5 - beside_mm * beside_mm) - 0.8);
    EXPECT_LT(found[0].mean_mm, 7.8);
  }
}

TEST(Nodules, ground_glass_is_told_from_solid) {
  const auto found = Chest(1.25, {ball({0, 10, 0}, 12)}, -600).found();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].density, NoduleDensity::ground_glass);
  EXPECT_NEAR(found[0].mean_mm, 12, 1.0);
}

TEST(Nodules, thick_slices_raise_what_is_looked_for) {
  const NoduleSearch search = search_on_slices({}, 5);
  EXPECT_DOUBLE_EQ(search.minimum_mm, 6);
  EXPECT_DOUBLE_EQ(search.ground_glass_minimum_mm, 11);
  EXPECT_DOUBLE_EQ(search_on_slices({}, 1).minimum_mm, NoduleSearch{}.minimum_mm);
}

}  // namespace
}  // namespace gantry::analysis::ct_nodules_test
