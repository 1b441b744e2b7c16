// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gantry/base/error.h"
#include "gantry/base/test_support.h"
#include "gantry/base/text.h"
#include "gantry/statistics/association.h"
#include "gantry/statistics/distributions.h"
#include "gantry/statistics/ranks.h"
#include "gantry/statistics/roc.h"
#include "gantry/statistics/survival.h"

// Values with many digits come from R 4.2 with survival 3.5 and pROC 1.18.
namespace gantry::statistics::statistics_test {
namespace {

using Doubles = std::vector<double>;

TEST(Distributions, agree_with_tables) {
  EXPECT_NEAR(normal_two_sided(1.959963984540054), 0.05, 1e-14);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
  EXPECT_NEAR(chi_squared_above(3.841458820694124, 1), 0.05, 1e-12);
  EXPECT_NEAR(student_two_sided(2.2281388519862739, 10), 0.05, 1e-12);
  EXPECT_TRUE(std::isnan(student_two_sided(std::nan(""), 3)));
}

TEST(Ranks, share_the_mean_among_equals) { EXPECT_EQ(mid_ranks(Doubles{5, 1, 5, 7, 1}), (Doubles{3.5, 1.5, 3.5, 5, 1.5})); }

const Doubles reader_a{0.9, 0.8, 0.8, 0.7, 0.55, 0.5, 0.5, 0.4, 0.3, 0.1, 0.95, 0.35};
const Doubles reader_b{0.6, 0.9, 0.4, 0.45, 0.7, 0.65, 0.2, 0.3, 0.5, 0.1, 0.8, 0.55};
const std::vector<std::uint8_t> truth{1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1};

TEST(Roc, has_area_and_spread_of_delong) {
  const Roc r = roc(reader_a, truth);
  EXPECT_NEAR(r.area, 0.8, 1e-14);
  EXPECT_NEAR(r.standard_error, 0.142021364685779, 1e-12);
  EXPECT_NEAR(roc(reader_b, truth).area, 0.771428571428571, 1e-14);
  const RocComparison c = compare_roc(reader_a, reader_b, truth);
  EXPECT_NEAR(c.difference, 0.0285714285714287, 1e-14);
  EXPECT_NEAR(c.z, 0.151692275678359, 1e-12);
  EXPECT_NEAR(c.p, 0.879429649784001, 1e-12);
}

TEST(Roc, runs_from_corner_to_corner_and_its_trapezoids_are_the_area) {
  const Roc r = roc(reader_a, truth);
  EXPECT_EQ(r.points.size(), 11U) << "ten different scores";
  EXPECT_EQ(r.points.front().sensitivity, 0);
  EXPECT_EQ(r.points.back().specificity, 0);
  EXPECT_EQ(r.points.back().sensitivity, 1);
  double area = 0;
  for (std::size_t n = 1; n < r.points.size(); ++n) {
    area += (r.points[n - 1].specificity - r.points[n].specificity) * 0.5 * (r.points[n].sensitivity + r.points[n - 1].sensitivity);
  }
  EXPECT_NEAR(area, r.area, 1e-14);
}

TEST(Roc, of_perfect_and_of_equal_scores) {
  const std::vector<std::uint8_t> halves{0, 0, 0, 1, 1};
  const Roc perfect = roc(Doubles{1, 2, 3, 4, 5}, halves);
  EXPECT_EQ(perfect.area, 1);
  EXPECT_EQ(perfect.standard_error, 0);
  EXPECT_EQ(perfect.best().threshold, 4);
  EXPECT_EQ(roc(Doubles(5, 7), halves).area, 0.5);
  EXPECT_EQ(compare_roc(Doubles{1, 2, 3, 4, 5}, Doubles{1, 2, 3, 4, 5}, halves).p, 1);
}

TEST(Roc, area_alone_counts_pairs_in_order_and_ties_half) {
  const std::vector<std::uint8_t> positive{0, 0, 1, 1};
  EXPECT_EQ(roc_area(Doubles{0.1, 0.4, 0.35, 0.8}, positive), 0.75);  // the example of scikit-learn's roc_auc_score
  EXPECT_EQ(roc_area(Doubles{1, 1, 1, 2}, positive), 0.75);
  EXPECT_TRUE(std::isnan(roc_area(Doubles{1, 2, 3, 4}, std::vector<std::uint8_t>(4, 1))));
}

TEST(Roc, refuses_what_it_cannot_judge) {
  EXPECT_THROW(roc(Doubles{1, 2, 3}, std::vector<std::uint8_t>{1, 0, 0}), Error);
  EXPECT_THROW(roc(Doubles{1, 2, 3, std::nan("")}, std::vector<std::uint8_t>{1, 0, 0, 1}), Error);
}

// Six-MP of Freireich and Gehan: weeks of remission, 1 = relapse.
const Observations treated{{6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35},
                           {1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0}};
const Observations placebo{{1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23}, std::vector<std::uint8_t>(21, 1)};

TEST(KaplanMeier, gives_the_steps_of_the_textbook) {
  const SurvivalCurve curve = kaplan_meier(treated);
  const auto at = [&](double time) { return *std::ranges::find_if(curve.steps, [&](const auto& step) { return step.time == time; }); };
  EXPECT_EQ(at(6).at_risk, 21);
  EXPECT_EQ(at(6).events, 3);
  EXPECT_NEAR(at(6).survival, 6.0 / 7, 1e-14);
  EXPECT_NEAR(at(6).standard_error, 0.0763603548321213, 1e-12);
  EXPECT_NEAR(at(6).lower, 0.719817083916270, 1e-12);
  EXPECT_EQ(at(6).upper, 1);
  EXPECT_NEAR(at(23).survival, 0.448179271708683, 1e-12);
  EXPECT_NEAR(at(23).lower, 0.248788226817660, 1e-12);
  EXPECT_NEAR(at(23).upper, 0.807372045529077, 1e-12);
  EXPECT_EQ(curve.median, 23);
  EXPECT_EQ(curve.median_lower, 16);
  EXPECT_EQ(curve.median_upper, std::nullopt);
  EXPECT_EQ(curve.events, 9);
  const SurvivalCurve other = kaplan_meier(placebo);
  EXPECT_EQ(other.median, 8);
  EXPECT_EQ(other.median_lower, 4);
  EXPECT_EQ(other.median_upper, 12);
  EXPECT_EQ(other.steps.back().survival, 0);
}

TEST(KaplanMeier, halves_between_two_times_when_it_is_one_half_there) {
  EXPECT_EQ(kaplan_meier({{1, 2, 3, 4}, {1, 1, 1, 1}}).median, 2.5);
  EXPECT_EQ(kaplan_meier({{1, 2, 3, 4}, {0, 0, 0, 0}}).median, std::nullopt);
}

TEST(LogRank, agrees_with_the_textbook) {
  Observations both = placebo;
  both.time.insert(both.time.end(), treated.time.begin(), treated.time.end());
  both.event.insert(both.event.end(), treated.event.begin(), treated.event.end());
  std::vector<int> group(42, 0);
  std::fill(group.begin() + 21, group.end(), 1);
  const LogRank test = log_rank(both, group);
  EXPECT_NEAR(test.chi_squared, 16.7929409892165, 1e-11);
  EXPECT_NEAR(test.expected[0], 10.7494990519689, 1e-11);
  EXPECT_EQ(test.observed[0], 21);
  EXPECT_EQ(test.degrees, 1);
  EXPECT_THROW(log_rank(both, std::vector<int>(42, 0)), Error);
}

struct Rossi {
  Observations observations;
  Doubles values;
  std::vector<int> group;
  std::vector<std::string> names{"fin", "age", "race", "wexp", "mar", "paro", "prio"};
};
Rossi rossi(const Path& file) {
  Rossi data;
  const std::vector<std::string> lines = split(read_text(file), '\n');
  for (std::size_t n = 1; n < lines.size(); ++n) {
    const std::vector<std::string> cells = split(std::string(trim(lines[n])), ',');
    if (cells.size() != 9) continue;
    data.observations.time.push_back(std::stod(cells[0]));
    data.observations.event.push_back(cells[1] == "1");
    for (std::size_t c = 2; c < 9; ++c) data.values.push_back(std::stod(cells[c]));
    data.group.push_back(static_cast<int>(2 * std::stod(cells[7]) + std::stod(cells[2])));
  }
  return data;
}

TEST(Cox, agrees_with_r_on_recidivism) {
  const Path folder = test_data("survival/lifelines");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  const Rossi data = rossi(folder / "rossi.csv");
  ASSERT_EQ(data.observations.time.size(), 432U);
  const CoxModel model = cox(data.observations, data.values, data.names);
  const Doubles expected{-0.3794221664858867, -0.0574377426840623, 0.3138997878424986, -0.1497956976665371,
                         -0.4337038779373086, -0.0848710825003947, 0.0914970809852960};
  for (std::size_t n = 0; n < expected.size(); ++n) EXPECT_NEAR(model.covariates[n].coefficient, expected[n], 1e-8) << data.names[n];
  EXPECT_NEAR(model.covariates[0].standard_error, 0.1913794807135435, 1e-8);
  EXPECT_NEAR(model.covariates[6].p, 0.00140424527933257, 1e-8);
  EXPECT_NEAR(model.null_log_likelihood, -675.380632346871, 1e-9);
  EXPECT_NEAR(model.log_likelihood, -658.747659446087, 1e-9);
  EXPECT_NEAR(model.likelihood_ratio, 33.2659458015687, 1e-8);
  EXPECT_NEAR(model.p, 2.36204505370061e-05, 1e-12);
  EXPECT_NEAR(model.concordance, 0.6403292470997135, 1e-12);
  const LogRank test = log_rank(data.observations, data.group);
  EXPECT_NEAR(test.chi_squared, 6.68686643371219, 1e-10);
  EXPECT_NEAR(test.p, 0.0825772120853698, 1e-11);
}

TEST(Cox, has_a_closed_form_for_two_subjects_and_one_covariate) {
  // Three subjects, no ties: the likelihood is e^b/(1+2e^b) * 1/(1+e^b) (risks 1, 0, 1 in the order of events); its slope is zero at e^b =
  // 1/sqrt(2).
  const CoxModel model = cox({{1, 2, 3}, {1, 1, 0}}, Doubles{1, 0, 1}, {"x"});
  EXPECT_NEAR(model.covariates[0].coefficient, -0.5 * std::log(2.0), 1e-8);
}

TEST(Cox, names_the_covariate_that_makes_it_impossible) {
  const auto message = [](const Observations& o, const Doubles& values, const std::vector<std::string>& names) -> std::string {
    try {
      cox(o, values, names);
    } catch (const Error& error) {
      return error.message();
    }
    return {};
  };
  const Observations four{{1, 2, 3, 4}, {1, 1, 1, 1}};
  EXPECT_EQ(message(four, {5, 5, 5, 5}, {"dose"}), "dose: is constant");
  EXPECT_NE(message(four, {1, 2, 3, 6, 0, 0, 5, 10}, {"one", "twice"}).find("is a sum of other covariates"), std::string::npos);
  EXPECT_NE(message(four, {9, 5, 2, 1}, {"order"}).find("order: its coefficient does not converge"), std::string::npos);
  EXPECT_NE(message({{1, 2}, {0, 0}}, {1, 2}, {"x"}).find("events"), std::string::npos);
  EXPECT_NE(message(four, {1, 2, std::nan(""), 4}, {"x"}).find("finite"), std::string::npos);
  EXPECT_THROW(kaplan_meier({{-1}, {1}}), Error);
  EXPECT_THROW(kaplan_meier({}), Error);
}

TEST(Association, agrees_with_r) {
  const Doubles x{1, 2, 3, 4, 5, 6, 7.5, 8}, y{2.1, 1.9, 3.5, 3.5, 5, 4, 9, 7};
  EXPECT_NEAR(pearson(x, y).r, 0.896966034975246, 1e-14);
  EXPECT_NEAR(pearson(x, y).p, 0.00252756395528525, 1e-14);
  EXPECT_NEAR(spearman(x, y).r, 0.922172221673209, 1e-14);
  EXPECT_TRUE(std::isnan(pearson(x, Doubles(8, 3)).r));
  EXPECT_EQ(pearson(Doubles{1, std::nan(""), 3}, Doubles{1, 2, 3}).count, 2);
}

TEST(BenjaminiHochberg, agrees_with_r_and_passes_over_unknown_ones) {
  const Doubles q = benjamini_hochberg(Doubles{.001, .02, std::nan(""), .03, .005, .8});
  const Doubles expected{0.005, 0.0333333333333333, 0, 0.0375, 0.0125, 0.8};
  for (const std::size_t n : {0, 1, 3, 4, 5}) EXPECT_NEAR(q[n], expected[n], 1e-14);
  EXPECT_TRUE(std::isnan(q[2]));
}

}  // namespace
}  // namespace gantry::statistics::statistics_test
