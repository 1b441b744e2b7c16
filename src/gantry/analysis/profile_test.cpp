// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/profile.h"

#include <gtest/gtest.h>

#include "gantry/analysis/methods.h"
#include "gantry/base/error.h"

namespace gantry::analysis::profile_test {
namespace {

constexpr const char* minimal =
    R"({"id": "x", "version": "1", "name": {"en": "X", "zh": "X"}, "applies_to": {"modalities": ["CT"], "volume": true}, "methods": ["any_ct"], "parameters": {"a": 5}})";

std::string message_of(const std::string& text) {
  try {
    parse_profile(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Profile, applies_by_modality_volume_words_and_contents) {
  Profile profile = parse_profile(minimal);
  EXPECT_TRUE(applies(profile, {"CT", "", true, {}}));
  EXPECT_FALSE(applies(profile, {"MR", "", true, {}}));
  EXPECT_FALSE(applies(profile, {"CT", "", false, {}}));
  profile.applies_to.body_parts = {"Head"};
  EXPECT_FALSE(applies(profile, {"CT", "chest", true, {}}));
  EXPECT_TRUE(applies(profile, {"CT", "head and neck", true, {}}));
  profile.applies_to.contents = {"lungs"};
  EXPECT_FALSE(applies(profile, {"CT", "head", true, {}}));
  EXPECT_TRUE(applies(profile, {"CT", "head", true, {"lungs"}}));
}

TEST(Profile, parameters_outside_their_range_are_refused_by_name) {
  const Profile profile = parse_profile(minimal);
  EXPECT_EQ(profile.number("a", 1, 0, 10), 5);
  EXPECT_EQ(profile.number("b", 1, 0, 10), 1);
  EXPECT_THROW(profile.number("a", 1, 0, 4), Error);
}

TEST(Profile, unknown_keys_and_missing_ones_are_named) {
  EXPECT_NE(message_of(R"({"id": "x", "verion": "1"})").find("version"), std::string::npos);
  EXPECT_NE(message_of(R"({"version": "1"})").find("id"), std::string::npos);
  EXPECT_NE(message_of("[]").find("object"), std::string::npos);
  EXPECT_NE(message_of("{").size(), 0U);
}

TEST(Profile, the_shipped_profiles_can_be_read_and_chest_comes_before_any) {
  const Path folder = find_resource("profiles");
  ASSERT_FALSE(folder.empty());
  const auto profiles = read_profiles(folder);
  ASSERT_GE(profiles.size(), 5U);
  EXPECT_EQ(profiles.front().id, "chest_ct");
  EXPECT_TRUE(find_method("chest_ct") != nullptr);
  EXPECT_TRUE(find_method("nothing") == nullptr);
}

}  // namespace
}  // namespace gantry::analysis::profile_test
