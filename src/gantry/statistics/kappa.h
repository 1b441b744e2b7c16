// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gantry::statistics {

/// Agreement beyond chance.
struct Kappa {
  double observed = 0, expected = 0;  ///< shares of agreeing judgements: as they are, and by chance
  double kappa = 0;                   ///< (observed - expected) / (1 - expected); NaN when chance alone gives 1
  double standard_error = 0;          ///< for an interval (Cohen's), under the hypothesis of no agreement (Fleiss's); NaN where kappa is
};

/// Cohen's kappa of two raters: `counts` is a square table, row by row, of how often the first chose the row's category and the second the
/// column's. The standard error is the large-sample one of Fleiss, Cohen and Everitt. Cohen J. Educ Psychol Meas 1960; 20:37-46. Fleiss JL
/// et al. Psychol Bull 1969; 72:323-327. Throws Error(parameter) when the table is not square, negative, or empty.
Kappa cohen_kappa(std::span<const std::int64_t> counts, std::size_t categories);

/// Fleiss's kappa of any number of raters: `patterns` are rows of how many raters chose each category, each seen `times` times; every row
/// adds up to the number of raters, at least two. The standard error is that under no agreement. Fleiss JL. Psychol Bull 1971; 76:378-382;
/// Fleiss JL, Nee JCM, Landis JR. Psychol Bull 1979; 86:974-977. Throws Error(parameter) when they do not.
Kappa fleiss_kappa(std::span<const std::int64_t> patterns, std::span<const std::int64_t> times, std::size_t categories);

}  // namespace gantry::statistics
