// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/resample.h"

#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/base/random.h"

namespace gantry::resample_test {
namespace {

Mat3 rotation(double degrees, int axis) {
  const double c = std::cos(degrees * M_PI / 180), s = std::sin(degrees * M_PI / 180);
  Mat3 m;
  const int u = (axis + 1) % 3, v = (axis + 2) % 3;
  m.column[static_cast<std::size_t>(u)][u] = c;
  m.column[static_cast<std::size_t>(u)][v] = s;
  m.column[static_cast<std::size_t>(v)][u] = -s;
  m.column[static_cast<std::size_t>(v)][v] = c;
  return m;
}

/// 2 x - y + 3 z + 5 of the world at every voxel centre.
double plane(Vec3 world) { return 2 * world.x - world.y + 3 * world.z + 5; }
Voxels<float> ramp(const Grid& grid) {
  Voxels<float> image(grid);
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        image(i, j, k) =
            static_cast<float>(plane(grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)})));
      }
    }
  }
  return image;
}

Voxels<float> noise(const Grid& grid) {
  Voxels<float> image(grid);
  const Random random(3);
  for (std::int64_t n = 0; n < image.count(); ++n) image[n] = static_cast<float>(random.normal(static_cast<std::uint64_t>(n)));
  return image;
}

void expect_ramp_inside(const Voxels<float>& result, const Grid& source, double margin_voxels, double tolerance) {
  int inside = 0;
  const Grid& grid = result.grid();
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const Vec3 world = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        const Vec3 voxel = source.voxel_from_world(world);
        bool in = true, out = false;
        for (int axis = 0; axis < 3; ++axis) {
          in = in && voxel[axis] >= margin_voxels && voxel[axis] <= static_cast<double>(source.size(axis) - 1) - margin_voxels;
          out = out || voxel[axis] < -0.501 || voxel[axis] > static_cast<double>(source.size(axis)) - 0.499;
        }
        if (in) {
          EXPECT_NEAR(result(i, j, k), plane(world), tolerance);
        }
        if (out) {
          EXPECT_EQ(result(i, j, k), -77);
        }
        inside += in;
      }
    }
  }
  EXPECT_GT(inside, 100);
}

TEST(Resample, of_a_linear_ramp_is_exact_on_parallel_grids) {
  const Grid source({21, 17, 13}, {1, 1.5, 2}, {-10, 4, 7});
  const Grid target({40, 30, 30}, {0.7, 0.9, 1.1}, {-12, 3, 5});
  expect_ramp_inside(resample(ramp(source), target, Interpolation::linear, -77, {}), source, 0, 2e-4);
  expect_ramp_inside(resample(ramp(source), target, Interpolation::cubic, -77, {}), source, 5, 2e-2);
}

TEST(Resample, of_a_linear_ramp_is_exact_on_oblique_grids) {
  const Grid source({21, 25, 23}, {1, 1.1, 1.2}, {-10, 4, 7}, rotation(20, 0));
  const Grid target({30, 30, 30}, {0.9, 0.8, 1.1}, {-8, 3, 9}, rotation(-15, 2));
  expect_ramp_inside(resample(ramp(source), target, Interpolation::linear, -77, {}), source, 0, 2e-4);
  expect_ramp_inside(resample(ramp(source), target, Interpolation::cubic, -77, {}), source, 5, 2e-2);
}

TEST(Resample, swaps_and_flips_axes_exactly) {
  const Grid source({11, 12, 13}, {1, 1.5, 2}, {1, 2, 3});
  const Mat3 turned{{Vec3{0, 0, -1}, Vec3{1, 0, 0}, Vec3{0, -1, 0}}};
  const Grid target({13, 11, 12}, {2, 1, 1.5}, source.world_from_voxel({0, 11, 12}), turned);
  const auto image = noise(source);
  for (const Interpolation interpolation : {Interpolation::nearest, Interpolation::linear, Interpolation::cubic}) {
    const auto result = resample(image, target, interpolation, 0, {});
    for (std::int64_t k = 0; k < 12; ++k) {
      for (std::int64_t j = 0; j < 11; ++j) {
        for (std::int64_t i = 0; i < 13; ++i) EXPECT_NEAR(result(i, j, k), image(j, 11 - k, 12 - i), 1e-5);
      }
    }
  }
}

TEST(Resample, onto_its_own_grid_gives_the_same_values) {
  const Grid grid({19, 8, 33}, {0.7, 0.9, 2.3}, {5, -3, 8.1}, rotation(30, 1));
  auto image = noise(grid);
  const auto cubic = resample(image, grid, Interpolation::cubic, 0, {});
  for (std::int64_t n = 0; n < image.count(); ++n) EXPECT_NEAR(cubic[n], image[n], 2e-6 * 4);
  image(3, 3, 3) = std::nanf("");
  image(4, 4, 4) = std::numeric_limits<float>::infinity();
  const auto linear = resample(image, grid, Interpolation::linear, 0, {});
  for (std::int64_t n = 0; n < image.count(); ++n) {
    if (n == grid.index(3, 3, 3)) continue;
    EXPECT_EQ(linear[n], image[n]);
  }
  EXPECT_TRUE(std::isnan(linear(3, 3, 3)));
}

