// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/methods.h"

#include <array>

#include "gantry/analysis/chest_film.h"
#include "gantry/analysis/head_mr.h"
#include "gantry/analysis/other.h"
#include "gantry/analysis/pet.h"

namespace gantry::analysis {

namespace {

constexpr std::array table{
    MethodRow{"chest_ct", analyze_chest_ct}, MethodRow{"any_ct", analyze_any_ct},         MethodRow{"head_mr", analyze_head_mr},
    MethodRow{"pet", analyze_pet},           MethodRow{"chest_film", analyze_chest_film}, MethodRow{"other", analyze_other},
};

}  // namespace

std::span<const MethodRow> methods() { return table; }

Method find_method(std::string_view id) {
  for (const MethodRow& row : table) {
    if (row.id == id) return row.method;
  }
  return nullptr;
}

}  // namespace gantry::analysis
