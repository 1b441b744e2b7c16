// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/negation_detection.h"

#include "gantry/base/text.h"
#include "gantry/report/negation.h"

namespace gantry {

namespace {

constexpr std::size_t longest_sentence = 100000;

std::size_t column_of(const Table& table, const std::string& name, const std::string& parameter) {
  const auto& columns = table.columns();
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) {
    throw Error(ErrorCode::parameter,
                fmt::format("{}: must name a column of the table ({}); got '{}'", parameter, join(columns, ", "), name));
  }
  return static_cast<std::size_t>(found - columns.begin());
}

std::string word_of(const Table::Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* number = std::get_if<double>(&cell)) return shortest(*number);
  return {};
}

}  // namespace

void NegationDetection::describe(Description<NegationDetection>& d) {
  d.summary("Tells whether sentences of reports, English or Chinese, affirm or negate a concept.");
  d.input("table", "One sentence a row, with the concept that it is asked for (.tsv or .csv)");
  d.parameter("concept_column", &NegationDetection::concept_column, "Column of the concept, as it stands in the sentence");
  d.parameter("sentence_column", &NegationDetection::sentence_column, "Column of the sentence");
  d.parameter("language", &NegationDetection::language, "Language of the sentences; auto judges each by its characters");
  d.output("statuses", "Status of each row, and the word that negates");
  d.example("gantry report negation sentences.tsv statuses.json");
  d.reference(
      "Chapman WW, Bridewell W, Hanbury P, Cooper GF, Buchanan BG. A simple algorithm for identifying negated findings and diseases in "
      "discharge summaries. Journal of Biomedical Informatics 2001; 34:301-310.");
}

Json NegationDetection::operator()(const Table& table, Run& run) const {
  check_parameters(*this);
  const std::size_t concepts = column_of(table, concept_column, "concept_column");
  const std::size_t sentences = column_of(table, sentence_column, "sentence_column");
  Json statuses = Json::array();
  for (std::size_t n = 0; n < table.rows().size(); ++n) {
    if (n % 256 == 0) run.progress(static_cast<double>(n) / static_cast<double>(table.rows().size()));
    const std::string wanted = word_of(table.rows()[n][concepts]), sentence = word_of(table.rows()[n][sentences]);
    if (sentence.size() > longest_sentence)
      throw Error(ErrorCode::not_possible,
                  fmt::format("row {}: sentences must have at most {} bytes; this has {}", n + 1, longest_sentence, sentence.size()));
    const bool zh = language == TextLanguage::chinese || (language == TextLanguage::automatic && is_chinese(sentence));
    const Negation found = zh ? chinese_negation(sentence, wanted) : english_negation(sentence, wanted);
    statuses.push_back({{"status", found.negated ? "negated" : "affirmed"}, {"trigger", found.negated ? Json(found.trigger) : Json()}});
  }
  return statuses;
}

}  // namespace gantry
