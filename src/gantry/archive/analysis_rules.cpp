// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/analysis_rules.h"

#include <algorithm>

#include "gantry/analysis/profile.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

constexpr dicom::Tag modalities_in_study = 0x00080061U, study_description = 0x00081030U;

std::string value_of(const Attributes& study, dicom::Tag tag) {
  const auto found = study.find(tag);
  return found == study.end() ? std::string() : found->second;
}

}  // namespace

bool fits_pattern(std::string_view pattern, std::string_view text) {
  const std::string wanted = lower(pattern), found = lower(text);
  // One place to return to is enough: a later `*` can only take over what an earlier one might have eaten.
  std::size_t p = 0, t = 0, star = std::string::npos, resume = 0;
  while (t < found.size()) {
    if (p < wanted.size() && wanted[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < wanted.size() && (wanted[p] == '?' || wanted[p] == found[t])) {
      ++p;
      ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return wanted.find_first_not_of('*', p) == std::string::npos;
}

std::optional<std::size_t> deciding_rule(const ArrivalOptions& options, const Attributes& study) {
  const auto modalities = split(value_of(study, modalities_in_study), '\\');
  for (std::size_t n = 0; n < options.rules.size(); ++n) {
    const ArrivalRule& rule = options.rules[n];
    if (!rule.modality.empty() && std::find(modalities.begin(), modalities.end(), rule.modality) == modalities.end()) continue;
    if (!rule.description.empty() && !fits_pattern(rule.description, value_of(study, study_description))) continue;
    return n;
  }
  return std::nullopt;
}

std::optional<AnalysisOrder> order_for(const ArrivalOptions& options, const Attributes& study) {
  if (options.rules.empty()) return options.order;
  const auto decides = deciding_rule(options, study);
  if (!decides || !options.rules[*decides].analyze) return std::nullopt;
  return options.rules[*decides].order;
}

void check_order(const AnalysisOrder& order) {
  if (order.language != "en" && order.language != "zh")
    throw Error(ErrorCode::parameter, "language: must be one of en, zh; got " + to_valid_utf8(order.language).substr(0, 40));
  if (order.profile.empty()) return;
  std::vector<std::string> known;
  for (const analysis::Profile& profile : analysis::read_profiles(find_resource("profiles"))) known.push_back(profile.id);
  std::sort(known.begin(), known.end());
  if (std::find(known.begin(), known.end(), order.profile) == known.end())
    throw Error(ErrorCode::parameter,
                fmt::format("profile: must be one of {}; got {}", join(known, ", "), to_valid_utf8(order.profile.substr(0, 40))));
}

}  // namespace gantry::archive
