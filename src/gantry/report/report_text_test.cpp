// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/report_text.h"

#include "gantry/base/test_support.h"
#include "gantry/base/text.h"
#include "gantry/operation/phantom_summary.h"

namespace gantry::report_text_test {
namespace {

/// The text with plain spaces, without the two lines that every text ends with.
std::string text_of(const Json& summary, ReportLanguage language) {
  gantry::Run run;
  std::string text = replace_all(ReportText{.language = language}(summary, run), "\u00a0", " ");
  for (int n = 0; n < 2; ++n) text = text.substr(0, text.rfind('\n', text.size() - 2) + 1);
  return text;
}

Json summary_of(Json findings) {
  return {{"language", "en"}, {"studies", Json::array({{{"study_uid", "1.2"}, {"findings", std::move(findings)}}})}};
}

TEST(ReportText, says_what_was_found_and_what_was_not) {
  EXPECT_EQ(text_of(phantom_summary("findings"), ReportLanguage::summary),
            "Left lung: no nodule candidate was found (candidates of 4.0 mm or more in the lung that is in view).\n"
            "Right lung: 2 nodule candidates, the largest with a mean diameter of 8.2 mm (7.2 to 9.2).\n"
            "Left lung: volume 2440 mL (2380 to 2500); share below \u2212950 HU 5.20 % (4.90 to 5.50) (not comparable: noise in the lung "
            "is 14 HU "
            "(10 at most)).\n"
            "Right lung: volume 2860 mL (2790 to 2930).\n"
            "Calcium in the heart: Agatston score not measured: slices of 1.5 mm, and the score is defined for 2.5 to 3 mm.\n"
            "Image quality limited: Noise in the lung, noise in the lung is 14 HU (10 at most).\n"
            "1 other series was not analysed.\n");
  EXPECT_EQ(text_of(phantom_summary("findings"), ReportLanguage::chinese),
            "左肺：未见结节候选（视野内的肺，候选不小于 4.0 mm）。\n"
            "右肺：2 个结节候选，最大者平均直径 8.2 mm（7.2～9.2）。\n"
            "左肺：体积 2440 mL（2380～2500）；低于 \u2212950 HU 的比例 5.20 %（4.90～5.50）（不可比较：肺内噪声 14 HU（上限 10））。\n"
            "右肺：体积 2860 mL（2790～2930）。\n"
            "心脏内钙化：Agatston 积分未测得：层厚 1.5 mm，而该积分的定义要求 2.5 至 3 mm。\n"
            "图像质量受限：肺内噪声，肺内噪声 14 HU（上限 10）。\n"
            "另有 1 个序列未分析。\n");
}

TEST(ReportText, says_that_nothing_was_found_only_where_it_was_searched_for) {
  const Json volume{{"id", "lung_left.volume"}, {"value", 2400}, {"unit", "mL"}};
  const std::string text = text_of(summary_of({volume}), ReportLanguage::english);
  EXPECT_EQ(text, "Left lung: volume 2400 mL.\n");
  const Json unsearched{{"id", "lung_left.nodules"}, {"value", nullptr}, {"unit", "1"}, {"reason", "the lung was not found"}};
  EXPECT_EQ(text_of(summary_of({unsearched}), ReportLanguage::english), "Left lung: not searched for nodules: the lung was not found.\n");
  EXPECT_EQ(text_of(summary_of({unsearched}), ReportLanguage::chinese), "左肺：未检索结节：未找到该肺。\n");
  EXPECT_EQ(text_of(summary_of(Json::array()), ReportLanguage::english), "Nothing was measured that could be stated.\n");
  gantry::Run run;
  EXPECT_NE(ReportText{}(summary_of({volume}), run).find("anything else is neither found nor excluded"), std::string::npos);
}

TEST(ReportText, keeps_left_left_and_right_right) {
  // Every side of the table of structures, in both languages, whatever the order of the findings.
  for (const char* side : {"left", "right"}) {
    const bool left = std::string(side) == "left";
    for (const char* organ : {"lung", "kidney"}) {
      const Json finding{{"id", fmt::format("{}_{}.volume", organ, side)}, {"value", 100}, {"unit", "mL"}};
      const std::string en = text_of(summary_of({finding}), ReportLanguage::english);
      const std::string zh = text_of(summary_of({finding}), ReportLanguage::chinese);
      EXPECT_EQ(en.find("Left") != std::string::npos, left) << en;
      EXPECT_EQ(en.find("Right") != std::string::npos, !left) << en;
      EXPECT_EQ(zh.find("左") != std::string::npos, left) << zh;
      EXPECT_EQ(zh.find("右") != std::string::npos, !left) << zh;
    }
    // 100 (left - right) / mean: positive where the left side is larger.
    const Json asymmetry{{"id", "brain.asymmetry"}, {"value", left ? 3.1 : -3.1}, {"unit", "%"}};
    EXPECT_EQ(text_of(summary_of({asymmetry}), ReportLanguage::english), fmt::format("Brain: {} side larger by 3.1 %.\n", side));
    EXPECT_EQ(text_of(summary_of({asymmetry}), ReportLanguage::chinese), fmt::format("脑：{}侧大 3.1 %。\n", left ? "左" : "右"));
  }
  const Json nodule{{"id", "lung_nodule.1"}, {"value", 6.0}, {"unit", "mm"}};
  EXPECT_EQ(text_of(summary_of({nodule}), ReportLanguage::english),
            "Lung, side not stated: 1 nodule candidate, the largest with a mean diameter of 6.00 mm.\n");
}

TEST(ReportText, reserves_what_the_measurement_reserves) {
  const Json cut{{"id", "liver.volume"}, {"value", 812}, {"unit", "mL"}, {"reason", "cut off by the field of view: a lower bound"}};
  EXPECT_EQ(text_of(summary_of({cut}), ReportLanguage::english), "Liver: volume > 812 mL (cut off by the field of view: a lower bound).\n");
  EXPECT_EQ(text_of(summary_of({cut}), ReportLanguage::chinese), "肝：体积 > 812 mL（被视野截断：为下限）。\n");
  const Json chance{{"id", "lung.pneumonia_probability"}, {"value", 0.87}, {"unit", "1"}};
  EXPECT_EQ(text_of(summary_of({chance}), ReportLanguage::english),
            "The network gives the class pneumonia a probability of 87 %; that is no diagnosis.\n");
  EXPECT_EQ(text_of(summary_of({chance}), ReportLanguage::chinese), "网络给出“肺炎”的概率为 87 %；并非诊断。\n");
  const Json none{{"id", "pet_lesions.count"}, {"value", 0}, {"unit", "1"}, {"method", "connected voxels at SUV >= 4, at least 1 mL"}};
  EXPECT_EQ(text_of(summary_of({none}), ReportLanguage::english),
            "Uptake: no region of increased uptake was found (connected voxels at SUV >= 4, at least 1 mL).\n");
  EXPECT_EQ(text_of(summary_of({none}), ReportLanguage::chinese), "摄取：未见摄取增高区域（SUV ≥ 4 且不小于 1 mL 的连通体素）。\n");
}

TEST(ReportText, refuses_what_is_no_summary) {
  gantry::Run run;
  const auto message = [&](const Json& summary) { return error_of([&] { ReportText{}(summary, run); }).message(); };
  EXPECT_EQ(message(Json::parse("[]")), "summary: it must be an object");
  EXPECT_EQ(message(Json::parse("{}")), "summary: must hold at least one study; it holds none");
  EXPECT_EQ(message(Json::parse(R"({"studies": 3})")), "summary: studies must be a list");
  EXPECT_EQ(message(Json::parse(R"({"studies": [1]})")), "summary: a study must be an object");
  EXPECT_EQ(message(Json::parse(R"({"studies": [{"findings": [{"value": 1}]}]})")), "summary: every finding must have an id");
  EXPECT_EQ(message(Json::parse(R"({"studies": [{"findings": "none"}]})")), "summary: findings must be a list");
}

}  // namespace
}  // namespace gantry::report_text_test
