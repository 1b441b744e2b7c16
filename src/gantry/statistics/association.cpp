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

Correlation of_complete(std::span<const double> a, std::span<const double> b) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  const std::size_t count = a.size();
  Correlation result{static_cast<std::int64_t>(count), unknown, unknown};
  if (count < 3) return result;
  double mean_a = 0, mean_b = 0;
  for (std::size_t n = 0; n < count; ++n) {
    mean_a += a[n] / static_cast<double>(count);
    mean_b += b[n] / static_cast<double>(count);
  }
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t n = 0; n < count; ++n) {
    aa += (a[n] - mean_a) * (a[n] - mean_a);
    bb += (b[n] - mean_b) * (b[n] - mean_b);
    ab += (a[n] - mean_a) * (b[n] - mean_b);
  }
  const auto constant = [&](double sum, double mean) { return !(sum > 1e-24 * (1e-200 + mean * mean) * static_cast<double>(count)); };
  if (constant(aa, mean_a) || constant(bb, mean_b)) return result;
  result.r = std::clamp(ab / std::sqrt(aa) / std::sqrt(bb), -1.0, 1.0);
  const double degrees = static_cast<double>(count) - 2;
  result.p = student_two_sided(result.r * std::sqrt(degrees / ((1 - result.r) * (1 + result.r))), degrees);
  return result;
}

}  // namespace

Correlation pearson(std::span<const double> a, std::span<const double> b) {
  const auto [first, second] = complete_rows(a, b);
  return of_complete(first, second);
}

Correlation spearman(std::span<const double> a, std::span<const double> b) {
  const auto [first, second] = complete_rows(a, b);
  return of_complete(mid_ranks(first), mid_ranks(second));
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
