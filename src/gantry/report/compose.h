// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>

#include "gantry/report/document.h"
#include "gantry/visualization/chart.h"

namespace gantry::report {

/// What HTML and PDF decide alike, so that they show the same.

/// True when nothing was measured: no sentence, image, table or chart.
bool is_empty(const ReportDocument& document);

/// The columns as they are drawn: the table's own, and one with range bars where a row has one. It stands before a last column of text,
/// else at the end.
struct TableShape {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t columns = 0;
  std::size_t range_column = none;
  /// Index in the table's cells of a drawn column other than the range column.
  std::size_t source(std::size_t column) const { return range_column != none && column > range_column ? column - 1 : column; }
  bool right_aligned(const ReportDocument::Measurements& table, std::size_t column) const;
};
TableShape shape_of(const ReportDocument::Measurements& table);

/// Where the parts of a range bar lie, as parts of its length in [0, 1].
struct RangeParts {
  double usual_begin = 0, usual_end = 1, value = 0;
};
/// Ends that are no numbers, or reversed, are taken as the union of usual range and value with a margin.
RangeParts range_parts(const ReportDocument::RangeBar& range);

/// The document's chart in one language.
Chart chart_in(const ReportDocument::Chart& chart, std::string_view language);

/// The document's footer and the sentence that every output carries, once.
std::string footer_text(const ReportDocument& document, std::string_view language);

}  // namespace gantry::report
