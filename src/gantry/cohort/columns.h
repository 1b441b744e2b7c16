// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/base/table.h"

namespace gantry {

/// Position of a column. `parameter` is what names it, for the error: Error(parameter) that lists the columns when there is none.
std::size_t column_of(const Table& table, const std::string& name, const std::string& parameter);
/// Its cells as numbers; NaN for empty cells. Error(not_possible), with the line, for a word.
std::vector<double> numbers_of(const Table& table, std::size_t column);
/// Its cells as words, numbers in their shortest form; empty for empty cells.
std::vector<std::string> words_of(const Table& table, std::size_t column);

}  // namespace gantry
