// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/phantom/phantom.h"

#include <gtest/gtest.h>

#include "gantry/base/error.h"

namespace gantry::phantom_test {
namespace {

double sum(std::string_view name) {
  const auto values = phantom(name).as<float>();
  double total = 0;
  for (const float value : values.values()) total += value;
  return total;
}

std::int64_t count(std::string_view name, float value) {
  const auto values = phantom(name).as<float>();
  return std::count(values.values().begin(), values.values().end(), value);
}

TEST(Phantom, shapes_have_their_closed_form_volumes) {
  EXPECT_NEAR(sum("sphere"), 4.0 / 3 * M_PI * 8000, 0.01 * 33510);
  EXPECT_EQ(sum("box"), 32 * 24 * 16);
  EXPECT_EQ(sum("cylinder"), 40 * 716);  // 716 half-integer points lie within a radius of 15; pi 15^2 is 707
  EXPECT_NEAR(static_cast<double>(count("two_spheres", 1)), 4.0 / 3 * M_PI * 1728, 0.02 * 7238);
  EXPECT_NEAR(static_cast<double>(count("two_spheres", 2)), 4.0 / 3 * M_PI * 512, 0.02 * 2145);
}

TEST(Phantom, values_have_their_closed_form_means) {
  EXPECT_EQ(sum("constant"), 100.0 * 64 * 64 * 64);
  EXPECT_EQ(sum("impulse"), 1);
  EXPECT_NEAR(sum("ramp"), 0, 1e-9);
  EXPECT_EQ(sum("checkerboard"), 64 * 64 * 32);
  EXPECT_NEAR(sum("noise") / (64 * 64 * 64), 0, 5.0 / 512);  // five standard errors
}

TEST(Phantom, head_has_its_contrasts) {
  const auto head = phantom("shepp_logan").as<float>();
  EXPECT_EQ(head(0, 0, 0), 0);
  // Skull in front, brain around, a ventricle left of the middle (x to the left), a lesion behind the centre of the upper half.
  EXPECT_FLOAT_EQ(head(32, 3, 32), 1.0F);
  EXPECT_FLOAT_EQ(head(32, 50, 45), 0.2F);
  EXPECT_FLOAT_EQ(head(39, 32, 32), 0.0F);
  EXPECT_FLOAT_EQ(head(24, 32, 32), 0.0F);
  EXPECT_FLOAT_EQ(head(31, 20, 27), 0.3F);
}

TEST(Phantom, lists_its_names_when_asked_for_another) {
  for (const PhantomInfo& info : phantoms()) EXPECT_EQ(phantom(info.name).grid().size(0), 64);
  try {
    phantom("cube");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("shepp_logan"), std::string::npos);
  }
}

}  // namespace
}  // namespace gantry::phantom_test
