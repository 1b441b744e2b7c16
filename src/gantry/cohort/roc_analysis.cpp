// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/roc_analysis.h"

#include "gantry/cohort/columns.h"
#include "gantry/statistics/distributions.h"
#include "gantry/statistics/roc.h"
#include "gantry/visualization/chart.h"

namespace gantry {

namespace {

Json json_of(const statistics::Roc& roc, double confidence) {
  const double spread = statistics::normal_quantile(0.5 + 0.5 * confidence) * roc.standard_error;
  const statistics::Roc::Point best = roc.best();
  return {{"area", roc.area},
          {"standard_error", roc.standard_error},
          {"lower", std::max(0.0, roc.area - spread)},
          {"upper", std::min(1.0, roc.area + spread)},
          {"positives", roc.positives},
          {"negatives", roc.negatives},
          {"best",
           {{"threshold", std::isfinite(best.threshold) ? Json(best.threshold) : Json()},
            {"sensitivity", best.sensitivity},
            {"specificity", best.specificity}}}};
}

void add(Table& curve, Chart& chart, const std::string& name, const statistics::Roc& roc) {
  Chart::Series series{.name = fmt::format("{}: {:.3f}", name, roc.area)};
  for (const auto& point : roc.points) {
    std::vector<Table::Cell> row{name, {}, point.sensitivity, point.specificity};
    if (std::isfinite(point.threshold)) row[1] = point.threshold;
    curve.add(std::move(row));
    series.x.push_back(100 * (1 - point.specificity));
    series.y.push_back(100 * point.sensitivity);
  }
  chart.series.push_back(std::move(series));
}

}  // namespace

void RocAnalysis::describe(Description<RocAnalysis>& d) {
  d.summary(
      "Measures how well a score tells two classes apart: ROC curve, its area with DeLong's interval, and the comparison of two scores.");
  d.input("table", "One case a row");
  d.parameter("score", &RocAnalysis::score, "Column of the score; higher speaks for the positive class");
  d.parameter("label", &RocAnalysis::label, "Column of the true class");
  d.parameter("positive", &RocAnalysis::positive, "What stands there for the positive class; every other word is the negative one");
  d.parameter("second", &RocAnalysis::second, "Column of a second score that is compared with the first on the same cases; empty for none");
  d.parameter("confidence", &RocAnalysis::confidence, "Of the interval").range(0.5, 0.9999);
  d.output("result", &Result::result, "Area with standard error and interval, numbers of cases, best threshold (Youden), comparison");
  d.output("curve", &Result::curve, "Sensitivity and specificity at each threshold");
  d.output("figure", &Result::figure, "The curve");
  d.example("gantry statistics roc readings.csv roc.json --score model --label malignant --second reader --figure roc.png");
  d.reference(
      "DeLong ER, DeLong DM, Clarke-Pearson DL. Comparing the areas under two or more correlated receiver operating characteristic curves. "
      "Biometrics 1988; 44:837-845.");
  d.reference("Sun X, Xu W. Fast implementation of DeLong's algorithm. IEEE Signal Processing Letters 2014; 21:1389-1393.");
  d.reference("Youden WJ. Index for rating diagnostic tests. Cancer 1950; 3:32-35.");
}

RocAnalysis::Result RocAnalysis::operator()(const Table& table, Run&) const {
  check_parameters(*this);
  std::vector<std::vector<double>> scores{numbers_of(table, column_of(table, score, "score"))};
  if (!second.empty()) scores.push_back(numbers_of(table, column_of(table, second, "second")));
  const std::vector<std::string> labels = words_of(table, column_of(table, label, "label"));
  std::vector<std::vector<double>> kept(scores.size());
  std::vector<std::uint8_t> truth;
  for (std::size_t n = 0; n < labels.size(); ++n) {
    if (labels[n].empty() || std::any_of(scores.begin(), scores.end(), [&](const auto& s) { return std::isnan(s[n]); })) continue;
    truth.push_back(labels[n] == positive ? 1 : 0);
    for (std::size_t s = 0; s < scores.size(); ++s) kept[s].push_back(scores[s][n]);
  }
  Result result{.curve = Table({"score", "threshold", "sensitivity", "specificity"})};
  Chart chart{.x_axis = "1 - specificity (%)", .y_axis = "Sensitivity (%)"};
  const statistics::Roc first = statistics::roc(kept[0], truth);
  result.result = json_of(first, confidence);
  result.result["left_out"] = labels.size() - truth.size();
  add(result.curve, chart, score, first);
  if (!second.empty()) {
    const statistics::Roc other = statistics::roc(kept[1], truth);
    const statistics::RocComparison comparison = statistics::compare_roc(kept[0], kept[1], truth);
    result.result["second"] = json_of(other, confidence);
    result.result["comparison"] = {
        {"difference", comparison.difference}, {"standard_error", comparison.standard_error}, {"z", comparison.z}, {"p", comparison.p}};
    add(result.curve, chart, second, other);
  }
  chart.series.push_back({.name = "chance", .x = {0, 100}, .y = {0, 100}, .color = {0x9a, 0xa5, 0xb1}});
  result.figure = chart_image(chart, 640, 480);
  return result;
}

}  // namespace gantry
