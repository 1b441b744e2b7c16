// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gantry::statistics {

/// Correlation of two columns over the rows where both are finite numbers.
struct Correlation {
  std::int64_t count = 0;  ///< of such rows
  double r = 0, p = 1;     ///< two-sided p of Student's distribution with count - 2 degrees of freedom; NaN when it cannot be told
};
/// Pearson's correlation; NaN below three rows or for a constant column.
Correlation pearson(std::span<const double> a, std::span<const double> b);
/// Pearson's correlation of the ranks, ties by their mean. Spearman C. Am J Psychol 1904; 15:72-101.
Correlation spearman(std::span<const double> a, std::span<const double> b);

/// q values: the smallest false discovery rate at which each p would still be called. NaN stays and does not count.
/// Benjamini Y, Hochberg Y. J R Stat Soc B 1995; 57:289-300.
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace gantry::statistics
