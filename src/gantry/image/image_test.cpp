// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/image.h"

#include <gtest/gtest.h>

#include "gantry/base/error.h"
#include "gantry/image/labels.h"
#include "gantry/image/transform.h"

namespace gantry::image_test {
namespace {

Grid oblique() {
  const double c = std::cos(0.3), s = std::sin(0.3);
  return Grid({5, 6, 7}, {0.5, 0.75, 2}, {10, -20, 30}, Mat3{{Vec3{c, s, 0}, Vec3{-s, c, 0}, Vec3{0, 0, 1}}});
}

TEST(Grid, maps_voxels_to_world_and_back) {
  const Grid grid = oblique();
  const Vec3 world = grid.world_from_voxel({1, 2, 3});
  const double c = std::cos(0.3), s = std::sin(0.3);
  EXPECT_NEAR(world.x, 10 + 0.5 * c - 1.5 * s, 1e-12);
  EXPECT_NEAR(world.y, -20 + 0.5 * s + 1.5 * c, 1e-12);
  EXPECT_NEAR(world.z, 36, 1e-12);
  const Vec3 voxel = grid.voxel_from_world(world);
  EXPECT_NEAR(voxel.x, 1, 1e-12);
  EXPECT_NEAR(voxel.y, 2, 1e-12);
  EXPECT_NEAR(voxel.z, 3, 1e-12);
  EXPECT_NEAR(grid.voxel_volume_mm3(), 0.75, 1e-12);
}

TEST(Grid, refuses_what_breaks_its_invariants) {
  EXPECT_THROW(Grid({0, 1, 1}), Error);
  EXPECT_THROW(Grid({1, 1, 1}, {1, 0, 1}), Error);
  EXPECT_THROW(Grid({1, 1, 1}, {1, NAN, 1}), Error);
  EXPECT_THROW(Grid({1, 1, 1}, {1, 1, 1}, {INFINITY, 0, 0}), Error);
  EXPECT_THROW(Grid({1, 1, 1}, {1, 1, 1}, {}, Mat3{{Vec3{1, 0, 0}, Vec3{1, 0, 0}, Vec3{0, 0, 1}}}), Error);
  EXPECT_THROW(Grid({1, 1, 1}, {1, 1, 1}, {}, Mat3{{Vec3{2, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}}), Error);
  EXPECT_THROW(Grid({2000000, 2000000, 2}), Error);
}

TEST(Grid, names_where_its_axes_point_to) {
  EXPECT_EQ(Grid({1, 1, 1}).orientation(), "LPS");
  EXPECT_EQ(Grid({1, 1, 1}, {1, 1, 1}, {}, Mat3{{Vec3{0, 1, 0}, Vec3{0, 0, -1}, Vec3{-1, 0, 0}}}).orientation(), "PIR");
}

TEST(Grid, honours_uneven_slices) {
  const Grid grid = Grid({2, 2, 4}).with_slice_positions({0, 1, 3, 6});
  EXPECT_NEAR(grid.spacing_mm().z, 2, 1e-12);
  EXPECT_NEAR(grid.world_from_voxel({0, 0, 2}).z, 3, 1e-12);
  EXPECT_NEAR(grid.world_from_voxel({0, 0, 2.5}).z, 4.5, 1e-12);
  EXPECT_NEAR(grid.voxel_from_world({0, 0, 2}).z, 1.5, 1e-12);
  EXPECT_THROW(Grid({1, 1, 3}).with_slice_positions({0, 2, 2}), Error);
  EXPECT_NEAR(grid.cropped({0, 0, 2}, {1, 1, 2}).origin_mm().z, 3, 1e-12);
}

TEST(Grid, crops_in_place) {
  const Grid grid = oblique();
  const Grid part = grid.cropped({1, 2, 3}, {2, 2, 2});
  EXPECT_NEAR(norm(part.origin_mm() - grid.world_from_voxel({1, 2, 3})), 0, 1e-12);
  EXPECT_THROW(grid.cropped({4, 0, 0}, {2, 1, 1}), Error);
  EXPECT_TRUE(grid.same_space(oblique()));
  EXPECT_FALSE(grid.same_space(part));
}

TEST(Image, converts_with_rounding_and_saturation) {
  Voxels<float> values(Grid({6, 1, 1}));
  const float given[] = {-3.6f, 0.5f, 1.5f, 300.0f, NAN, INFINITY};
  std::copy(std::begin(given), std::end(given), values.data());
  const Image image(std::move(values));
  const auto bytes = image.as<std::uint8_t>();
  const std::array<int, 6> expected{0, 0, 2, 255, 0, 255};
  for (int n = 0; n < 6; ++n) EXPECT_EQ(bytes[n], expected[static_cast<std::size_t>(n)]) << n;
  const auto shorts = image.as<std::int16_t>();
  EXPECT_EQ(shorts[0], -4);
}

TEST(Image, shares_its_voxels_between_views_of_its_own_type) {
  Image image = Voxels<std::int16_t>(Grid({4, 4, 4}), std::int16_t{7});
  const auto view = image.as<std::int16_t>();
  EXPECT_EQ(view.data(), image.data());
  image = Image();
  EXPECT_EQ(view[63], 7);
}

TEST(Image, gives_frames_without_a_copy) {
  Voxels<float> series(Grid({2, 2, 2}), 0.0f, 1, 3);
  for (std::int64_t n = 0; n < series.count(); ++n) series[n] = static_cast<float>(n / 8);
  const Image image(std::move(series));
  EXPECT_EQ(image.frame(2).as<float>()[0], 2.0f);
  EXPECT_EQ(image.frame(1).frames(), 1);
  EXPECT_THROW(image.frame(3), Error);
}

TEST(Image, keeps_the_memory_budget) {
  set_voxel_budget(voxel_bytes_in_use() + (1 << 20));
  EXPECT_THROW(Voxels<float>(Grid({1024, 1024, 1})), Error);
  set_voxel_budget(0);
  EXPECT_NO_THROW(Voxels<float>(Grid({1024, 1024, 1})));
}

TEST(Labels, refuses_a_table_that_is_ambiguous) {
  const Image image = Voxels<std::uint8_t>(Grid({2, 2, 2}));
  EXPECT_THROW(Labels(image, {label_of(1, "brain", ""), label_of(1, "heart", "")}), Error);
  EXPECT_THROW(Labels(image, {label_of(1, "brain", ""), label_of(2, "brain", "")}), Error);
  EXPECT_THROW(Labels(image, {label_of(0, "brain", "")}), Error);
  EXPECT_THROW(Labels(Voxels<float>(Grid({2, 2, 2})), {}), Error);
  EXPECT_EQ(Labels(image, {label_of(3, "lung_nodule.2", "")}).find(3)->id, "lung_nodule.2");
}

TEST(Structures, have_unique_ids_codes_and_distinct_colours) {
  std::map<std::string_view, int> ids, codes;
  for (const Structure& row : structures()) {
    EXPECT_EQ(ids[row.id]++, 0) << row.id;
    EXPECT_FALSE(row.name_zh.empty()) << row.id;
    codes[row.snomed]++;
  }
  EXPECT_THROW(structure("no_such_thing"), Error);
}

TEST(Transform, goes_through_json) {
  const Transform turned(Mat3{{Vec3{0, 1, 0}, Vec3{-1, 0, 0}, Vec3{0, 0, 1}}}, {1, 2, 3});
  const Vec3 moved = Transform::from_json(parse_json(to_text(turned.to_json())))({10, 0, 5});
  EXPECT_NEAR(norm(moved - Vec3{1, 12, 8}), 0, 1e-12);
  EXPECT_THROW(Transform::from_json(parse_json("{\"type\": \"affine\", \"matrix\": [[1]]}")), Error);
}

TEST(Transform, adds_a_displacement_field) {
  Voxels<float> field(Grid({3, 3, 3}, {10, 10, 10}), 0.0f, 3);
  for (std::int64_t n = 0; n < 27; ++n) field[3 * n] = 2.0f;
  const Transform shift{Image(std::move(field))};
  EXPECT_NEAR(norm(shift({10, 10, 10}) - Vec3{12, 10, 10}), 0, 1e-6);
  EXPECT_NEAR(norm(shift({100, 10, 10}) - Vec3{100, 10, 10}), 0, 1e-6);
}

}  // namespace
}  // namespace gantry::image_test
