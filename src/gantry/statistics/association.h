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

/// A column ready to be compared with many: without its mean. Empty when a value is not finite.
struct Centred {
  std::vector<double> values;
  double squares = 0;     ///< sum of their squares
  bool constant = false;  ///< all are equal but for rounding
};
Centred centred(std::span<const double> values, bool ranks);
/// Of two columns of the same subjects; what `pearson` and, of ranks, `spearman` give.
Correlation correlation(const Centred& a, const Centred& b);

/// q values: the smallest false discovery rate at which each p would still be called. NaN stays and does not count.
/// Benjamini Y, Hochberg Y. J R Stat Soc B 1995; 57:289-300.
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace gantry::statistics
