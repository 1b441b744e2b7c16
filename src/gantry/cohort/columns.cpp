// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/columns.h"

#include <cmath>
#include <limits>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry {

std::size_t column_of(const Table& table, const std::string& name, const std::string& parameter) {
  for (std::size_t n = 0; n < table.columns().size(); ++n) {
    if (table.columns()[n] == name) return n;
  }
  throw Error(ErrorCode::parameter,
              fmt::format("{}: must name a column of the table ({}); got '{}'", parameter, join(table.columns(), ", "), name));
}

std::vector<double> numbers_of(const Table& table, std::size_t column) {
  std::vector<double> numbers;
  numbers.reserve(table.rows().size());
  for (const auto& row : table.rows()) {
    if (const auto* word = std::get_if<std::string>(&row[column])) {
      throw Error(ErrorCode::not_possible, fmt::format("{}: must hold numbers; line {} holds '{}'", table.columns()[column],
                                                       numbers.size() + 2, word->substr(0, 40)));
    }
    const auto* number = std::get_if<double>(&row[column]);
    numbers.push_back(number ? *number : std::numeric_limits<double>::quiet_NaN());
  }
  return numbers;
}

std::vector<std::string> words_of(const Table& table, std::size_t column) {
  std::vector<std::string> words;
  words.reserve(table.rows().size());
  for (const auto& row : table.rows()) {
    const auto* word = std::get_if<std::string>(&row[column]);
    const auto* number = std::get_if<double>(&row[column]);
    words.push_back(word ? *word : number ? fmt::format("{}", *number) : std::string());
  }
  return words;
}

}  // namespace gantry
