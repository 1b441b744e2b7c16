// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/morphology.h"

#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/base/random.h"

namespace gantry::morphology_test {
namespace {

Mask random_mask(const Grid& grid, double share, std::uint64_t seed) {
  Mask mask(grid);
  const Random random(seed);
  for (std::int64_t n = 0; n < mask.count(); ++n) mask[n] = random.uniform(static_cast<std::uint64_t>(n)) < share ? 1 : 0;
  return mask;
}

std::int64_t voxels(const Mask& mask) {
  return std::count_if(mask.values().begin(), mask.values().end(), [](auto v) { return v != 0; });
}

/// Labels by flood fill, numbered as the contract says.
std::vector<int> flood(const Mask& mask, int connectivity) {
  const auto [ni, nj, nk] = mask.grid().size();
  std::vector<int> label(static_cast<std::size_t>(mask.count()));
  std::vector<std::pair<std::int64_t, int>> sizes;
  int next = 0;
  for (std::int64_t start = 0; start < mask.count(); ++start) {
    if (mask[start] == 0 || label[static_cast<std::size_t>(start)] != 0) continue;
    ++next;
    std::int64_t size = 0;
    std::vector<std::int64_t> stack{start};
    label[static_cast<std::size_t>(start)] = next;
    while (!stack.empty()) {
      const std::int64_t n = stack.back();
      stack.pop_back();
      ++size;
      for (int c = -1; c <= 1; ++c) {
        for (int b = -1; b <= 1; ++b) {
          for (int a = -1; a <= 1; ++a) {
            const int steps = std::abs(a) + std::abs(b) + std::abs(c);
            if (steps == 0 || steps > (connectivity == 6 ? 1 : connectivity == 18 ? 2 : 3)) continue;
            const std::int64_t i = n % ni + a, j = n / ni % nj + b, k = n / ni / nj + c;
            if (i < 0 || j < 0 || k < 0 || i >= ni || j >= nj || k >= nk) continue;
            const std::int64_t m = mask.grid().index(i, j, k);
            if (mask[m] == 0 || label[static_cast<std::size_t>(m)] != 0) continue;
            label[static_cast<std::size_t>(m)] = next;
            stack.push_back(m);
          }
        }
      }
    }
    sizes.emplace_back(-size, next);
  }
  std::sort(sizes.begin(), sizes.end());
  std::vector<int> rank(static_cast<std::size_t>(next) + 1);
  for (std::size_t n = 0; n < sizes.size(); ++n) rank[static_cast<std::size_t>(sizes[n].second)] = static_cast<int>(n) + 1;
  for (int& value : label) value = rank[static_cast<std::size_t>(value)];
  return label;
}

TEST(ConnectedComponents, equal_a_flood_fill) {
  for (const Size3 size : {Size3{33, 20, 40}, Size3{1, 1, 9}, Size3{70, 1, 1}, Size3{9, 30, 1}}) {
    for (const double share : {0.1, 0.3, 0.6}) {
      const Mask mask = random_mask(Grid(size), share, 11);
      for (const Connectivity connectivity : {Connectivity::faces, Connectivity::edges, Connectivity::corners}) {
        const auto found = connected_components(mask, connectivity, {});
        const auto expected = flood(mask, static_cast<int>(connectivity));
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), found.labels.values().begin()));
        const int highest = expected.empty() ? 0 : *std::max_element(expected.begin(), expected.end());
        EXPECT_EQ(static_cast<int>(found.items.size()), highest);
      }
    }
  }
}

TEST(ConnectedComponents, describe_their_boxes) {
  Mask mask(Grid({20, 20, 20}));
  for (int k = 3; k < 6; ++k) {
    for (int j = 4; j < 9; ++j) {
      for (int i = 5; i < 7; ++i) mask(i, j, k) = 1;
    }
  }
  mask(0, 15, 10) = 200;
  const auto found = connected_components(mask, Connectivity::corners, {});
  ASSERT_EQ(found.items.size(), 2U);
  EXPECT_EQ(found.items[0].voxels, 30);
  EXPECT_EQ(found.items[0].begin, (std::array<std::int64_t, 3>{5, 4, 3}));
  EXPECT_EQ(found.items[0].end, (std::array<std::int64_t, 3>{7, 9, 6}));
  EXPECT_EQ(found.items[0].centroid_voxel, (Vec3{5.5, 6, 4}));
  EXPECT_FALSE(found.items[0].touches_border);
  EXPECT_TRUE(found.items[1].touches_border);
  EXPECT_EQ(found.labels(0, 15, 10), 2);
}

