// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gantry::statistics {

/// Receiver operating characteristic of scores, of which higher ones speak for the positive class.
struct Roc {
  /// What calls every score of at least `threshold` positive.
  struct Point {
    double threshold = 0, sensitivity = 0, specificity = 0;
  };
  double area = 0;            ///< Mann-Whitney: ties count half
  double standard_error = 0;  ///< DeLong
  std::int64_t positives = 0, negatives = 0;
  std::vector<Point> points;  ///< a threshold for each different score, falling, behind one at infinity: from (0, 1) to (1, 0)
  /// The point of the largest sensitivity + specificity (Youden); of several the one with the highest threshold.
  Point best() const;
};

/// Two areas on the same cases.
struct RocComparison {
  double difference = 0;      ///< first - second
  double standard_error = 0;  ///< of the difference, with their covariance
  double z = 0, p = 1;        ///< two-sided; 0 and 1 when both areas are the same without any spread
};

/// The area alone, of finite scores: NaN when a class has no case.
double roc_area(std::span<const double> scores, std::span<const std::uint8_t> positive);
/// `positive` is 0 or 1 for each score. Throws Error(not_possible) unless there are two cases of either class, or a score is no finite
/// number. Cost n log n. DeLong ER et al. Biometrics 1988; 44:837-845. Sun X, Xu W. IEEE Signal Process Lett 2014; 21:1389-1393.
Roc roc(std::span<const double> scores, std::span<const std::uint8_t> positive);
RocComparison compare_roc(std::span<const double> first, std::span<const double> second, std::span<const std::uint8_t> positive);

}  // namespace gantry::statistics
