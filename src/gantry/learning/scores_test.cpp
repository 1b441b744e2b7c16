// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/scores.h"

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"

namespace gantry::learning::scores_test {

TEST(Scores, calibration_error_of_known_bins) {
  // Four cases of confidence 0.9 of which two are right, four of confidence 0.6 of which three are right.
  const Table table{2, {0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.6, 0.4, 0.6, 0.4, 0.6, 0.4, 0.6, 0.4}};
  const std::vector<int> labels{1, 1, 0, 0, 0, 0, 0, 1};
  EXPECT_NEAR(expected_calibration_error(table, labels), 0.5 * 0.4 + 0.5 * 0.15, 1e-12);
}

TEST(Scores, temperature_finds_the_factor_that_was_put_in) {
  // Labels drawn from softmax(z); scores are z times 3, so that the temperature must be about 3.
  Random random(5);
  Table scores{2, {}};
  std::vector<int> labels;
  for (int n = 0; n < 20000; ++n) {
    const double z = 2 * random.next_normal();
    scores.values.insert(scores.values.end(), {0.0, 3 * z});
    labels.push_back(random.next_uniform() < 1 / (1 + std::exp(-z)) ? 1 : 0);
  }
  EXPECT_NEAR(fit_temperature(scores, labels), 3.0, 0.1);
  EXPECT_LT(expected_calibration_error(softmax(scores, 3), labels), 0.01);
}

TEST(Scores, softmax_holds_for_huge_scores) {
  const Table table = softmax({3, {1e6, 1e6, -1e6}}, 1);
  EXPECT_DOUBLE_EQ(table.values[0], 0.5);
  EXPECT_DOUBLE_EQ(table.values[2], 0.0);
}

TEST(Scores, two_classes_give_sensitivity_specificity_and_intervals_around_the_value) {
  Table table{2, {}};
  std::vector<int> labels;
  for (int n = 0; n < 100; ++n) {  // 60 positive, 48 of them found; 40 negative, 30 of them left alone
    const bool positive = n < 60, called = n < 48 || n >= 90;
    table.values.insert(table.values.end(), {called ? 0.2 : 0.7, called ? 0.8 : 0.3});
    labels.push_back(positive);
  }
  gantry::Run run(RunOptions{.threads = 2, .seed = 3});
  const ClassificationScores scores = score(table, labels, run);
  EXPECT_DOUBLE_EQ(scores.sensitivity, 0.8);
  EXPECT_DOUBLE_EQ(scores.specificity, 0.75);
  EXPECT_DOUBLE_EQ(scores.accuracy, 0.78);
  EXPECT_EQ(scores.confusion[1][0], 12);
  EXPECT_NEAR(scores.accuracy_interval[0], 0.70, 0.02);  // binomial: 0.78 -+ 1.96 x 0.041
  EXPECT_NEAR(scores.accuracy_interval[1], 0.86, 0.02);
  gantry::Run one(RunOptions{.threads = 1, .seed = 3});
  EXPECT_EQ(score(table, labels, one).auc_interval, scores.auc_interval);
}

// A case that is as likely as its class is frequent tells nothing: of even classes it is as likely one as the other.
TEST(Calibration, another_prior_changes_the_odds_by_the_ratio_of_the_frequencies) {
  const Table scores{2, {std::log(0.25), std::log(0.75), 0, 0}};
  const Table even = calibrated(scores, {.temperature = 1, .shares = {0.25, 0.75}, .prior = {0.5, 0.5}});
  EXPECT_NEAR(even.values[0], 0.5, 1e-12);
  EXPECT_NEAR(even.values[3], 0.25, 1e-12);  // even odds, times 1 / 3
  EXPECT_EQ(calibrated(scores, {.temperature = 2}).values, softmax(scores, 2).values);
}

TEST(Calibration, comes_back_out_of_a_manifest_and_refuses_absurd_ones) {
  const Calibration calibration{.temperature = 1.25, .shares = {0.25, 0.75}, .prior = {0.5, 0.5}};
  EXPECT_EQ(to_json(parse_calibration(to_json(calibration), 2)), to_json(calibration));
  const auto refused = [&](const char* key, const Json& value) {
    Json json = to_json(calibration);
    json[key] = value;
    return error_of([&] { parse_calibration(json, 2); }).message();
  };
  EXPECT_EQ(refused("prior", {0.5}), "manifest: prior: must hold one number a class; got 1");
  EXPECT_EQ(refused("shares", {0.0, 1.0}), "manifest: shares: must lie between 1e-06 and 1; got 0");
  EXPECT_EQ(refused("temperature", 0), "manifest: temperature: must lie between 0.01 and 100; got 0");
}

TEST(Scores, need_a_case) {
  gantry::Run run;
  EXPECT_EQ(error_of([&] { score({2, {}}, {}, run); }).code(), ErrorCode::parameter);
}

}  // namespace gantry::learning::scores_test
