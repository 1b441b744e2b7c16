// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "gantry/base/json.h"
#include "gantry/base/run.h"

namespace gantry::learning {

/// Rows of `classes` numbers, one row a case.
struct Table {
  std::size_t classes = 0;
  std::vector<double> values;
  std::size_t rows() const { return classes == 0 ? 0 : values.size() / classes; }
  std::span<const double> row(std::size_t n) const { return {values.data() + n * classes, classes}; }
};

/// Each row's softmax of scores / temperature, in double precision.
Table softmax(const Table& scores, double temperature);

/// How scores become probabilities: softmax(score / temperature + log(prior / share)).
struct Calibration {
  double temperature = 1;
  /// How frequent each class is in the training part, and how frequent it is assumed to be (Saerens et al. 2002); empty: as in the
  /// training part.
  std::vector<double> shares, prior;
};
/// The `calibration` of a manifest for so many classes. Throws Error(unreadable) that names the member.
Calibration parse_calibration(const Json& json, std::size_t classes);
Json to_json(const Calibration& calibration);
Table calibrated(const Table& scores, const Calibration& calibration);

/// Mean of -log of the probability given to the true class.
double cross_entropy(const Table& probabilities, std::span<const int> labels);

/// Area under the curve (of the last of two classes; of more, the mean of each against the others) and share of cases whose greatest
/// probability is that of their class.
std::pair<double, double> auc_and_accuracy(const Table& probabilities, std::span<const int> labels);

/// Expected calibration error: confidence (greatest probability) in 15 equal bins, mean over cases of |accuracy - mean confidence| of their
/// bin (Guo et al. 2017).
double expected_calibration_error(const Table& probabilities, std::span<const int> labels);

/// The temperature in [0.05, 20] with the least cross entropy of softmax(scores / T), by golden section of log T to 1e-6: one number, so
/// that the order of classes stays (Guo et al. 2017).
double fit_temperature(const Table& scores, std::span<const int> labels);

/// How good probabilities are. For two classes the last one is the positive one.
struct ClassificationScores {
  std::size_t cases = 0;
  double auc = 0;  ///< of the positive class; for more classes the mean of each against the others
  double accuracy = 0, calibration_error = 0, brier = 0, cross_entropy = 0;
  double sensitivity = 0, specificity = 0;                                                  ///< two classes, at the greatest probability
  std::array<double, 2> auc_interval{}, accuracy_interval{}, calibration_error_interval{};  ///< 95 %, percentiles of 1000 bootstraps
  std::vector<std::vector<std::int64_t>> confusion;                                         ///< [true class][given class]
};

/// Everything of `ClassificationScores`; bootstrap over cases with the Run's seed. Throws Error(parameter) when there is no case.
ClassificationScores score(const Table& probabilities, std::span<const int> labels, const Run& run);

/// As JSON, rounded to 4 places; `auc`, `accuracy`, `ece`, ... with intervals beside.
Json to_json(const ClassificationScores& scores, const std::vector<std::string>& classes);

}  // namespace gantry::learning
