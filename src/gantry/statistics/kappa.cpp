// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/statistics/kappa.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "gantry/base/error.h"

namespace gantry::statistics {

namespace {

constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

[[noreturn]] void refuse_counts(const char* rule) { throw Error(ErrorCode::parameter, fmt::format("counts: {}", rule)); }

}  // namespace

Kappa cohen_kappa(std::span<const std::int64_t> counts, std::size_t categories) {
  if (categories == 0 || counts.size() != categories * categories) refuse_counts("must be a square table");
  double total = 0;
  std::vector<double> rows(categories), columns(categories);
  for (std::size_t i = 0; i < categories; ++i) {
    for (std::size_t j = 0; j < categories; ++j) {
      const std::int64_t count = counts[i * categories + j];
      if (count < 0) refuse_counts("must not be negative");
      total += static_cast<double>(count);
      rows[i] += static_cast<double>(count);
      columns[j] += static_cast<double>(count);
    }
  }
  if (!(total > 0)) refuse_counts("must hold at least one case");
  Kappa result;
  for (std::size_t i = 0; i < categories; ++i) {
    rows[i] /= total;
    columns[i] /= total;
    result.observed += static_cast<double>(counts[i * categories + i]) / total;
    result.expected += rows[i] * columns[i];
  }
  const double room = 1 - result.expected;
  if (!(room > 1e-15)) {
    result.kappa = result.standard_error = not_known;
    return result;
  }
  result.kappa = (result.observed - result.expected) / room;
  // Fleiss, Cohen and Everitt 1969, equation 13.
  double diagonal = 0, others = 0;
  const double rest = 1 - result.observed;
  for (std::size_t i = 0; i < categories; ++i) {
    for (std::size_t j = 0; j < categories; ++j) {
      const double share = static_cast<double>(counts[i * categories + j]) / total;
      const double margins = columns[i] + rows[j];
      if (i == j) {
        const double part = room - (rows[i] + columns[i]) * rest;
        diagonal += share * part * part;
      } else {
        others += share * margins * margins;
      }
    }
  }
  const double last = result.observed * result.expected - 2 * result.expected + result.observed;
  const double variance = (diagonal + rest * rest * others - last * last) / (total * room * room * room * room);
  result.standard_error = std::sqrt(std::max(0.0, variance));
  return result;
}

Kappa fleiss_kappa(std::span<const std::int64_t> patterns, std::span<const std::int64_t> times, std::size_t categories) {
  if (categories == 0 || times.empty() || patterns.size() != times.size() * categories)
    refuse_counts("must be a row of categories a pattern");
  std::vector<double> shares(categories);
  double raters = 0, subjects = 0, agreement = 0;
  for (std::size_t n = 0; n < times.size(); ++n) {
    if (times[n] < 0) refuse_counts("must not be negative");
    double sum = 0, squares = 0;
    for (std::size_t c = 0; c < categories; ++c) {
      const std::int64_t count = patterns[n * categories + c];
      if (count < 0) refuse_counts("must not be negative");
      const auto value = static_cast<double>(count);
      sum += value;
      squares += value * value;
      shares[c] += value * static_cast<double>(times[n]);
    }
    if (n == 0) raters = sum;
    if (sum != raters || !(sum >= 2)) refuse_counts("every row must add up to the number of raters, at least two");
    subjects += static_cast<double>(times[n]);
    agreement += static_cast<double>(times[n]) * (squares - raters) / (raters * (raters - 1));
  }
  if (!(subjects > 0)) refuse_counts("must hold at least one case");
  Kappa result;
  result.observed = agreement / subjects;
  double first = 0, second = 0;
  for (double& share : shares) {
    share /= subjects * raters;
    result.expected += share * share;
    first += share * (1 - share);
    second += share * (1 - share) * (1 - 2 * share);
  }
  const double room = 1 - result.expected;
  if (!(room > 1e-15)) {
    result.kappa = result.standard_error = not_known;
    return result;
  }
  result.kappa = (result.observed - result.expected) / room;
  result.standard_error = std::sqrt(2 * std::max(0.0, first * first - second)) / (first * std::sqrt(subjects * raters * (raters - 1)));
  return result;
}

}  // namespace gantry::statistics
