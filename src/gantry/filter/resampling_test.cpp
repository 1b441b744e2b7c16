// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/resampling.h"

#include <gtest/gtest.h>

#include "gantry/image/phantom/phantom.h"

namespace gantry::resampling_test {
namespace {

Run quiet;

TEST(Resampling, of_a_ramp_by_spacing_is_the_ramp) {
  const Image result = Resampling{.spacing = Vec3{0.8, 2, 1}}(phantom("ramp"), nullptr, quiet);
  EXPECT_EQ(result.grid().size(), (Size3{80, 32, 64}));
  const auto values = result.as<float>();
  for (std::int64_t i = 1; i < 79; ++i) EXPECT_NEAR(values(i, 10, 10), -32 + 0.8 * (static_cast<double>(i) + 0.5), 1e-4);
}

TEST(Resampling, to_a_reference_takes_its_grid) {
  const Image reference = Voxels<std::uint8_t>(Grid({5, 6, 7}, {2, 2, 2}, {-3, -2, -1}));
  const Image result = Resampling{.interpolation = Interpolation::cubic}(phantom("constant"), &reference, quiet);
  EXPECT_EQ(result.grid(), reference.grid());
  const auto values = result.as<float>();
  for (const float value : values.values()) EXPECT_NEAR(value, 100, 1e-3);
}

TEST(Resampling, nearest_keeps_the_pixel_type_and_every_value) {
  Voxels<std::uint16_t> labels(Grid({4, 4, 4}), 0, 1, 2);
  for (std::int64_t n = 0; n < labels.count(); ++n) labels[n] = static_cast<std::uint16_t>(60000 + n);
  const Image result =
      Resampling{.spacing = Vec3{0.5, 0.5, 0.5}, .interpolation = Interpolation::nearest}(Image(std::move(labels)), nullptr, quiet);
  EXPECT_EQ(result.type(), PixelType::u16);
  EXPECT_EQ(result.frames(), 2);
  const auto values = result.as<std::uint16_t>();
  EXPECT_EQ(values[values.count() - 1], 60127);
  EXPECT_EQ(values[0], 60000);
}

TEST(Resampling, puts_the_value_outside_where_nothing_was) {
  const Image reference = Voxels<std::uint8_t>(Grid({3, 1, 1}, {40, 1, 1}, {-40, 0, 0}));
  const Image result = Resampling{.outside = -5}(phantom("constant"), &reference, quiet);
  EXPECT_EQ(result.as<float>()[0], -5);
  EXPECT_NEAR(result.as<float>()[1], 100, 1e-4);
}

TEST(Resampling, refuses_neither_and_both_and_absurd_spacing) {
  const Image image = phantom("sphere");
  EXPECT_THROW(Resampling{}(image, nullptr, quiet), Error);
  EXPECT_THROW((Resampling{.spacing = Vec3{1, 1, 1}}(image, &image, quiet)), Error);
  for (const double bad : {0.0, -1.0, std::nan(""), 1e-4})
    EXPECT_THROW((Resampling{.spacing = Vec3{bad, bad, bad}}(image, nullptr, quiet)), Error);
  Voxels<float> holed(Grid({4, 4, 4}));
  holed[5] = std::nanf("");
  EXPECT_THROW((Resampling{.spacing = Vec3{2, 2, 2}, .interpolation = Interpolation::cubic}(Image(std::move(holed)), nullptr, quiet)),
               Error);
}

}  // namespace
}  // namespace gantry::resampling_test