TEST(LargestComponent, keeps_one_and_an_empty_mask_stays_empty) {
  Mask mask(Grid({10, 10, 10}));
  EXPECT_EQ(voxels(largest_component(mask, Connectivity::faces, {})), 0);
  mask(1, 1, 1) = 1;
  mask(5, 5, 5) = mask(5, 5, 6) = 1;
  const Mask largest = largest_component(mask, Connectivity::faces, {});
  EXPECT_EQ(voxels(largest), 2);
  EXPECT_EQ(largest(5, 5, 6), 1);
}

TEST(FillHoles, fills_a_shell_but_not_an_open_cup) {
  Mask mask(Grid({12, 12, 12}));
  for (int k = 2; k < 9; ++k) {
    for (int j = 2; j < 9; ++j) {
      for (int i = 2; i < 9; ++i) mask(i, j, k) = i == 2 || i == 8 || j == 2 || j == 8 || k == 2 || k == 8;
    }
  }
  EXPECT_EQ(voxels(fill_holes(mask, false, {})), 7 * 7 * 7);
  mask(5, 5, 8) = 0;  // opened to one side
  EXPECT_EQ(voxels(fill_holes(mask, false, {})), voxels(mask));
  const Mask per_slice = fill_holes(mask, true, {});
  EXPECT_EQ(voxels(per_slice), 7 * 7 * 7);  // each slice is a closed ring or a plate with a hole
}

TEST(FillHoles, of_one_slice_per_slice_and_as_a_volume) {
  Mask mask(Grid({5, 5, 1}), 1);
  mask(2, 2, 0) = 0;
  EXPECT_EQ(voxels(fill_holes(mask, true, {})), 25);
  EXPECT_EQ(voxels(fill_holes(mask, false, {})), 24);  // the hole lies on the border of the volume
}

TEST(Distance, equals_brute_force) {
  for (const Size3 size : {Size3{17, 12, 9}, Size3{1, 1, 1}, Size3{40, 1, 1}, Size3{1, 3, 40}, Size3{18, 33, 1}}) {
    const Grid grid(size, {0.7, 1.3, 2.1});
    for (const double share : {0.01, 0.3}) {
      Mask mask = random_mask(grid, share, 4);
      mask(0, 0, 0) = 1;
      const auto found = distance(mask, {});
      for (std::int64_t n = 0; n < mask.count(); ++n) {
        double best = std::numeric_limits<double>::infinity();
        for (std::int64_t m = 0; m < mask.count(); ++m) {
          if (mask[m] == 0) continue;
          const double x = 0.7 * static_cast<double>(n % size[0] - m % size[0]);
          const double y = 1.3 * static_cast<double>(n / size[0] % size[1] - m / size[0] % size[1]);
          const double z = 2.1 * static_cast<double>(n / size[0] / size[1] - m / size[0] / size[1]);
          best = std::min(best, x * x + y * y + z * z);
        }
        ASSERT_NEAR(found[n], std::sqrt(best), 2e-6 * (1 + std::sqrt(best)));
      }
    }
  }
}

TEST(Distance, to_one_far_voxel_is_the_closed_form) {
  const Grid grid({120, 130, 140}, {1, 1, 0.5});
  Mask mask(grid);
  mask(3, 7, 11) = 1;
  const auto found = distance(mask, {});
  for (const Size3 at : {Size3{119, 129, 139}, Size3{0, 0, 0}, Size3{3, 7, 139}, Size3{60, 70, 80}}) {
    const double x = static_cast<double>(at[0] - 3), y = static_cast<double>(at[1] - 7), z = 0.5 * static_cast<double>(at[2] - 11);
    EXPECT_NEAR(found(at[0], at[1], at[2]), std::sqrt(x * x + y * y + z * z), 2e-5);
  }
}

TEST(Distance, honours_uneven_slices_and_an_empty_mask) {
  const Grid grid = Grid({2, 2, 4}).with_slice_positions({0, 1, 4, 9});
  Mask mask(grid);
  const auto nowhere = distance(mask, {});
  for (const float value : nowhere.values()) EXPECT_TRUE(std::isinf(value));
  mask(0, 0, 1) = 1;
  const auto found = distance(mask, {});
  EXPECT_FLOAT_EQ(found(0, 0, 0), 1);
  EXPECT_FLOAT_EQ(found(0, 0, 2), 3);
  EXPECT_FLOAT_EQ(found(0, 1, 3), std::sqrt(65.0F));
}

