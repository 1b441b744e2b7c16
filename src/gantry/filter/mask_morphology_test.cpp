// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/mask_morphology.h"

#include <gtest/gtest.h>

#include "gantry/image/phantom/phantom.h"

namespace gantry::mask_morphology_test {
namespace {

Run quiet;

std::int64_t voxels(const Image& image) {
  const auto values = image.as<std::uint8_t>();
  return std::count(values.values().begin(), values.values().end(), 1);
}

TEST(MaskMorphology, of_an_impulse_and_a_box_is_known) {
  EXPECT_EQ(voxels(MaskMorphology{.radius = 3}(phantom("impulse"), quiet)), 123);
  EXPECT_EQ(voxels(MaskMorphology{.action = MorphologyAction::erode, .radius = 1}(phantom("box"), quiet)), 30 * 22 * 14);
  EXPECT_EQ(voxels(MaskMorphology{.action = MorphologyAction::open, .radius = 1}(phantom("impulse"), quiet)), 0);
  EXPECT_EQ(voxels(MaskMorphology{.action = MorphologyAction::close, .radius = 4}(phantom("box"), quiet)), 32 * 24 * 16);
}

TEST(MaskMorphology, fills_the_hollow_of_a_shell) {
  Voxels<float> shell(Grid({9, 9, 9}));
  for (std::int64_t n = 0; n < shell.count(); ++n) {
    const auto far = std::max({std::abs(n % 9 - 4), std::abs(n / 9 % 9 - 4), std::abs(n / 81 - 4)});
    shell[n] = far == 3 ? -0.5F : 0.0F;
  }
  EXPECT_EQ(voxels(MaskMorphology{.action = MorphologyAction::fill_holes}(Image(std::move(shell)), quiet)), 343);
}

TEST(MaskMorphology, refuses_a_series_and_a_radius_that_is_none) {
  EXPECT_THROW(MaskMorphology{}(Image(Voxels<std::uint8_t>(Grid({3, 3, 3}), 0, 1, 2)), quiet), Error);
  EXPECT_THROW((MaskMorphology{.radius = -1}(phantom("box"), quiet)), Error);
  EXPECT_THROW((MaskMorphology{.radius = std::nan("")}(phantom("box"), quiet)), Error);
}

}  // namespace
}  // namespace gantry::mask_morphology_test
