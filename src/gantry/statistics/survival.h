// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gantry::statistics {

/// Right-censored observations: a time for each subject and whether the event came then (1) or observation ended (0).
struct Observations {
  std::vector<double> time;
  std::vector<std::uint8_t> event;
};

/// The Kaplan-Meier estimate. Kaplan EL, Meier P. JASA 1958; 53:457-481.
struct SurvivalCurve {
  struct Step {
    double time = 0;
    std::int64_t at_risk = 0, events = 0, censored = 0;
    double survival = 1;
    double standard_error = 0;    ///< Greenwood
    double lower = 1, upper = 1;  ///< of the given confidence, on the logarithm of survival
  };
  std::vector<Step> steps;  ///< one for each different time
  std::int64_t subjects = 0, events = 0;
  /// The first time at which survival is at most one half; between two times when it is exactly one half in between. None when it stays
  /// above.
  std::optional<double> median, median_lower, median_upper;
};
/// Throws Error(not_possible) without subjects or for a time that is negative or no finite number. `confidence` in (0, 1).
SurvivalCurve kaplan_meier(const Observations& observations, double confidence = 0.95);

/// The log-rank test of groups 0, 1, ... Mantel N. Cancer Chemother Rep 1966; 50:163-170.
struct LogRank {
  double chi_squared = 0, p = 1;
  int degrees = 0;
  std::vector<double> observed, expected;  ///< events in each group
};
/// Throws Error(not_possible) for fewer than two groups, or without events.
LogRank log_rank(const Observations& observations, std::span<const int> group);

/// Proportional hazards with Efron's likelihood of tied events. Cox DR. J R Stat Soc B 1972; 34:187-220. Efron B. JASA 1977; 72:557-565.
struct CoxModel {
  struct Covariate {
    double coefficient = 0, standard_error = 0, z = 0, p = 1;
  };
  std::vector<Covariate> covariates;
  double log_likelihood = 0, null_log_likelihood = 0;
  double likelihood_ratio = 0, p = 1;  ///< of the whole model against none
  double concordance = 0.5;            ///< share of comparable pairs whose order the model tells; ties of the model count half
  int iterations = 0;
};
/// `values` holds a row of `names.size()` numbers for each subject. Newton's method with halved steps until the likelihood changes by less
/// than 1e-10 of itself. Throws Error(not_possible), naming the covariate where one is to blame, when it does not converge, a covariate is
/// constant or a sum of others, or there are fewer events than covariates. Cost: iterations x subjects x covariates squared.
CoxModel cox(const Observations& observations, std::span<const double> values, const std::vector<std::string>& names);

}  // namespace gantry::statistics
