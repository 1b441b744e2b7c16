// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gantry/image/finding.h"

namespace gantry {

/// A table for the end of a command's output.
struct TerminalTable {
  struct Row {
    std::vector<std::string> cells;
    Attention attention = Attention::none;  ///< colours the first cell when colours are on
  };
  std::vector<std::string> columns;
  std::vector<bool> right_aligned;  ///< missing = left
  std::vector<Row> rows;
};

/// The table with aligned columns and two spaces between them, at most `width` cells wide (0 = no limit): the widest column of text is cut
/// with "…" where it does not fit. With `color` the head is bold and first cells take the colour of their attention. Every line ends with
/// a line end and without trailing spaces. Text is made printable: control characters (escape sequences too) are dropped.
std::string terminal_table(const TerminalTable& table, int width, bool color);

/// Cells that a text takes in a terminal: 2 for a Chinese, Japanese or Korean character, 0 for combining marks.
int display_width(std::string_view utf8);
/// `text` cut to at most `width` cells, with "…" at the end when something was cut.
std::string fitted(std::string_view text, int width);

/// Columns of the terminal behind a file descriptor; $COLUMNS, then 80, when it is none.
int terminal_width(int descriptor = 1);
/// True when the descriptor is a terminal, NO_COLOR is unset or empty, and TERM is not "dumb".
bool terminal_color(int descriptor = 1);

}  // namespace gantry
