// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/negation.h"

#include "gantry/base/test_support.h"
#include "gantry/base/text.h"
#include "gantry/report/negation_detection.h"
#include "gantry/report/negation_sentences.h"

namespace gantry::negation_test {
namespace {

/// Counts of a judgement of the negated class.
struct Score {
  int hits = 0, false_alarms = 0, misses = 0;
  void add(bool found, bool truth) {
    hits += found && truth ? 1 : 0;
    false_alarms += found && !truth ? 1 : 0;
    misses += !found && truth ? 1 : 0;
  }
  double f1() const { return 2.0 * hits / (2.0 * hits + false_alarms + misses); }
};

TEST(EnglishNegation, knows_words_before_and_behind_and_where_their_reach_ends) {
  EXPECT_TRUE(english_negation("No pleural effusion or PNEUMOTHORAX.", "pneumothorax").negated);
  EXPECT_EQ(english_negation("She denies   any chest\npain.", "Chest pain").trigger, "denies");
  EXPECT_FALSE(english_negation("No fever, but a cough.", "cough").negated);
  EXPECT_TRUE(english_negation("Pulmonary embolism was ruled out.", "pulmonary embolism").negated);
  EXPECT_FALSE(english_negation("No change in the nodule.", "nodule").negated);
  EXPECT_FALSE(english_negation("No fracture. Small effusion.", "effusion").negated);
  EXPECT_FALSE(english_negation("There is a nodule in the left lobe.", "lobe").negated);
  EXPECT_FALSE(english_negation("Notable for effusion.", "effusion").negated);
  EXPECT_FALSE(english_negation("No fever.", "cough").negated);
  EXPECT_FALSE(english_negation("", "").negated);
}

TEST(EnglishNegation, takes_what_is_not_excluded_for_possible) {
  for (const char* sentence :
       {"Cannot exclude tumor.", "Tumor cannot be excluded.", "Can't rule out a tumor.", "A small tumor could not be excluded.",
        "Tumor is not ruled out.", "We are unable to exclude tumor.", "Underlying tumor cannot be ruled out."})
    EXPECT_FALSE(english_negation(sentence, "tumor").negated) << sentence;
  EXPECT_TRUE(english_negation("Lungs are clear of consolidation.", "consolidation").negated);
  EXPECT_TRUE(english_negation("Tumor was ruled out.", "tumor").negated);
}

TEST(EnglishNegation, reaches_the_f1_asked_for_on_the_published_sentences) {
  const Path path = test_data("text/negex/rsAnnotations-1-120-random.txt");
  if (path.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  Score score;
  bool heading = true;
  for (const std::string& line : split(to_valid_utf8(read_text(path)), '\n')) {
    const auto cells = split(line, '\t');
    if (std::exchange(heading, false) || cells.size() < 4) continue;
    score.add(english_negation(cells[2], cells[1]).negated, cells[3] == "Negated");
  }
  EXPECT_EQ(score.hits + score.misses, 244);
  EXPECT_GE(score.f1(), 0.975);
}

TEST(ChineseNegation, judges_made_sentences_of_many_kinds) {
  Score score;
  int sentences = 0;
  for (const MadeSentence& one : chinese_sentences) {
    ASSERT_NE(one.sentence.find(one.concept_words), std::string_view::npos) << one.sentence;
    const bool negated = chinese_negation(one.sentence, one.concept_words).negated;
    EXPECT_EQ(negated, one.negated) << one.sentence << " " << one.concept_words;
    score.add(negated, one.negated);
    ++sentences;
  }
  EXPECT_GE(sentences, 200);
  EXPECT_GE(score.f1(), 0.90);
}

TEST(ChineseNegation, takes_no_change_and_no_exclusion_for_negation) {
  EXPECT_FALSE(chinese_negation("右肺结节较前未见明显变化。", "右肺结节").negated);
  EXPECT_FALSE(chinese_negation("不能排除肺栓塞。", "肺栓塞").negated);
  EXPECT_EQ(chinese_negation("否认高血压、糖尿病。", "糖尿病").trigger, "否认");
  EXPECT_FALSE(chinese_negation("双肺清晰。", "结节").negated);
}

TEST(NegationDetection, takes_the_language_of_each_row_by_its_characters) {
  Table table({"concept", "sentence"});
  table.add({std::string("effusion"), std::string("No effusion.")});
  table.add({std::string("积液"), std::string("少量积液。")});
  table.add({std::string("CT"), std::string("CT未见结节。")});
  table.add({std::monostate(), 7.0});
  gantry::Run run;
  const Json statuses = NegationDetection{}(table, run);
  ASSERT_EQ(statuses.size(), 4U);
  EXPECT_EQ(statuses[0], (Json{{"status", "negated"}, {"trigger", "no"}}));
  EXPECT_EQ(statuses[1], (Json{{"status", "affirmed"}, {"trigger", nullptr}}));
  EXPECT_EQ(statuses[2]["status"], "affirmed");
  EXPECT_EQ(statuses[3]["status"], "affirmed");
}

TEST(NegationDetection, refuses_tables_without_its_columns_and_endless_sentences) {
  gantry::Run run;
  EXPECT_EQ(error_of([&] {
              NegationDetection{}(Table({"a", "sentence"}), run);
            }).message(),
            "concept_column: must name a column of the table (a, sentence); got 'concept'");
  Table table({"concept", "sentence"});
  table.add({std::string("x"), std::string(100001, 'x')});
  EXPECT_EQ(error_of([&] { NegationDetection{}(table, run); }).code(), ErrorCode::not_possible);
}

TEST(Negation, survives_any_bytes) {
  std::string bytes;
  for (int n = 0; n < 512; ++n) bytes += static_cast<char>(n * 37 % 256);
  EXPECT_NO_THROW(english_negation(bytes, bytes.substr(100, 5)));
  EXPECT_NO_THROW(chinese_negation(bytes, bytes.substr(100, 5)));
  EXPECT_NO_THROW(chinese_negation("\xe6\x9c", "\x9c"));
}

}  // namespace
}  // namespace gantry::negation_test
