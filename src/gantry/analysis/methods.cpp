// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/methods.h"

#include <array>

namespace gantry::analysis {

namespace {

constexpr std::array<MethodRow, 0> table{};

}  // namespace

std::span<const MethodRow> methods() { return table; }

Method find_method(std::string_view id) {
  for (const MethodRow& row : table) {
    if (row.id == id) return row.method;
  }
  return nullptr;
}

}  // namespace gantry::analysis
