// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/terminal.h"

#include <gtest/gtest.h>

#include "gantry/base/text.h"

namespace gantry::terminal_test {

TEST(Terminal, counts_cells_of_wide_and_combining_characters) {
  EXPECT_EQ(display_width("liver"), 5);
  EXPECT_EQ(display_width("左肺"), 4);
  EXPECT_EQ(display_width("e\u0301"), 1);
  EXPECT_EQ(display_width("▲ µm"), 4);
  EXPECT_EQ(fitted("左肺下叶", 5), "左肺…");
  EXPECT_EQ(fitted("left lung", 20), "left lung");
  EXPECT_EQ(fitted("left lung", 0), "");
}

TEST(Terminal, aligns_columns_whatever_the_script) {
  TerminalTable table;
  table.columns = {"Structure", "Volume"};
  table.right_aligned = {false, true};
  table.rows = {{{"左肺", "2310 mL"}, Attention::none}, {{"Heart", "612 mL"}, Attention::none}};
  EXPECT_EQ(terminal_table(table, 0, false),
            "Structure   Volume\n"
            "左肺       2310 mL\n"
            "Heart       612 mL\n");
}

TEST(Terminal, keeps_to_the_width_and_cuts_text_before_numbers) {
  TerminalTable table;
  table.columns = {"Finding", "Value", "How it was measured"};
  table.right_aligned = {false, true, false};
  for (int n = 0; n < 5; ++n) table.rows.push_back({{std::string(40, 'a'), "12345.678 mL", std::string(80, 'b')}, Attention::note});
  for (const int width : {40, 60, 80, 120}) {
    const std::string text = terminal_table(table, width, false);
    for (const std::string& line : split(text, '\n')) EXPECT_LE(display_width(line), width);
    EXPECT_NE(text.find("12345.678 mL"), std::string::npos) << width;
  }
}

TEST(Terminal, colours_only_when_told_and_never_lets_text_control_the_terminal) {
  TerminalTable table;
  table.columns = {"Finding\x1b[2J"};
  table.rows = {{{"▲ nodule\r\n\x1b]0;title\x07"}, Attention::look_first}};
  const std::string quiet = terminal_table(table, 80, false);
  EXPECT_EQ(quiet.find('\x1b'), std::string::npos);
  EXPECT_EQ(quiet.find('\r'), std::string::npos);
  EXPECT_EQ(split(quiet, '\n').size(), 3U);
  EXPECT_NE(terminal_table(table, 80, true).find("\x1b[31m"), std::string::npos);
  EXPECT_EQ(terminal_table(TerminalTable{}, 80, true), "");
}

}  // namespace gantry::terminal_test