TEST(Resample, cubic_reproduces_a_smooth_wave) {
  const Grid source({40, 40, 40});
  const auto wave = [](Vec3 p) { return std::sin(0.5 * p.x) * std::cos(0.4 * p.y) + std::sin(0.3 * p.z); };
  Voxels<float> image(source);
  for (std::int64_t n = 0; n < image.count(); ++n) {
    image[n] = static_cast<float>(wave({static_cast<double>(n % 40), static_cast<double>(n / 40 % 40), static_cast<double>(n / 1600)}));
  }
  for (const Grid& target :
       {Grid({30, 30, 30}, {0.77, 0.8, 0.9}, {6.3, 6.1, 6.2}), Grid({20, 20, 20}, {0.7, 0.7, 0.7}, {12, 12, 12}, rotation(10, 2))}) {
    const auto result = resample(image, target, Interpolation::cubic, 0, {});
    double worst = 0;
    for (std::int64_t k = 0; k < target.size(2); ++k) {
      for (std::int64_t j = 0; j < target.size(1); ++j) {
        for (std::int64_t i = 0; i < target.size(0); ++i) {
          const Vec3 p = target.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
          worst = std::max(worst, std::abs(result(i, j, k) - wave(p)));
        }
      }
    }
    EXPECT_LT(worst, 1e-3);
  }
}

TEST(Resample, cubic_of_short_axes_passes_through_the_samples) {
  for (const Size3 size : {Size3{2, 3, 1}, Size3{1, 1, 1}, Size3{5, 24, 25}, Size3{26, 2, 2}}) {
    const auto image = noise(Grid(size));
    const auto same = resample(image, image.grid(), Interpolation::cubic, 0, {});
    for (std::int64_t n = 0; n < image.count(); ++n) EXPECT_NEAR(same[n], image[n], 1e-5);
  }
}

TEST(Resample, cubic_refuses_values_that_are_not_finite) {
  auto image = noise(Grid({5, 5, 5}));
  image(2, 2, 2) = std::nanf("");
  EXPECT_THROW(resample(image, image.grid(), Interpolation::cubic, 0, {}), Error);
}

TEST(Resample, honours_uneven_slices) {
  const Grid source = Grid({4, 4, 5}).with_slice_positions({0, 1, 3, 4, 8});
  const Grid target({4, 4, 16}, {1, 1, 0.5});
  const auto result = resample(ramp(source), target, Interpolation::linear, -77, {});
  for (std::int64_t k = 0; k < 16; ++k) EXPECT_NEAR(result(1, 2, k), plane({1, 2, 0.5 * static_cast<double>(k)}), 1e-4);
  const Grid tilted({4, 4, 8}, {0.5, 0.5, 0.7}, {1, 1, 0.5}, rotation(5, 0));
  expect_ramp_inside(resample(ramp(source), tilted, Interpolation::linear, -77, {}), source, 0, 1e-4);
}

TEST(Resample, nearest_labels_stay_labels) {
  Voxels<std::int16_t> labels(Grid({6, 6, 6}));
  for (std::int64_t n = 0; n < labels.count(); ++n) labels[n] = static_cast<std::int16_t>(n % 7 * 100);
  const Grid fine = with_spacing(labels.grid(), {0.5, 0.5, 0.5});
  const auto result = resample_labels<std::int16_t>(labels, fine, {});
  for (std::int64_t k = 0; k < 12; ++k) {
    for (std::int64_t j = 0; j < 12; ++j) {
      for (std::int64_t i = 0; i < 12; ++i) EXPECT_EQ(result(i, j, k), labels(i / 2, j / 2, k / 2));
    }
  }
}

TEST(WithSpacing, covers_the_same_box) {
  const Grid grid({10, 20, 30}, {1, 2, 3}, {5, 6, 7}, rotation(25, 2));
  const Grid other = with_spacing(grid, {2, 1, 1.5});
  EXPECT_EQ(other.size(), (Size3{5, 40, 60}));
  const Vec3 corner = grid.world_from_voxel({-0.5, -0.5, -0.5});
  EXPECT_NEAR(norm(corner - other.world_from_voxel({-0.5, -0.5, -0.5})), 0, 1e-9);
  const Vec3 far = grid.world_from_voxel({9.5, 19.5, 29.5});
  EXPECT_NEAR(norm(far - other.world_from_voxel({4.5, 39.5, 59.5})), 0, 1e-9);
  EXPECT_EQ(with_spacing(grid, {100, 100, 100}).size(), (Size3{1, 1, 1}));
  EXPECT_THROW(with_spacing(grid, {0, 1, 1}), Error);
  EXPECT_THROW(with_spacing(grid, {1e-9, 1, 1}), Error);
}

