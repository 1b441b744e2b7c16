// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/plugin.h"

#include "gantry/base/test_support.h"

namespace gantry::plugin_test {

namespace {

constexpr Plugin absent{"libgantry_absent.so", "gantry_absent", "absence: needs its plug-in", "package gantry-absent"};

std::string refusal(const Plugin& plugin, const Path& path) {
  return error_of([&] { open_plugin(plugin, path); }).what();
}

}  // namespace

TEST(Plugin, is_found_beside_the_library_or_not_at_all) {
  EXPECT_EQ(beside_library("libgantry_absent.so"), Path());
  EXPECT_TRUE(std::filesystem::exists(beside_library("libgantry_drawing.so")));
}

TEST(Plugin, that_is_missing_names_its_package) {
  EXPECT_EQ(refusal(absent, {}), "absence: needs its plug-in; libgantry_absent.so was not found: install the package gantry-absent");
}

TEST(Plugin, that_is_no_library_says_so) {
  const TemporaryFolder folder;
  write_atomic(folder.path() / "libgantry_absent.so", std::string_view("no library"));
  EXPECT_NE(refusal(absent, folder.path() / "libgantry_absent.so").find("libgantry_absent.so does not load ("), std::string::npos);
}

TEST(Plugin, without_the_entry_is_of_another_version) {
  EXPECT_NE(refusal(absent, beside_library("libgantry_drawing.so")).find("libgantry_absent.so must be of version "), std::string::npos);
}

}  // namespace gantry::plugin_test
