// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"

namespace gantry {

/// In which language a text is written.
enum class ReportLanguage { summary, english, chinese };
constexpr std::array<std::pair<ReportLanguage, std::string_view>, 3> choices_of(ReportLanguage) {
  return {{{ReportLanguage::summary, "summary"}, {ReportLanguage::english, "en"}, {ReportLanguage::chinese, "zh"}}};
}

/// Report text out of the findings of an analysis. Reference page: report.text.
struct ReportText {
  ReportLanguage language = ReportLanguage::summary;

  /// The sentences of `report::impression`.
  std::string operator()(const Json& summary, Run& run) const;
  static void describe(Description<ReportText>& d);
};

}  // namespace gantry
