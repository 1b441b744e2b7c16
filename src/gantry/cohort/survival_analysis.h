// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>

#include "gantry/operation/description.h"

namespace gantry {

/// Survival of groups: Kaplan-Meier curves with intervals, the log-rank test between them, and Cox's model of covariates.
/// Reference page: statistics.survival.
struct SurvivalAnalysis {
  std::string time = "time", event = "event", group, covariates;
  double confidence = 0.95;

  struct Result {
    /// {"groups": {name: {"subjects", "events", "median", "median_lower", "median_upper"}}, "left_out"}; with `group` also "log_rank":
    /// {"chi_squared", "degrees", "p", "observed", "expected"}; with `covariates` also "cox": {"covariates": {name: {"coefficient",
    /// "standard_error", "hazard_ratio", "lower", "upper", "z", "p"}}, "log_likelihood", "null_log_likelihood", "likelihood_ratio", "p",
    /// "concordance"}. Times that are not reached are null.
    Json result;
    Table curves;  ///< group, time, at_risk, events, censored, survival, standard_error, lower, upper
    Image figure;  ///< RGB
  };
  /// Throws Error(parameter) for a column that is not there, Error(not_possible) for what cannot be estimated, with the reason.
  Result operator()(const Table& table, Run& run) const;
  static void describe(Description<SurvivalAnalysis>& d);
};

}  // namespace gantry
