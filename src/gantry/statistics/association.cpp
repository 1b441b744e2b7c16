// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/statistics/association.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "gantry/statistics/distributions.h"
#include "gantry/statistics/ranks.h"

namespace gantry::statistics {

namespace {

std::pair<std::vector<double>, std::vector<double>> complete_rows(std::span<const double> a, std::span<const double> b) {
  std::pair<std::vector<double>, std::vector<double>> rows;
  for (std::size_t n = 0; n < std::min(a.size(), b.size()); ++n) {
    if (!std::isfinite(a[n]) || !std::isfinite(b[n])) continue;
    rows.first.push_back(a[n]);
    rows.second.push_back(b[n]);
  }
  return rows;
}

}  // namespace

Centred centred(std::span<const double> values, bool ranks) {
  if (!std::ranges::all_of(values, [](double v) { return std::isfinite(v); })) return {};
  const auto count = static_cast<double>(values.size());
  Centred result{ranks ? mid_ranks(values) : std::vector<double>(values.begin(), values.end())};
  double mean = 0;
  for (const double v : result.values) mean += v / count;
  for (double& v : result.values) {
    v -= mean;
    result.squares += v * v;
  }
  result.constant = !(result.squares > 1e-24 * (1e-200 + mean * mean) * count);
  return result;
}

Correlation correlation(const Centred& a, const Centred& b) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  const std::size_t count = std::min(a.values.size(), b.values.size());
  Correlation result{static_cast<std::int64_t>(count), unknown, unknown};
  if (count < 3 || a.constant || b.constant) return result;
  double product = 0;
  for (std::size_t n = 0; n < count; ++n) product += a.values[n] * b.values[n];
  result.r = std::clamp(product / std::sqrt(a.squares) / std::sqrt(b.squares), -1.0, 1.0);
  const double degrees = static_cast<double>(count) - 2;
  result.p = student_two_sided(result.r * std::sqrt(degrees / ((1 - result.r) * (1 + result.r))), degrees);
  return result;
}

Correlation pearson(std::span<const double> a, std::span<const double> b) {
  const auto [first, second] = complete_rows(a, b);
  return correlation(centred(first, false), centred(second, false));
}

Correlation spearman(std::span<const double> a, std::span<const double> b) {
  const auto [first, second] = complete_rows(a, b);
  return correlation(centred(first, true), centred(second, true));
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  std::vector<std::size_t> order;
  for (std::size_t n = 0; n < p.size(); ++n) {
    if (!std::isnan(p[n])) order.push_back(n);
  }
  std::ranges::sort(order, {}, [&](std::size_t n) { return p[n]; });
  std::vector<double> q(p.begin(), p.end());
  double least = 1;
  for (std::size_t rank = order.size(); rank > 0; --rank) {
    const std::size_t n = order[rank - 1];
    least = std::min(least, p[n] * static_cast<double>(order.size()) / static_cast<double>(rank));
    q[n] = least;
  }
  return q;
}

}  // namespace gantry::statistics
