// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/median_filter.h"

#include <gtest/gtest.h>

#include "gantry/image/phantom/phantom.h"

namespace gantry::median_filter_test {
namespace {

Run quiet;

TEST(MedianFilter, removes_an_impulse_and_keeps_the_faces_of_a_box) {
  const Image none = MedianFilter{}(phantom("impulse"), quiet);
  const auto values = none.as<float>();
  EXPECT_EQ(*std::max_element(values.values().begin(), values.values().end()), 0);
  const auto box = phantom("box").as<float>();
  const Image kept = MedianFilter{}(phantom("box"), quiet);
  EXPECT_EQ(kept.as<float>()(32, 32, 32 + 7), box(32, 32, 32 + 7));  // last slice inside
  EXPECT_EQ(kept.as<float>()(32, 32, 32 + 8), box(32, 32, 32 + 8));  // first outside
}

TEST(MedianFilter, takes_a_series_frame_by_frame) {
  Voxels<std::int16_t> series(Grid({6, 6, 6}), 0, 1, 2);
  std::fill_n(series.data() + 216, 216, std::int16_t{9});
  const Image filtered = MedianFilter{.radius = 2}(Image(std::move(series)), quiet);
  EXPECT_EQ(filtered.frames(), 2);
  EXPECT_EQ(filtered.as<float>()[215], 0);
  EXPECT_EQ(filtered.as<float>()[216], 9);
}

TEST(MedianFilter, refuses_colour_and_other_radii) {
  EXPECT_THROW(MedianFilter{}(Image(Voxels<std::uint8_t>(Grid({4, 4, 4}), 0, 3)), quiet), Error);
  EXPECT_THROW((MedianFilter{.radius = 3}(phantom("sphere"), quiet)), Error);
}

}  // namespace
}  // namespace gantry::median_filter_test
