// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/results.h"

#include <map>

namespace gantry {

namespace {

std::string word_of(TaskOutcome::State state) {
  return state == TaskOutcome::State::done ? "done" : state == TaskOutcome::State::continued ? "continued" : "failed";
}

/// A finding with a number.
struct Measured {
  std::string id, unit;
  double value = 0;
};

/// Study UID and what was measured, of each study of a summary.
std::vector<std::pair<std::string, std::vector<Measured>>> studies_of(const Json& summary) {
  std::vector<std::pair<std::string, std::vector<Measured>>> studies;
  try {
    for (const Json& study : summary.at("studies")) {
      std::vector<Measured> found;
      for (const Json& finding : study.at("findings")) {
        if (finding.at("value").is_number())
          found.push_back({finding.at("id").get<std::string>(), finding.value("unit", ""), finding.at("value").get<double>()});
      }
      studies.emplace_back(study.value("study_uid", ""), std::move(found));
    }
  } catch (const nlohmann::json::exception&) {
    return {};
  }
  return studies;
}

}  // namespace

Table cohort_table(const std::vector<CohortEntry>& entries) {
  std::vector<std::string> columns{"name", "study_uid", "state", "attempts", "reason"};
  std::map<std::string, std::size_t> place;
  for (const CohortEntry& entry : entries) {
    for (const auto& [uid, found] : studies_of(entry.summary)) {
      for (const Measured& one : found) {
        if (place.emplace(one.id, columns.size()).second) columns.push_back(one.id);
      }
    }
  }
  Table table(columns);
  for (const CohortEntry& entry : entries) {
    auto studies = studies_of(entry.summary);
    if (studies.empty()) studies.emplace_back();
    for (const auto& [uid, found] : studies) {
      std::vector<Table::Cell> row(columns.size());
      row[0] = entry.name;
      row[1] = uid;
      row[2] = word_of(entry.outcome.state);
      row[3] = static_cast<double>(entry.outcome.attempts);
      row[4] = entry.outcome.reason;
      for (const Measured& one : found) row[place.at(one.id)] = one.value;
      table.add(std::move(row));
    }
  }
  return table;
}

Json cohort_json(const std::vector<CohortEntry>& entries) {
  Json studies = Json::array();
  std::map<std::string, int> counts{{"done", 0}, {"continued", 0}, {"failed", 0}};
  for (const CohortEntry& entry : entries) {
    Json findings = Json::array();
    for (const auto& [uid, found] : studies_of(entry.summary)) {
      for (const Measured& one : found) findings.push_back({{"study_uid", uid}, {"id", one.id}, {"value", one.value}, {"unit", one.unit}});
    }
    ++counts[word_of(entry.outcome.state)];
    studies.push_back({{"name", entry.name},
                       {"state", word_of(entry.outcome.state)},
                       {"attempts", entry.outcome.attempts},
                       {"reason", entry.outcome.reason},
                       {"findings", std::move(findings)}});
  }
  return {{"studies", std::move(studies)}, {"done", counts["done"]}, {"continued", counts["continued"]}, {"failed", counts["failed"]}};
}

}  // namespace gantry
