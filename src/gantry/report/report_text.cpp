// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/report_text.h"

#include "gantry/report/impression.h"

namespace gantry {

void ReportText::describe(Description<ReportText>& d) {
  d.summary("Writes report text out of the findings of an analysis, in English or Chinese.");
  d.input("summary", "summary.json of an analysis");
  d.parameter("language", &ReportText::language, "Language of the text; summary takes that of the analysis");
  d.output("text", "Sentences, one a line");
  d.example("gantry report text out/summary.json impression.txt --language zh");
}

std::string ReportText::operator()(const Json& summary, Run& run) const {
  check_parameters(*this);
  run.check();
  if (language == ReportLanguage::summary) {
    const bool chinese = summary.is_object() && summary.contains("language") && summary["language"] == "zh";
    return report::impression(summary, chinese ? "zh" : "en");
  }
  return report::impression(summary, language == ReportLanguage::chinese ? "zh" : "en");
}

}  // namespace gantry