TEST(Dilate, of_one_voxel_is_the_ball) {
  const Grid grid({61, 61, 61}, {1, 1, 1});
  Mask mask(grid);
  mask(30, 30, 30) = 1;
  const Mask ball3 = dilate(mask, 3, {});
  EXPECT_EQ(voxels(ball3), 123);
  // Points of the integer lattice in a ball of radius n (OEIS A000605).
  EXPECT_EQ(voxels(dilate(mask, 12, {})), 7153);
  EXPECT_EQ(voxels(dilate(mask, 25, {})), 65267);
}

TEST(Dilate, by_zero_changes_nothing) {
  const Mask mask = random_mask(Grid({20, 20, 5}), 0.3, 8);
  EXPECT_TRUE(std::ranges::equal(dilate(mask, 0, {}).values(), mask.values()));
  EXPECT_TRUE(std::ranges::equal(erode(mask, 0, {}).values(), mask.values()));
}

TEST(Morphology, equals_its_definition_by_brute_force) {
  const Grid grid({19, 17, 11}, {0.8, 1.0, 1.7});
  const Mask mask = random_mask(grid, 0.1, 6);
  const auto [ni, nj, nk] = grid.size();
  for (const double radius : {0.9, 1.7, 2.5, 4.0}) {
    const Mask grown = dilate(mask, radius, {});
    const Mask shrunk = erode(mask, radius, {});
    for (std::int64_t n = 0; n < mask.count(); ++n) {
      bool near_one = false, near_zero = false;
      for (std::int64_t m = 0; m < mask.count(); ++m) {
        const double x = 0.8 * static_cast<double>(n % ni - m % ni), y = static_cast<double>(n / ni % nj - m / ni % nj);
        const double z = 1.7 * static_cast<double>(n / ni / nj - m / ni / nj);
        if (x * x + y * y + z * z > radius * radius * (1 + 1e-7)) continue;
        near_one = near_one || mask[m] != 0;
        near_zero = near_zero || mask[m] == 0;
      }
      ASSERT_EQ(grown[n] != 0, near_one);
      ASSERT_EQ(shrunk[n] != 0, !near_zero);
    }
  }
}

TEST(Open, removes_a_speck_and_keeps_a_ball) {
  Mask mask(Grid({40, 40, 40}));
  mask(5, 5, 5) = 1;
  Mask centre(mask.grid());
  centre(22, 22, 22) = 1;
  const Mask ball = dilate(dilate(centre, 5, {}), 3, {});  // what was dilated by a ball is open for it
  for (std::int64_t n = 0; n < mask.count(); ++n) mask[n] |= ball[n];
  EXPECT_TRUE(std::ranges::equal(open(mask, 3, {}).values(), ball.values()));
}

TEST(Close, fills_a_gap_and_does_not_stick_to_the_border) {
  Mask mask(Grid({30, 30, 30}));
  for (int k = 10; k < 20; ++k) {
    for (int j = 10; j < 20; ++j) {
      for (int i = 2; i < 28; ++i) mask(i, j, k) = i != 15;
    }
  }
  const Mask closed = close(mask, 2.5, {});
  EXPECT_EQ(closed(15, 15, 15), 1);
  EXPECT_EQ(closed(0, 15, 15), 0);
  EXPECT_EQ(closed(1, 15, 15), 0);
  for (std::int64_t n = 0; n < mask.count(); ++n) EXPECT_GE(closed[n], mask[n]);
}

TEST(Close, works_on_one_slice_and_on_uneven_slices) {
  Mask slice(Grid({30, 30, 1}));
  for (int i = 5; i < 25; ++i) slice(i, 14, 0) = slice(i, 15, 0) = slice(i, 16, 0) = i != 12;
  EXPECT_EQ(close(slice, 1, {})(12, 15, 0), 1);
  Mask stack(Grid({9, 9, 4}).with_slice_positions({0, 1, 2, 5}), 1);
  EXPECT_TRUE(std::ranges::equal(close(stack, 2, {}).values(), stack.values()));
}

TEST(Morphology, refuses_radii_that_are_none) {
  const Mask mask(Grid({4, 4, 4}));
  for (const double radius : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(dilate(mask, radius, {}), Error);
    EXPECT_THROW(close(mask, radius, {}), Error);
  }
  EXPECT_THROW(distance(Mask(Grid({2, 2, 2}), 0, 2), {}), Error);
}

}  // namespace
}  // namespace gantry::morphology_test
