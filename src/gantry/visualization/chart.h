// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gantry/visualization/canvas.h"

namespace gantry {

/// A chart of numbers in one language: lines, or bars on a baseline at zero.
struct Chart {
  struct Series {
    std::string name;
    std::vector<double> x, y;       ///< of equal length; values that are not finite are gaps
    std::vector<double> low, high;  ///< interval around y, drawn as a band; empty or as long as y
    Color color{};                  ///< black = the next of Okabe and Ito's colours
  };
  std::string x_axis, y_axis;  ///< with unit: "Volume (mL)"
  bool bars = false;           ///< x are the middles of bins
  std::vector<Series> series;
  std::vector<std::pair<double, std::string>> marks;  ///< vertical lines at x with a word
  std::string language = "en";
};

/// Ends and step of about `count` round ticks (1, 2 or 5 times a power of ten) that cover [low, high].
struct Ticks {
  double first = 0, last = 1, step = 1;
  std::vector<double> values() const;
  std::string text(double value) const;  ///< with as many decimals as the step has
};
Ticks nice_ticks(double low, double high, int count);

/// Colours of what is not data.
struct ChartInk {
  Color text{0x14, 0x18, 0x1f}, quiet{0x58, 0x64, 0x74}, line{0xdd, 0xe3, 0xe8}, background{0xff, 0xff, 0xff};
};

/// The chart as an `<svg>` element of the given size in px. Text, axes and grid take the CSS variables --text, --quiet, --line and
/// --background where they are set; up to four lines are labelled at their end, more by a legend. `label` becomes its aria-label. Series
/// beyond twelve and points beyond 4000 a series are left out.
std::string chart_svg(const Chart& chart, int width_px, int height_px, std::string_view label);
/// The same drawing on a canvas with its upper left corner at (x, y); one unit of the canvas takes the place of a pixel.
void draw_chart(Canvas& canvas, const Chart& chart, double x, double y, double width, double height, const ChartInk& ink = {});
/// The chart alone as an RGB picture, at twice the resolution of a screen's pixels.
Image chart_image(const Chart& chart, int width_px, int height_px);

}  // namespace gantry
