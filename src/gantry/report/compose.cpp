// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/compose.h"

#include "gantry/base/version.h"
#include "gantry/report/theme.h"

namespace gantry::report {

bool is_empty(const ReportDocument& document) {
  return document.glances.empty() && document.images.empty() && document.tables.empty() && document.charts.empty();
}

bool TableShape::right_aligned(const ReportDocument::Measurements& table, std::size_t column) const {
  const std::size_t at = source(column);
  return at < table.right_aligned.size() && table.right_aligned[at];
}

TableShape shape_of(const ReportDocument::Measurements& table) {
  TableShape shape;
  shape.columns = table.columns.size();
  bool ranges = false;
  for (const auto& row : table.rows) {
    shape.columns = std::max(shape.columns, row.cells.size());
    ranges = ranges || row.range.show;
  }
  if (!ranges) return shape;
  const bool text_last = shape.columns > 1 && !shape.right_aligned(table, shape.columns - 1);
  shape.range_column = text_last ? shape.columns - 1 : shape.columns;
  ++shape.columns;
  return shape;
}

RangeParts range_parts(const ReportDocument::RangeBar& range) {
  double low = range.low;
  double high = range.high;
  if (!(high > low) || !std::isfinite(low) || !std::isfinite(high)) {
    low = std::min(range.usual_low, range.value);
    high = std::max(range.usual_high, range.value);
    const double margin = 0.25 * (high - low);
    low -= margin;
    high += margin;
  }
  const auto part = [&](double value) {
    const double at = (value - low) / (high - low);
    return at >= 0 ? std::min(at, 1.0) : 0.0;
  };
  RangeParts parts{part(range.usual_low), part(range.usual_high), part(range.value)};
  parts.usual_end = std::max(parts.usual_begin, parts.usual_end);
  return parts;
}

Chart chart_in(const ReportDocument::Chart& chart, std::string_view language) {
  Chart result;
  result.x_axis = plain(chart.x_axis.in(language));
  result.y_axis = plain(chart.y_axis.in(language));
  result.bars = chart.bars;
  result.language = language;
  for (const auto& series : chart.series) {
    result.series.push_back({plain(series.name.in(language)), series.x, series.y, series.low, series.high, series.color});
  }
  for (const auto& [x, word] : chart.marks) result.marks.emplace_back(x, plain(word.in(language)));
  return result;
}

std::string footer_text(const ReportDocument& document, std::string_view language) {
  const std::string footer = plain(document.footer.in(language));
  const std::string sentence(not_a_medical_device(language));
  if (footer.find(sentence) != std::string::npos) return footer;
  if (footer.empty()) return sentence;
  return sentence + (language == "zh" ? "" : " ") + footer;
}

}  // namespace gantry::report
