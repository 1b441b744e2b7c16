// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace gantry::clock_test {
namespace {

TEST(Clock, states_the_present_second_in_utc) {
  const std::time_t before = std::time(nullptr);
  const std::string text = utc_now(), precise = utc_now(true);
  const std::time_t after = std::time(nullptr);
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  ASSERT_TRUE(end && *end == '\0') << text;
  const std::time_t stated = ::timegm(&parts);
  EXPECT_GE(stated, before);
  EXPECT_LE(stated, after);
  ASSERT_EQ(precise.size(), text.size() + 4);
  EXPECT_EQ(precise[19], '.');
}

}  // namespace
}  // namespace gantry::clock_test