TEST(Canonical, runs_to_left_posterior_head_and_back) {
  // Every order and sign of axes, a little tilted.
  std::array<int, 3> order{0, 1, 2};
  do {
    for (int signs = 0; signs < 8; ++signs) {
      Mat3 direction;
      for (std::size_t a = 0; a < 3; ++a) {
        Vec3 axis;
        axis[order[a]] = (signs >> a & 1) ? -1 : 1;
        direction.column[a] = axis;
      }
      direction = rotation(8, 0) * direction;
      const Grid grid({4, 5, 6}, {1, 2, 3}, {-7, 3, 11}, direction);
      const auto image = noise(grid);
      const auto canonical = to_canonical<float>(image);
      EXPECT_EQ(canonical.grid().orientation(), "LPS");
      EXPECT_TRUE(canonical.grid().same_space(canonical_grid(grid)));
      const Vec3 somewhere = grid.world_from_voxel({1, 3, 4});
      const Vec3 voxel = canonical.grid().voxel_from_world(somewhere);
      EXPECT_EQ(canonical(std::llround(voxel.x), std::llround(voxel.y), std::llround(voxel.z)), image(1, 3, 4));
      const auto back = from_canonical<float>(canonical, grid);
      EXPECT_TRUE(std::ranges::equal(back.values(), image.values()));
      EXPECT_EQ(back.grid(), grid);
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Canonical, keeps_components_and_frames_together) {
  const Grid grid({2, 3, 2}, {1, 1, 1}, {}, {{Vec3{0, 1, 0}, Vec3{-1, 0, 0}, Vec3{0, 0, 1}}});
  Voxels<std::uint8_t> image(grid, 0, 3, 2);
  for (std::int64_t n = 0; n < image.count(); ++n) image[n] = static_cast<std::uint8_t>(n);
  const auto canonical = to_canonical<std::uint8_t>(image);
  EXPECT_EQ(canonical[1] + 1, canonical[2]);
  EXPECT_EQ(canonical[canonical.count() / 2], canonical[0] + 36);
  const auto back = from_canonical<std::uint8_t>(canonical, grid);
  EXPECT_TRUE(std::ranges::equal(back.values(), image.values()));
}

TEST(Canonical, keeps_uneven_slices_in_place) {
  const Grid grid = Grid({2, 2, 3}, {1, 1, 1}, {0, 0, 9}, {{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, -1}}}).with_slice_positions({0, 1, 5});
  const Grid canonical = canonical_grid(grid);
  EXPECT_EQ(canonical.orientation(), "LPS");
  EXPECT_NEAR(canonical.world_from_voxel({0, 0, 0}).z, 4, 1e-12);
  EXPECT_NEAR(canonical.world_from_voxel({0, 0, 1}).z, 8, 1e-12);
  const Grid sagittal = Grid({2, 2, 3}, {1, 1, 1}, {}, {{Vec3{0, 1, 0}, Vec3{0, 0, 1}, Vec3{1, 0, 0}}}).with_slice_positions({0, 1, 5});
  EXPECT_THROW(canonical_grid(sagittal), Error);
}

TEST(Crop, takes_the_box_where_it_lies) {
  const Grid grid({6, 7, 8}, {1, 2, 3}, {4, 5, 6});
  const auto image = ramp(grid);
  const auto part = crop<float>(image, {1, 2, 3}, {3, 4, 2});
  EXPECT_EQ(part(2, 3, 1), image(3, 5, 4));
  EXPECT_NEAR(part(0, 0, 0), plane(part.grid().origin_mm()), 1e-4);
  EXPECT_THROW(crop<float>(image, {4, 0, 0}, {3, 1, 1}), Error);
}

TEST(Shrink, averages_blocks_and_keeps_a_ramp_in_place) {
  const Grid grid({8, 9, 6}, {1, 2, 3}, {4, 5, 6});
  const auto small = shrink(ramp(grid), {2, 3, 2}, {});
  EXPECT_EQ(small.grid().size(), (Size3{4, 3, 3}));
  for (std::int64_t k = 0; k < 3; ++k) {
    for (std::int64_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(small(i, 1, k), plane(small.grid().world_from_voxel({static_cast<double>(i), 1, static_cast<double>(k)})), 1e-4);
    }
  }
  const auto odd = shrink(ramp(Grid({5, 1, 1})), {2, 4, 1}, {});
  EXPECT_EQ(odd.grid().size(), (Size3{3, 1, 1}));
  EXPECT_NEAR(odd(2, 0, 0), 13, 1e-6);
}

}  // namespace
}  // namespace gantry::resample_test
