// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include <numbers>

#include "gantry/image/phantom/phantom.h"
#include "gantry/visualization/mip.h"
#include "gantry/visualization/overlay.h"
#include "gantry/visualization/reformat.h"

namespace gantry::operations_test {

namespace {

double sum_of(const Image& image) {
  double sum = 0;
  const auto values = image.as<float>();
  for (const float value : values.values()) sum += static_cast<double>(value);
  return sum;
}

}  // namespace

TEST(IntensityProjection, of_a_sphere_is_its_shadow) {
  gantry::Run run;
  const Image sphere = phantom("sphere");
  for (const Plane plane : {Plane::axial, Plane::coronal, Plane::sagittal}) {
    const Image shadow = IntensityProjection{.plane = plane}(sphere, run);
    EXPECT_EQ(shadow.grid().size(), (Size3{64, 64, 1}));
    EXPECT_NEAR(sum_of(shadow), std::numbers::pi * 400, 12);
    const Image mean = IntensityProjection{.method = Projection::mean, .plane = plane}(sphere, run);
    EXPECT_NEAR(sum_of(mean) * 64, sum_of(sphere), 1e-2);
    EXPECT_EQ(sum_of(IntensityProjection{.method = Projection::minimum, .plane = plane}(sphere, run)), 0);
  }
  // From any side the shadow is the same; linear samples soften its edge.
  EXPECT_NEAR(sum_of(IntensityProjection{.angle = 30}(sphere, run)), std::numbers::pi * 400, 60);
}

TEST(IntensityProjection, lies_in_the_world_where_it_was_projected) {
  gantry::Run run;
  const Image ramp = phantom("ramp");
  for (const Plane plane : {Plane::axial, Plane::coronal}) {
    const Image shadow = IntensityProjection{.plane = plane}(ramp, run);
    const auto view = shadow.as<float>();
    for (int i = 0; i < 64; i += 7) EXPECT_NEAR(view(i, 20, 0), shadow.grid().world_from_voxel({static_cast<double>(i), 20, 0}).x, 1e-4);
  }
  const Image slab = IntensityProjection{.plane = Plane::sagittal, .slab = 5, .position = 10.5}(ramp, run);
  EXPECT_NEAR(slab.as<float>()(3, 3, 0), 12.5, 1e-5);
  EXPECT_NEAR(slab.grid().world_from_voxel({0, 0, 0}).x, 10.5, 1e-9);
  EXPECT_NEAR(slab.grid().spacing_mm().z, 5, 1e-9);
}

TEST(IntensityProjection, makes_uneven_slices_even) {
  gantry::Run run;
  const Grid even({4, 4, 5}, {1, 1, 2});
  Voxels<float> voxels(even.with_slice_positions({0, 1, 2, 3, 8}));
  for (int k = 0; k < 5; ++k) {
    for (int n = 0; n < 16; ++n) voxels[k * 16 + n] = static_cast<float>(voxels.grid().world_from_voxel({0, 0, static_cast<double>(k)}).z);
  }
  const Image shadow = IntensityProjection{}(Image(std::move(voxels)), run);
  const auto view = shadow.as<float>();
  for (int j = 0; j < 5; ++j) EXPECT_NEAR(view(0, j, 0), shadow.grid().world_from_voxel({0, static_cast<double>(j), 0}).z, 1e-5);
}

TEST(IntensityProjection, refuses_what_does_not_go_together) {
  gantry::Run run;
  const Image sphere = phantom("sphere");
  EXPECT_THROW((IntensityProjection{.plane = Plane::axial, .angle = 10}(sphere, run)), Error);
  EXPECT_THROW((IntensityProjection{.angle = 10, .slab = 5}(sphere, run)), Error);
  EXPECT_THROW((IntensityProjection{.position = 0}(sphere, run)), Error);
  EXPECT_THROW((IntensityProjection{.slab = 5, .position = 500}(sphere, run)), Error);
  EXPECT_THROW((IntensityProjection{.angle = NAN}(sphere, run)), Error);
}

TEST(IntensityProjection, refuses_voxels_so_unequal_that_it_would_take_hours) {
  gantry::Run run;
  const Image flat(Voxels<float>(Grid({9, 9, 9}, {1e-3, 1e4, 1e-3}), 1.0f));
  try {
    IntensityProjection{.angle = 1e-6}(flat, run);
    FAIL() << "was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_possible);
    EXPECT_NE(error.message().find("samples"), std::string::npos) << error.message();
  }
}

TEST(Reformat, samples_the_same_world_whatever_the_plane) {
  gantry::Run run;
  const Image ramp = phantom("ramp");
  for (const StackPlane plane : {StackPlane::axial, StackPlane::coronal, StackPlane::sagittal, StackPlane::oblique}) {
    const Reformat reformat{.plane = plane, .normal = {0.2, 0.5, 0.8}, .spacing = 1.5, .slice_spacing = 3};
    const Image stack = reformat(ramp, run);
    const auto view = stack.as<float>();
    const Vec3 centre = stack.grid().voxel_from_world({0, 0, 0});
    for (int step = -5; step <= 5; ++step) {
      const std::int64_t i = std::llround(centre.x) + step;
      const std::int64_t j = std::llround(centre.y) - step;
      const std::int64_t k = std::llround(centre.z) + step / 2;
      const Vec3 world = stack.grid().world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
      EXPECT_NEAR(view(i, j, k), world.x, 1e-3);
    }
  }
}

TEST(Reformat, keeps_the_volume_of_a_sphere_and_the_sides_of_the_patient) {
  gantry::Run run;
  const Image sphere = phantom("sphere");
  const Image oblique = Reformat{.plane = StackPlane::oblique, .normal = {1, 1, 1}}(sphere, run);
  EXPECT_NEAR(sum_of(oblique) * oblique.grid().voxel_volume_mm3(), sum_of(sphere), 0.01 * sum_of(sphere));
  EXPECT_EQ(Reformat{}(sphere, run).grid().orientation(), "LPS");
  EXPECT_EQ(Reformat{.plane = StackPlane::coronal}(sphere, run).grid().orientation(), "LIP");
  EXPECT_EQ(Reformat{.plane = StackPlane::sagittal}(sphere, run).grid().orientation(), "PIR");
  const Image same = Reformat{}(sphere, run);
  const auto expected = sphere.as<float>();
  const auto found = same.as<float>();
  EXPECT_TRUE(std::ranges::equal(found.values(), expected.values()));
}

TEST(Reformat, refuses_a_normal_of_zero_and_a_spacing_that_makes_too_much) {
  gantry::Run run;
  const Image sphere = phantom("sphere");
  EXPECT_THROW((Reformat{.plane = StackPlane::oblique, .normal = {0, 0, 0}}(sphere, run)), Error);
  EXPECT_THROW((Reformat{.spacing = 1e-5}(sphere, run)), Error);
  EXPECT_THROW((Reformat{.spacing = -1}(sphere, run)), Error);
}

TEST(Overlay, outlines_values_with_and_without_a_row) {
  gantry::Run run;
  const Image sphere = phantom("sphere");
  const Labels labels(Image(sphere.as<std::uint8_t>().clone()), {});
  const Image picture = Overlay{.crop = false, .annotations = false, .pixels = 256}(sphere, labels, run);
  EXPECT_EQ(picture.components(), 3);
  EXPECT_EQ(picture.grid().size(), (Size3{256, 256, 1}));
  const auto view = picture.as<std::uint8_t>();
  int orange = 0;
  for (std::int64_t n = 0; n < view.count(); n += 3) orange += view[n] > 180 && view[n + 1] < 130 && view[n + 2] < 40 ? 1 : 0;
  // A circle of 20 mm = 80 pixels radius, two pixels wide.
  EXPECT_NEAR(orange, 2 * std::numbers::pi * 80 * 2, 500);
  const Image sheet = Overlay{.slices = 5, .pixels = 100}(sphere, labels, run);
  EXPECT_GT(sheet.grid().size(0), 300);
}

TEST(Overlay, refuses_a_window_by_half_and_two_ways_to_choose_slices) {
  gantry::Run run;
  const Image sphere = phantom("sphere");
  const Labels labels(Image(sphere.as<std::uint8_t>().clone()), {});
  EXPECT_THROW((Overlay{.centre = 40}(sphere, labels, run)), Error);
  EXPECT_THROW((Overlay{.slices = 3, .position = 0}(sphere, labels, run)), Error);
  EXPECT_THROW((Overlay{.pixels = 100000}(sphere, labels, run)), Error);
}

}  // namespace gantry::operations_test
