// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"

namespace gantry {

/// In which language sentences are.
enum class TextLanguage { automatic, english, chinese };
constexpr std::array<std::pair<TextLanguage, std::string_view>, 3> choices_of(TextLanguage) {
  return {{{TextLanguage::automatic, "auto"}, {TextLanguage::english, "en"}, {TextLanguage::chinese, "zh"}}};
}

/// Whether sentences of reports affirm or negate a concept. Reference page: report.negation.
struct NegationDetection {
  std::string concept_column = "concept", sentence_column = "sentence";
  TextLanguage language = TextLanguage::automatic;

  /// [{"status": "negated" | "affirmed", "trigger": WORDS | null}, ...] in the order of the rows. Throws Error(parameter) for a column that
  /// is not there, Error(not_possible) for a sentence above 100000 bytes.
  Json operator()(const Table& table, Run& run) const;
  static void describe(Description<NegationDetection>& d);
};

}  // namespace gantry
