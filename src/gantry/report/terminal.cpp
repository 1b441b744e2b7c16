// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "gantry/base/text.h"
#include "gantry/report/theme.h"

namespace gantry {

namespace {

struct Span {
  char32_t first, last;
};
// East Asian Wide and Fullwidth blocks (Unicode Standard Annex 11) and pictographs.
constexpr std::array wide{Span{0x1100, 0x115f},   Span{0x2e80, 0x303e},   Span{0x3041, 0x4dbf},  Span{0x4e00, 0xa4cf}, Span{0xa960, 0xa97c},
                          Span{0xac00, 0xd7a3},   Span{0xf900, 0xfaff},   Span{0xfe30, 0xfe6f},  Span{0xff01, 0xff60}, Span{0xffe0, 0xffe6},
                          Span{0x1f300, 0x1f64f}, Span{0x1f900, 0x1f9ff}, Span{0x20000, 0x3fffd}};
constexpr std::array zero{Span{0x0300, 0x036f}, Span{0x0483, 0x0489}, Span{0x0591, 0x05bd}, Span{0x0610, 0x061a},
                          Span{0x064b, 0x065f}, Span{0x1ab0, 0x1aff}, Span{0x1dc0, 0x1dff}, Span{0x200b, 0x200f},
                          Span{0x20d0, 0x20ff}, Span{0xfe00, 0xfe0f}, Span{0xfe20, 0xfe2f}, Span{0xfeff, 0xfeff}};

template <std::size_t N>
bool within(const std::array<Span, N>& spans, char32_t c) {
  return std::any_of(spans.begin(), spans.end(), [c](const Span& s) { return c >= s.first && c <= s.last; });
}

int cells_of(char32_t c) { return within(zero, c) ? 0 : within(wide, c) ? 2 : 1; }

/// Calls body(code point, its bytes) for valid UTF-8.
template <class Body>
void each_character(std::string_view text, Body&& body) {
  for (std::size_t n = 0; n < text.size();) {
    const auto lead = static_cast<unsigned char>(text[n]);
    const std::size_t length = std::min<std::size_t>(lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4, text.size() - n);
    char32_t c = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t k = 1; k < length; ++k) c = c << 6 | (static_cast<unsigned char>(text[n + k]) & 0x3fU);
    if (!body(c, text.substr(n, length))) return;
    n += length;
  }
}

std::string padded(std::string_view text, int width, bool right) {
  const std::string fit = fitted(text, width);
  const std::string space(static_cast<std::size_t>(std::max(0, width - display_width(fit))), ' ');
  return right ? space + fit : fit + space;
}

std::string_view color_of(Attention attention) {
  switch (attention) {
    case Attention::look_first:
      return "\x1b[31m";
    case Attention::note:
      return "\x1b[33m";
    case Attention::usual:
      return "\x1b[32m";
    default:
      return {};
  }
}

}  // namespace

int display_width(std::string_view utf8) {
  int width = 0;
  each_character(to_valid_utf8(utf8), [&](char32_t c, std::string_view) {
    width += cells_of(c);
    return true;
  });
  return width;
}

std::string fitted(std::string_view text, int width) {
  const std::string clean = report::plain(text);
  if (display_width(clean) <= width) return clean;
  std::string result;
  int used = 0;
  each_character(clean, [&](char32_t c, std::string_view bytes) {
    if (used + cells_of(c) > width - 1) return false;
    used += cells_of(c);
    result += bytes;
    return true;
  });
  return width > 0 ? result + "…" : std::string();
}

std::string terminal_table(const TerminalTable& table, int width, bool color) {
  std::size_t count = table.columns.size();
  for (const auto& row : table.rows) count = std::max(count, row.cells.size());
  if (count == 0) return {};
  const auto right = [&](std::size_t c) { return c < table.right_aligned.size() && table.right_aligned[c]; };
  const auto cell = [](const std::vector<std::string>& cells, std::size_t c) {
    return c < cells.size() ? report::plain(cells[c]) : std::string();
  };
  std::vector<int> widths(count, 0);
  for (std::size_t c = 0; c < count; ++c) {
    widths[c] = display_width(cell(table.columns, c));
    for (const auto& row : table.rows) widths[c] = std::max(widths[c], display_width(cell(row.cells, c)));
  }
  constexpr int gap = 2;
  constexpr int least = 6;
  const auto total = [&] {
    int sum = gap * (static_cast<int>(count) - 1);
    for (const int w : widths) sum += w;
    return sum;
  };
  while (width > 0 && total() > width) {
    // The widest column gives way, text before numbers.
    std::size_t widest = count;
    for (const bool numbers : {false, true}) {
      for (std::size_t c = 0; c < count; ++c) {
        if (right(c) == numbers && widths[c] > least && (widest == count || widths[c] > widths[widest])) widest = c;
      }
      if (widest != count) break;
    }
    if (widest == count) break;
    widths[widest] = std::max(least, widths[widest] - std::max(1, (total() - width) / 2));
  }

  std::string out;
  const auto line = [&](const std::vector<std::string>& cells, std::string_view first_color, std::string_view all_color) {
    std::string text;
    for (std::size_t c = 0; c < count; ++c) {
      if (c > 0) text += std::string(gap, ' ');
      const std::string shown = padded(cell(cells, c), widths[c], right(c));
      text += c == 0 && !first_color.empty() ? std::string(first_color) + shown + "\x1b[0m" : shown;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    if (!all_color.empty() && !text.empty()) text = std::string(all_color) + text + "\x1b[0m";
    out += text + "\n";
  };
  if (!table.columns.empty()) line(table.columns, {}, color ? "\x1b[1m" : "");
  for (const auto& row : table.rows) line(row.cells, color ? color_of(row.attention) : std::string_view(), {});
  return out;
}

int terminal_width(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  if (const char* columns = std::getenv("COLUMNS")) {
    const auto value = parse_integer(columns);
    if (value && *value >= 20 && *value <= 1000) return static_cast<int>(*value);
  }
  return 80;
}

bool terminal_color(int descriptor) {
  if (isatty(descriptor) == 0) return false;
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color && *no_color != '\0') return false;
  const char* terminal = std::getenv("TERM");
  return !(terminal && std::string_view(terminal) == "dumb");
}

}  // namespace gantry
