// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// How the program answers words that are no complete command.
#include <gtest/gtest.h>

#include "gantry/base/test_tools.h"

namespace gantry::commands_test {
namespace {

/// What `gantry ARGUMENTS` prints on both streams, and its exit status.
CommandResult gantry(const std::string& arguments) { return run_command(GANTRY_PROGRAM " " + arguments + " 2>&1"); }

TEST(Commands, of_a_group_are_listed_whether_operations_or_not) {
  const auto [status, output] = gantry("simulation --help");
  EXPECT_EQ(status, 0);
  EXPECT_NE(output.find("simulation digital-patient"), std::string::npos) << output;
  EXPECT_NE(output.find("simulation project"), std::string::npos) << output;
  EXPECT_NE(gantry("archive -h").output.find("archive reindex"), std::string::npos);
}

TEST(Commands, that_are_cut_short_name_what_may_follow) {
  const auto [status, output] = gantry("audit");
  EXPECT_EQ(status, 2);
  EXPECT_EQ(output, "gantry: audit: must be followed by one of verify\n");
  EXPECT_NE(gantry("archive foo").output.find("import, export, verify, reindex, stats; got foo"), std::string::npos);
}

TEST(Commands, that_are_mistyped_get_the_nearest) {
  EXPECT_EQ(gantry("archve stats").output, "gantry: archve: is not a command; did you mean archive?\n");
  EXPECT_EQ(gantry("xylophone").output, "gantry: xylophone: is not a command; gantry --help lists them\n");
}

}  // namespace
}  // namespace gantry::commands_test
