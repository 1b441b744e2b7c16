// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string_view>

#include "gantry/base/table.h"

namespace gantry {

/// A small table whose statistics are known, by name; throws Error(usage) that lists the names.
/// `readers`: 12 cases with columns case, reader_a, reader_b, truth (7 of 1, 5 of 0); the areas are 0.8 and 27/35.
/// `remission`: 42 patients of the trial of 6-mercaptopurine with columns arm, treated, weeks, relapse (Freireich EJ et al. Blood 1963;
/// 21:699). `features`, `genes`: 40 subjects by `id`, in opposite orders; volume rises with gene_1 and density falls with gene_2, the other
/// pairs of 3 features and 4 genes are independent draws.
Table phantom_table(std::string_view name);

}  // namespace gantry
