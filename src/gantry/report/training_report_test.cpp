// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/training_report.h"

#include "gantry/base/test_support.h"

namespace gantry::report::training_report_test {

namespace {

Json manifest_of(const char* task, const Json& epochs) {
  return {{"name", "films"},
          {"task", task},
          {"classes", {{{"name", "normal"}}, {{"name", "ill"}}}},
          {"description", {{"limits", {"It has seen one hospital."}}, {"licence", "CC BY 4.0"}}},
          {"training", {{"seed", 1}, {"engine", "LibTorch"}, {"epochs", epochs}}}};
}

/// 12 cases, of which one is ill and scores below two that are not.
ReportDocument classifier(const Json& epochs) {
  learning::Table table{2, {}};
  std::vector<int> labels;
  for (int n = 0; n < 12; ++n) {
    const double ill = n == 6 ? 0.2 : n < 6 ? 0.05 * n : 0.95;
    table.values.insert(table.values.end(), {1 - ill, ill});
    labels.push_back(n < 6 ? 0 : 1);
  }
  gantry::Run run;
  const Json figures = learning::to_json(learning::score(table, labels, run), {"normal", "ill"});
  return classifier_report(manifest_of("classification", epochs), "films@1 sha256:0", "test", figures, table, labels);
}

const Json two_epochs =
    Json::array({{{"loss", 0.7}, {"validation_cross_entropy", 0.6}}, {{"loss", 0.5}, {"validation_cross_entropy", 0.55}}});

}  // namespace

TEST(TrainingReport, states_area_confusion_and_reliability_of_known_cases) {
  const ReportDocument document = classifier(Json::array({two_epochs}));
  ASSERT_EQ(document.charts.size(), 3U);
  // 36 pairs: the ill case of .20 lies below .25, is level with .20, and above the rest.
  EXPECT_EQ(document.charts[0].note.en.rfind("Area 0.958 (", 0), 0U) << document.charts[0].note.en;
  EXPECT_NE(document.charts[0].note.en.find("6 cases with and 6 without ill"), std::string::npos);
  const auto& confusion = document.tables.at(1).rows;
  EXPECT_EQ(confusion.at(1).cells.at(1).text.en, "1");  // ill, called normal
  EXPECT_EQ(confusion.at(1).cells.at(2).text.en, "5");
  const auto& reliability = document.charts[1].series.at(0);
  EXPECT_NEAR(reliability.x.back(), 97, 1.5);
  for (std::size_t n = 0; n < reliability.x.size(); ++n) {
    EXPECT_LE(reliability.low[n], reliability.y[n] + 1e-9);
    EXPECT_GE(reliability.high[n], reliability.y[n] - 1e-9);
  }
  EXPECT_EQ(document.certainty.at(0).en, "It has seen one hospital.");
}

TEST(TrainingReport, draws_mean_and_range_of_several_networks) {
  Json other = two_epochs;
  other[1]["loss"] = 0.3;
  const ReportDocument document = classifier(Json::array({two_epochs, other}));
  const auto& loss = document.charts[2].series.at(0);
  EXPECT_NEAR(loss.y.at(1), 0.4, 1e-12);
  EXPECT_EQ(loss.low.at(1), 0.3);
  EXPECT_EQ(loss.high.at(1), 0.5);
  EXPECT_TRUE(classifier(Json::array({two_epochs})).charts[2].series[0].low.empty());
}

TEST(TrainingReport, orders_the_cases_of_a_segmenter_by_their_dice) {
  const Json figures{{"cases", 3},
                     {"dice", 0.8},
                     {"dice_interval", {0.7, 0.9}},
                     {"structures", {{"ill", {{"cases", 2}, {"dice", 0.8}, {"dice_interval", {0.7, 0.9}}, {"least", 0.7}}}}},
                     {"dice_of_cases", {{"a", {0.7}}, {"b", {nullptr}}, {"c", {0.9}}}}};
  const ReportDocument document =
      segmenter_report(manifest_of("segmentation", {{{"loss", 1.0}}}), "parts@1 sha256:0", "validation", figures);
  EXPECT_EQ(document.charts.at(0).series.at(0).y, (std::vector<double>{0.9, 0.7}));
  EXPECT_EQ(document.tables.at(0).rows.at(0).cells.at(2).text.en, "0.800 (0.700–0.900)");
}

TEST(TrainingReport, is_written_as_a_whole_and_over_nothing_else) {
  const TemporaryFolder folder;
  gantry::Run run;
  const ReportDocument document = classifier(Json::array({two_epochs}));
  const Path out = folder.path() / "out";
  write_training_report(document, out, "en", run);
  const std::string first = read_text(out / "report.html");
  EXPECT_NE(first.find("Reliability"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(out / "report.pdf"));
  EXPECT_TRUE(std::filesystem::exists(out / "figures/roc_curve.png"));
  write_training_report(document, out, "en", run);
  EXPECT_EQ(read_text(out / "report.html"), first);
  write_atomic(out / "thesis.txt", std::string_view("years of work"));
  EXPECT_EQ(error_of([&] { write_training_report(document, out, "en", run); }).code(), ErrorCode::usage);
  EXPECT_TRUE(std::filesystem::exists(out / "thesis.txt"));
}

}  // namespace gantry::report::training_report_test
