// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>

#include "gantry/operation/description.h"

namespace gantry {

/// How well a score tells two classes apart: area under the ROC curve with DeLong's interval, the curve itself, and a second score against
/// it on the same cases. Reference page: statistics.roc.
struct RocAnalysis {
  std::string score = "score", label = "label", positive = "1", second;
  double confidence = 0.95;

  struct Result {
    /// {"area", "standard_error", "lower", "upper", "positives", "negatives", "left_out", "best": {"threshold", "sensitivity",
    /// "specificity"}}, and with `second` also "second": the same of it, and "comparison": {"difference", "standard_error", "z", "p"}.
    Json result;
    Table curve;   ///< score, threshold, sensitivity, specificity; the first threshold, infinity, is an empty cell
    Image figure;  ///< RGB
  };
  /// Throws Error(parameter) for a column that is not there, Error(not_possible) for fewer than two cases of a class.
  Result operator()(const Table& table, Run& run) const;
  static void describe(Description<RocAnalysis>& d);
};

}  // namespace gantry
