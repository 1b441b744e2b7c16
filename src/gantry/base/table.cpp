// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/table.h"

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry {

namespace {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return '"' + replace_all(text, "\"", "\"\"") + '"';
}

}  // namespace

void Table::add(std::vector<Cell> row) {
  if (row.size() != columns_.size()) throw Error(ErrorCode::internal, "table: a row must have one cell per column");
  rows_.push_back(std::move(row));
}

std::string Table::to_csv() const {
  std::string text;
  for (std::size_t c = 0; c < columns_.size(); ++c) text += (c ? "," : "") + csv_field(columns_[c]);
  text += '\n';
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c) text += ',';
      if (const auto* number = std::get_if<double>(&row[c])) text += shortest(*number);
      if (const auto* word = std::get_if<std::string>(&row[c])) text += csv_field(*word);
    }
    text += '\n';
  }
  return text;
}

}  // namespace gantry
