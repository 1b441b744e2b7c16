// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/statistics/roc.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gantry/base/error.h"
#include "gantry/statistics/distributions.h"
#include "gantry/statistics/ranks.h"

namespace gantry::statistics {

namespace {

/// The structural components of the area: its mean over the negatives for each positive case, and the other way round.
struct Components {
  std::vector<double> positive, negative;
  double area = 0;
};

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double covariance(std::span<const double> a, std::span<const double> b) {
  const double mean_a = mean(a), mean_b = mean(b);
  double sum = 0;
  for (std::size_t n = 0; n < a.size(); ++n) sum += (a[n] - mean_a) * (b[n] - mean_b);
  return sum / static_cast<double>(a.size() - 1);
}

double covariance(const Components& a, const Components& b) {
  return covariance(a.positive, b.positive) / static_cast<double>(a.positive.size()) +
         covariance(a.negative, b.negative) / static_cast<double>(a.negative.size());
}

Components components(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  if (scores.size() != positive.size()) throw Error(ErrorCode::internal, "scores: must be as many as cases");
  std::vector<double> with, without;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    if (!std::isfinite(scores[n])) throw Error(ErrorCode::not_possible, "score: must be a finite number");
    (positive[n] ? with : without).push_back(scores[n]);
  }
  if (with.size() < 2 || without.size() < 2) {
    throw Error(ErrorCode::not_possible,
                fmt::format("classes: need two cases each; there are {} positive and {} negative ones", with.size(), without.size()));
  }
  const std::vector<double> all = mid_ranks(scores), among_with = mid_ranks(with), among_without = mid_ranks(without);
  const auto m = static_cast<double>(with.size()), k = static_cast<double>(without.size());
  Components result;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    if (positive[n]) {
      result.positive.push_back((all[n] - among_with[result.positive.size()]) / k);
    } else {
      result.negative.push_back(1 - (all[n] - among_without[result.negative.size()]) / m);
    }
  }
  result.area = mean(result.positive);
  return result;
}

}  // namespace

Roc::Point Roc::best() const {
  return *std::max_element(points.begin(), points.end(),
                           [](const Point& a, const Point& b) { return a.sensitivity + a.specificity < b.sensitivity + b.specificity; });
}

double roc_area(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  const std::vector<double> ranks = mid_ranks(scores);
  double sum = 0, positives = 0;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    if (positive[n]) sum += ranks[n], ++positives;
  }
  const double pairs = positives * (static_cast<double>(scores.size()) - positives);
  return pairs > 0 ? (sum - 0.5 * positives * (positives + 1)) / pairs : std::numeric_limits<double>::quiet_NaN();
}

Roc roc(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  const Components parts = components(scores, positive);
  Roc result;
  result.area = parts.area;
  result.standard_error = std::sqrt(covariance(parts, parts));
  result.positives = static_cast<std::int64_t>(parts.positive.size());
  result.negatives = static_cast<std::int64_t>(parts.negative.size());
  const std::vector<std::size_t> order = rising_order(scores);
  result.points.push_back({std::numeric_limits<double>::infinity(), 0, 1});
  std::int64_t found = 0, wrong = 0;
  for (std::size_t n = order.size(); n-- > 0;) {
    (positive[order[n]] ? found : wrong) += 1;
    if (n > 0 && scores[order[n - 1]] == scores[order[n]]) continue;
    result.points.push_back({scores[order[n]], static_cast<double>(found) / static_cast<double>(result.positives),
                             1 - static_cast<double>(wrong) / static_cast<double>(result.negatives)});
  }
  return result;
}

RocComparison compare_roc(std::span<const double> first, std::span<const double> second, std::span<const std::uint8_t> positive) {
  const Components a = components(first, positive), b = components(second, positive);
  RocComparison result;
  result.difference = a.area - b.area;
  result.standard_error = std::sqrt(std::max(0.0, covariance(a, a) + covariance(b, b) - 2 * covariance(a, b)));
  if (result.difference != 0 || result.standard_error > 0) result.z = result.difference / result.standard_error;
  result.p = normal_two_sided(result.z);
  return result;
}

}  // namespace gantry::statistics
