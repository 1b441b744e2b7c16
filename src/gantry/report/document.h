// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/image/finding.h"
#include "gantry/image/image.h"
#include "gantry/image/structures.h"

namespace gantry {

/// The same statement in English and Chinese, each written, not translated word by word.
struct Words {
  std::string en, zh;
  const std::string& in(std::string_view language) const { return language == "zh" ? zh : en; }
};

/// What a report says, apart from how it looks. HTML and PDF are made of this one structure and hold the same content.
struct ReportDocument {
  struct Fact {
    Words label, value;
  };
  /// One sentence of "At a glance". The part of the text before the first ": " is set bold.
  struct Glance {
    Attention attention = Attention::usual;
    Words text;
    std::vector<int> images; /* 1-based key images */
  };
  struct KeyImage {
    Image rgb;
    Words caption;
    Words alternative;
    std::string file; /* "figures/..." */
  };
  struct Cell {
    Words text;
    bool number = false;
  };
  struct RangeBar {
    double low = 0, high = 0, usual_low = 0, usual_high = 0, value = 0;
    bool show = false;
    Words reason; /* shown instead of a bar: "not compared: incomplete", "no published range" */
  };
  struct Row {
    std::vector<Cell> cells;
    bool swatch = false;
    Color color{};
    RangeBar range;
  };
  /// `columns` name the cells; a range column is drawn when any row has one.
  struct Measurements {
    Words title;
    std::vector<Words> columns;
    std::vector<bool> right_aligned;
    std::vector<Row> rows;
    Words note;
  };
  /// A chart drawn by visualization/chart: either bars (histogram) or lines.
  struct Series {
    Words name;
    std::vector<double> x, y;
    Color color{};                 /* black: the next of the chart colours */
    std::vector<double> low, high; /* interval around y, drawn as a band; empty or as long as y */
  };
  struct Chart {
    Words title, x_axis, y_axis;
    bool bars = false;
    std::vector<Series> series;
    std::vector<std::pair<double, Words>> marks;
    Words alternative;
    Words note; /* below the chart: sample size, interval, what was counted */
  };

  Words title;
  Words subtitle;               ///< small, on the right: version
  std::vector<Fact> facts;      ///< at most eight
  std::vector<Glance> glances;  ///< three to six
  std::vector<KeyImage> images;
  std::vector<Measurements> tables;
  std::vector<Chart> charts;
  std::vector<Words> not_analysed;
  std::vector<Words> certainty;
  std::vector<Words> methods;  ///< methods, models with hash, versions
  std::vector<Words> references;
  Words footer;
};

}  // namespace gantry
