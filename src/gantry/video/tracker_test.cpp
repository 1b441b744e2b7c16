// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/video/tracker.h"

#include <gtest/gtest.h>

#include <numbers>

#include "gantry/base/random.h"

namespace gantry::tracker_test {
namespace {

constexpr int side = 160;

/// A smooth texture of 30 waves of 9 to 50 pixels, moved by (di, dj) pixels; another one for another seed.
std::vector<float> texture(double di, double dj, double gain = 1, double offset = 0, std::uint64_t seed = 1) {
  const Random random(seed);
  std::vector<float> plane(side * side);
  for (std::uint64_t wave = 0; wave < 30; ++wave) {
    const double k = 2 * std::numbers::pi / (9 + 41 * random.uniform(3 * wave)),
                 angle = 2 * std::numbers::pi * random.uniform(3 * wave + 1);
    const double kx = k * std::cos(angle), ky = k * std::sin(angle), phase = 2 * std::numbers::pi * random.uniform(3 * wave + 2);
    for (int j = 0; j < side; ++j) {
      for (int i = 0; i < side; ++i)
        plane[static_cast<std::size_t>(j * side + i)] += static_cast<float>(gain * std::cos(kx * (i - di) + ky * (j - dj) + phase));
    }
  }
  for (float& v : plane) v += static_cast<float>(offset);
  return plane;
}

PlanePyramid plane_of(const std::vector<float>& values, int levels = 3) { return pyramid_of(values, side, side, levels); }

TEST(PatchMatch, finds_shifts_of_parts_of_a_pixel_to_a_hundredth) {
  const PlanePyramid first = plane_of(texture(0, 0));
  for (const auto& [di, dj] : std::vector<std::pair<double, double>>{{0, 0}, {0.3, -0.7}, {2.4, 1.6}, {-5.5, 7.25}}) {
    const PatchMatch match = match_patch(first, {60, 60}, plane_of(texture(di, dj)), {60, 60}, 3, {});
    ASSERT_TRUE(match.found) << di << " " << dj;
    EXPECT_NEAR(match.at.i, 60 + di, 0.01) << di << " " << dj;
    EXPECT_NEAR(match.at.j, 60 + dj, 0.01) << di << " " << dj;
    EXPECT_GT(match.correlation, 0.999);
  }
}

TEST(PatchMatch, asks_neither_for_the_same_brightness_nor_for_whole_starting_points) {
  const PlanePyramid first = plane_of(texture(0, 0)), second = plane_of(texture(1.3, -0.8, 1.1, 40));
  const PatchMatch match = match_patch(first, {50.4, 61.7}, second, {50.4, 61.7}, 3, {});
  ASSERT_TRUE(match.found);
  EXPECT_NEAR(match.at.i, 51.7, 0.03);
  EXPECT_NEAR(match.at.j, 60.9, 0.03);
}

TEST(PatchMatch, finds_nothing_where_there_is_no_texture_or_one_in_one_direction) {
  std::vector<float> flat(side * side, 3.0F), stripes(side * side), broken(side * side, NAN);
  for (int n = 0; n < side * side; ++n) stripes[static_cast<std::size_t>(n)] = static_cast<float>(std::sin(0.5 * (n % side)));
  for (const auto& values : {flat, stripes, broken}) {
    const PlanePyramid plane = plane_of(values);
    EXPECT_FALSE(match_patch(plane, {60, 60}, plane, {60, 60}, 3, {}).found);
  }
  // Another texture than before.
  EXPECT_FALSE(match_patch(plane_of(texture(0, 0)), {60, 60}, plane_of(texture(0, 0, 1, 0, 2)), {60, 60}, 3, {}).found);
}

TEST(TrackPoints, does_not_drift_over_many_small_steps) {
  // 30 steps along a circle of 6 pixels and back to the start.
  const int frames = 31;
  const auto place = [](int n) {
    const double angle = 2 * std::numbers::pi * n / 30;
    return PixelPoint{6 * std::sin(angle), 6 - 6 * std::cos(angle)};
  };
  gantry::Run run;
  const auto tracks = track_points(
      {{40, 40}, {70, 55}}, frames, [&](int n) { return plane_of(texture(place(n).i, place(n).j)); }, {}, run);
  for (const PointTrack& track : tracks) {
    ASSERT_EQ(track.at.size(), 31U);
    for (int n = 0; n < frames; ++n) {
      const auto t = static_cast<std::size_t>(n);
      EXPECT_NEAR(track.at[t].i, track.at[0].i + place(n).i, 0.02) << n;
      EXPECT_NEAR(track.at[t].j, track.at[0].j + place(n).j, 0.02) << n;
    }
  }
}

TEST(AffinePatch, finds_the_map_that_turns_and_stretches_its_surroundings) {
  const std::vector<float> source = texture(0, 0);
  const std::array<double, 4> map{1.08, -0.1, 0.06, 0.93};
  // The plane in which the point (80, 80) with its surroundings lies at (82.4, 78.7), mapped; between pixels by the waves themselves.
  const double determinant = map[0] * map[3] - map[1] * map[2];
  const Random random(1);
  std::vector<float> mapped(side * side);
  for (std::uint64_t wave = 0; wave < 30; ++wave) {
    const double k = 2 * std::numbers::pi / (9 + 41 * random.uniform(3 * wave)),
                 angle = 2 * std::numbers::pi * random.uniform(3 * wave + 1);
    const double kx = k * std::cos(angle), ky = k * std::sin(angle), phase = 2 * std::numbers::pi * random.uniform(3 * wave + 2);
    for (int j = 0; j < side; ++j) {
      for (int i = 0; i < side; ++i) {
        const double x = i - 82.4, y = j - 78.7;
        const double u = 80 + (map[3] * x - map[1] * y) / determinant, v = 80 + (-map[2] * x + map[0] * y) / determinant;
        mapped[static_cast<std::size_t>(j * side + i)] += static_cast<float>(std::cos(kx * u + ky * v + phase));
      }
    }
  }
  const AffinePatch patch(plane_of(source, 1), {80, 80}, 21);
  const AffineMatch found = patch.match(plane_of(mapped, 1), {{{81.8, 79.3}, 0, false}, {1, 0, 0, 1}}, {});
  ASSERT_TRUE(found.match.found);
  EXPECT_NEAR(found.match.at.i, 82.4, 0.02);
  EXPECT_NEAR(found.match.at.j, 78.7, 0.02);
  for (std::size_t n = 0; n < 4; ++n) EXPECT_NEAR(found.linear[n], map[n], 0.01) << n;
}

TEST(TrackPoints, ends_a_track_where_the_pattern_is_gone) {
  const std::vector<float> blank(side * side, 1.0F);
  gantry::Run run;
  const auto tracks = track_points(
      {{60, 60}}, 6, [&](int n) { return plane_of(n < 3 ? texture(0.5 * n, 0) : blank); }, {}, run);
  EXPECT_EQ(tracks[0].at.size(), 3U);
}

TEST(TexturedPoints, are_corners_apart_from_each_other_and_none_in_a_flat_plane) {
  // Two bright squares: their corners carry texture in both directions, their edges in one.
  std::vector<float> plane(side * side, 0.0F);
  for (int j = 30; j < 90; ++j) {
    for (int i = 30; i < 90; ++i) plane[static_cast<std::size_t>(j * side + i)] = 100;
  }
  gantry::Run run;
  const auto points = textured_points(plane_of(plane, 1), 4, 11, run);
  ASSERT_EQ(points.size(), 4U);
  for (const PixelPoint& p : points) {
    EXPECT_LT(std::min(std::abs(p.i - 29.5), std::abs(p.i - 89.5)), 6);
    EXPECT_LT(std::min(std::abs(p.j - 29.5), std::abs(p.j - 89.5)), 6);
  }
  EXPECT_TRUE(textured_points(plane_of(std::vector<float>(side * side, 7.0F), 1), 4, 11, run).empty());
}

}  // namespace
}  // namespace gantry::tracker_test
