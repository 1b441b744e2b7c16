// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace gantry {

/// A table of numbers and words with named columns; every row has one cell per column.
class Table {
 public:
  using Cell = std::variant<std::monostate, double, std::string>;

  Table() = default;
  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<std::vector<Cell>>& rows() const { return rows_; }
  /// Throws Error(internal) when the number of cells differs from the number of columns.
  void add(std::vector<Cell> row);
  /// RFC 4180 text, numbers in their shortest form, empty cells for monostate.
  std::string to_csv() const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace gantry
