// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/survival_analysis.h"

#include <set>

#include "gantry/base/text.h"
#include "gantry/cohort/columns.h"
#include "gantry/statistics/distributions.h"
#include "gantry/statistics/survival.h"
#include "gantry/visualization/chart.h"

namespace gantry {

namespace {

constexpr std::size_t most_groups = 12, most_covariates = 100;

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

/// The curve as the stairs that it is.
Chart::Series stairs(const std::string& name, const statistics::SurvivalCurve& curve) {
  Chart::Series series{.name = name, .x = {0}, .y = {100}, .low = {100}, .high = {100}};
  const auto add = [&](double x, double y, double low, double high) {
    series.x.push_back(x);
    series.y.push_back(100 * y);
    series.low.push_back(100 * low);
    series.high.push_back(100 * high);
  };
  double survival = 1, lower = 1, upper = 1;
  for (const auto& step : curve.steps) {
    add(step.time, survival, lower, upper);
    survival = step.survival, lower = step.lower, upper = step.upper;
    add(step.time, survival, lower, upper);
  }
  return series;
}

Json json_of(const statistics::CoxModel& model, const std::vector<std::string>& names, double confidence) {
  const double z = statistics::normal_quantile(0.5 + 0.5 * confidence);
  Json covariates = Json::object();
  for (std::size_t n = 0; n < names.size(); ++n) {
    const auto& one = model.covariates[n];
    covariates[names[n]] = {{"coefficient", one.coefficient},
                            {"standard_error", one.standard_error},
                            {"hazard_ratio", std::exp(one.coefficient)},
                            {"lower", std::exp(one.coefficient - z * one.standard_error)},
                            {"upper", std::exp(one.coefficient + z * one.standard_error)},
                            {"z", one.z},
                            {"p", one.p}};
  }
  return {{"covariates", covariates},
          {"log_likelihood", model.log_likelihood},
          {"null_log_likelihood", model.null_log_likelihood},
          {"likelihood_ratio", model.likelihood_ratio},
          {"p", model.p},
          {"concordance", model.concordance}};
}

}  // namespace

void SurvivalAnalysis::describe(Description<SurvivalAnalysis>& d) {
  d.summary("Estimates survival with Kaplan-Meier curves, compares groups by the log-rank test and models covariates by Cox's regression.");
  d.input("table", "One subject a row");
  d.parameter("time", &SurvivalAnalysis::time, "Column of the time to the event or to the end of observation, in any unit");
  d.parameter("event", &SurvivalAnalysis::event, "Column that holds 1 where the event came and 0 where observation ended");
  d.parameter("group", &SurvivalAnalysis::group, "Column whose words part the subjects into groups; empty for one group");
  d.parameter("covariates", &SurvivalAnalysis::covariates, "Columns of Cox's model, joined by commas; empty for none");
  d.parameter("confidence", &SurvivalAnalysis::confidence, "Of the intervals").range(0.5, 0.9999);
  d.output("result", &Result::result, "Medians, log-rank test and Cox's model");
  d.output("curves", &Result::curves, "Survival at each time of each group");
  d.output("figure", &Result::figure, "The curves with their intervals");
  d.example(
      "gantry statistics survival cohort.csv survival.json --time months --event died --group stage --covariates age,volume_ml --figure "
      "survival.png");
  d.reference("Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. JASA 1958; 53:457-481.");
  d.reference(
      "Mantel N. Evaluation of survival data and two new rank order statistics arising in its consideration. Cancer Chemotherapy Reports "
      "1966; 50:163-170.");
  d.reference("Cox DR. Regression models and life-tables. J R Stat Soc B 1972; 34:187-220.");
  d.reference("Efron B. The efficiency of Cox's likelihood function for censored data. JASA 1977; 72:557-565.");
}

SurvivalAnalysis::Result SurvivalAnalysis::operator()(const Table& table, Run& run) const {
  check_parameters(*this);
  const std::vector<double> times = numbers_of(table, column_of(table, time, "time"));
  const std::vector<double> events = numbers_of(table, column_of(table, event, "event"));
  const std::vector<std::string> words =
      group.empty() ? std::vector<std::string>(times.size(), "all") : words_of(table, column_of(table, group, "group"));
  std::vector<std::string> names;
  std::vector<std::vector<double>> columns;
  for (const std::string& part : covariates.empty() ? std::vector<std::string>() : split(covariates, ',')) {
    names.emplace_back(trim(part));
    if (names.size() > most_covariates) throw Error(ErrorCode::parameter, fmt::format("covariates: may be {}", most_covariates));
    columns.push_back(numbers_of(table, column_of(table, names.back(), "covariates")));
  }

  statistics::Observations all;
  std::vector<std::string> kept_words;
  std::vector<double> values;
  for (std::size_t n = 0; n < times.size(); ++n) {
    const bool missing = std::isnan(times[n]) || std::isnan(events[n]) || words[n].empty() ||
                         std::any_of(columns.begin(), columns.end(), [&](const auto& column) { return std::isnan(column[n]); });
    if (missing) continue;
    if (events[n] != 0 && events[n] != 1)
      throw Error(ErrorCode::not_possible, fmt::format("{}: must be 0 or 1; line {} holds {}", event, n + 2, events[n]));
    all.time.push_back(times[n]);
    all.event.push_back(events[n] == 1 ? 1 : 0);
    kept_words.push_back(words[n]);
    for (const auto& column : columns) values.push_back(column[n]);
  }
  const std::set<std::string> found(kept_words.begin(), kept_words.end());
  const std::vector<std::string> groups(found.begin(), found.end());
  if (groups.size() > most_groups)
    throw Error(ErrorCode::not_possible, fmt::format("{}: may part subjects into {} groups; got {}", group, most_groups, groups.size()));
  if (groups.empty()) throw Error(ErrorCode::not_possible, "subjects: no row is complete");

  Result result{.result = {{"groups", Json::object()}, {"left_out", times.size() - all.time.size()}},
                .curves = Table({"group", "time", "at_risk", "events", "censored", "survival", "standard_error", "lower", "upper"})};
  Chart chart{.x_axis = time, .y_axis = "Survival (%)"};
  std::vector<int> numbers;
  for (const std::string& word : kept_words) numbers.push_back(static_cast<int>(std::ranges::lower_bound(groups, word) - groups.begin()));
  for (std::size_t g = 0; g < groups.size(); ++g) {
    run.progress(static_cast<double>(g) / static_cast<double>(groups.size()), "curves");
    statistics::Observations own;
    for (std::size_t n = 0; n < numbers.size(); ++n) {
      if (numbers[n] != static_cast<int>(g)) continue;
      own.time.push_back(all.time[n]);
      own.event.push_back(all.event[n]);
    }
    const statistics::SurvivalCurve curve = statistics::kaplan_meier(own, confidence);
    result.result["groups"][groups[g]] = {{"subjects", curve.subjects},
                                          {"events", curve.events},
                                          {"median", or_null(curve.median)},
                                          {"median_lower", or_null(curve.median_lower)},
                                          {"median_upper", or_null(curve.median_upper)}};
    const auto number = [](std::int64_t value) { return static_cast<double>(value); };
    for (const auto& step : curve.steps) {
      result.curves.add({groups[g], step.time, number(step.at_risk), number(step.events), number(step.censored), step.survival,
                         step.standard_error, step.lower, step.upper});
    }
    chart.series.push_back(stairs(group.empty() ? "survival" : groups[g], curve));
  }
  if (groups.size() > 1) {
    const statistics::LogRank test = statistics::log_rank(all, numbers);
    result.result["log_rank"] = {{"chi_squared", test.chi_squared},
                                 {"degrees", test.degrees},
                                 {"p", test.p},
                                 {"observed", test.observed},
                                 {"expected", test.expected}};
  }
  if (!names.empty()) result.result["cox"] = json_of(statistics::cox(all, values, names), names, confidence);
  result.figure = chart_image(chart, 720, 480);
  return result;
}

}  // namespace gantry
