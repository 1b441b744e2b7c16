// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gantry/archive/archive.h"

namespace gantry::archive {

/// A condition in SQL with the text of its parameters.
struct Condition {
  std::string sql;
  std::vector<std::string> parameters;
};

/// The keys of a query as a condition over the tables `study`, `series` and `instance` (PS3.4 C.2.2.2), " AND " before each. Keys of levels
/// below the query's are left out. Error(parameter) for a malformed range or an unknown keyword.
Condition condition_of(const Query& query);

}  // namespace gantry::archive
