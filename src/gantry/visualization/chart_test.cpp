// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <regex>

namespace gantry::chart_test {

TEST(NiceTicks, are_one_two_or_five_times_a_power_of_ten_and_cover_the_range) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{{0, 97}, {-0.013, 0.02}, {1200, 1230}, {-5, -1}, {0, 1e12}}) {
    const Ticks ticks = nice_ticks(low, high, 5);
    EXPECT_LE(ticks.first, low + 1e-9 * (high - low));
    EXPECT_GE(ticks.last, high - 1e-9 * (high - low));
    const double mantissa = ticks.step / std::pow(10.0, std::floor(std::log10(ticks.step) + 1e-9));
    EXPECT_TRUE(std::abs(mantissa - 1) < 1e-6 || std::abs(mantissa - 2) < 1e-6 || std::abs(mantissa - 5) < 1e-6) << mantissa;
    EXPECT_GE(ticks.values().size(), 3U);
    EXPECT_LE(ticks.values().size(), 9U);
  }
  EXPECT_EQ(nice_ticks(0, 1, 5).text(0.2), "0.2");
  EXPECT_EQ(nice_ticks(-200, 100, 5).text(-100), "\u2212100");
  EXPECT_EQ(nice_ticks(std::nan(""), 1, 5).values().size(), 2U);
  EXPECT_EQ(nice_ticks(3, 3, 5).values().size(), 2U);
}

TEST(Chart, puts_bars_on_a_baseline_at_zero_with_heights_in_proportion) {
  Chart chart;
  chart.bars = true;
  chart.series = {{"", {1, 2, 3}, {10, 20, 40}, {}, {}, {}}};
  const std::string svg = chart_svg(chart, 400, 300, "bars");
  const std::regex polygon("<polygon points=\"([0-9.]+),([0-9.]+) [0-9.]+,[0-9.]+ [0-9.]+,([0-9.]+)");
  std::vector<double> heights;
  for (std::sregex_iterator it(svg.begin(), svg.end(), polygon), end; it != end; ++it)
    heights.push_back(std::stod((*it)[3]) - std::stod((*it)[2]));
  ASSERT_EQ(heights.size(), 3U);
  EXPECT_NEAR(heights[1] / heights[0], 2, 0.02);
  EXPECT_NEAR(heights[2] / heights[0], 4, 0.02);
  EXPECT_NE(svg.find(">0</text>"), std::string::npos);
}

TEST(Chart, labels_up_to_four_lines_at_their_end_without_overlap) {
  Chart chart;
  for (int n = 0; n < 4; ++n) chart.series.push_back({fmt::format("line {}", n), {0, 1}, {0, 1 + 0.001 * n}, {}, {}, {}});
  const std::string svg = chart_svg(chart, 500, 300, "lines");
  const std::regex word("<text x=\"[0-9.]+\" y=\"([0-9.]+)\"[^>]*>line ([0-9])</text>");
  std::vector<double> rows;
  for (std::sregex_iterator it(svg.begin(), svg.end(), word), end; it != end; ++it) rows.push_back(std::stod((*it)[1]));
  ASSERT_EQ(rows.size(), 4U);
  std::sort(rows.begin(), rows.end());
  for (std::size_t n = 1; n < rows.size(); ++n) EXPECT_GE(rows[n] - rows[n - 1], 15.9);
}

TEST(Chart, escapes_hostile_words_and_survives_empty_and_absurd_data) {
  Chart chart;
  chart.x_axis = "<script>alert(1)</script>\xff";
  chart.series = {{"\"><b>", {0, 1, NAN}, {NAN, 1e300, -1e300}, {}, {}, {}}, {"b", {}, {}, {}, {}, {}}, {"c", {1}, {2, 3}, {1}, {}, {}}};
  chart.marks = {{0.5, "</text>"}, {NAN, "nowhere"}};
  const std::string svg = chart_svg(chart, 300, 200, "\"quoted\"");
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  EXPECT_EQ(svg.find("<b>"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(chart_svg(Chart{}, 300, 200, "").find("</svg>"), std::string::npos);
}

TEST(Chart, on_a_canvas_shows_the_colours_of_its_series) {
  Chart chart;
  chart.bars = true;
  chart.series = {{"", {1, 2}, {5, 5}, {}, {}, {0xd5, 0x5e, 0x00}}};
  const std::unique_ptr<Canvas> canvas = Canvas::bitmap(300, 200, {255, 255, 255});
  draw_chart(*canvas, chart, 0, 0, 300, 200);
  const auto view = canvas->image().as<std::uint8_t>();
  int orange = 0;
  for (std::int64_t n = 0; n < view.count(); n += 3) orange += view[n] == 0xd5 && view[n + 1] == 0x5e && view[n + 2] == 0 ? 1 : 0;
  EXPECT_GT(orange, 10000);
}

}  // namespace gantry::chart_test
