// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gantry/archive/archive.h"

namespace gantry::archive {

/// How a study is to be analysed.
struct AnalysisOrder {
  std::string profile;          ///< id; empty = chosen for each series
  std::string language = "en";  ///< of the reports: "en" or "zh"
};

/// What is done with the studies that it fits; an empty condition asks nothing.
struct ArrivalRule {
  std::string modality;     ///< one that a series of the study has: "CT"
  std::string description;  ///< the StudyDescription, without regard to case; `*` and `?` are wildcards
  bool analyze = true;      ///< false = studies that fit are left alone
  AnalysisOrder order;
};

/// What happens to studies that arrive.
struct ArrivalOptions {
  bool on_arrival = false;         ///< whether they are analysed
  double quiet_seconds = 30;       ///< a study counts as complete when nothing of it has come for so long
  AnalysisOrder order;             ///< where no rule says something else
  std::vector<ArrivalRule> rules;  ///< the first that fits decides; where there are some and none fits, nothing is done
};

/// The place in `options.rules` of the one that decides for a study of these attributes (a match of Archive::find); nullopt = none fits.
std::optional<std::size_t> deciding_rule(const ArrivalOptions& options, const Attributes& study);

/// How such a study is analysed on arrival; nullopt = not at all.
std::optional<AnalysisOrder> order_for(const ArrivalOptions& options, const Attributes& study);

/// Checks what somebody asks for: Error(parameter) for a profile that is not installed or another language.
void check_order(const AnalysisOrder& order);

/// Whether `text` fits a pattern in which `*` stands for any characters and `?` for one, without regard to case.
bool fits_pattern(std::string_view pattern, std::string_view text);

}  // namespace gantry::archive
