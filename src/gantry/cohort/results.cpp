// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/results.h"

#include <fmt/core.h>

#include <map>

namespace gantry {

namespace {

const char* word_of(TaskOutcome::State state) { return state == TaskOutcome::State::failed ? "failed" : "done"; }

/// A finding with a number, and the name of its column.
struct Measured {
  std::string id, column, unit;
  double value = 0;
};

/// Study UID and what was measured, of each study of a summary.
std::vector<std::pair<std::string, std::vector<Measured>>> studies_of(const Json& summary) {
  std::vector<std::pair<std::string, std::vector<Measured>>> studies;
  if (!summary.is_object()) return studies;
  try {
    for (const Json& study : summary.at("studies")) {
      std::vector<Measured> found;
      std::map<std::string, int> times;
      for (const Json& finding : study.at("findings")) {
        if (!finding.at("value").is_number()) continue;
        const auto id = finding.at("id").get<std::string>();
        const int time = ++times[id];
        found.push_back(
            {id, time == 1 ? id : fmt::format("{}#{}", id, time), finding.value("unit", ""), finding.at("value").get<double>()});
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
  std::vector<std::string> columns{"name", "study_uid", "state", "reason"};
  std::map<std::string, std::size_t> place;
  for (const CohortEntry& entry : entries) {
    for (const auto& [uid, found] : studies_of(entry.summary)) {
      for (const Measured& one : found) {
        if (place.emplace(one.column, columns.size()).second) columns.push_back(one.column);
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
      row[3] = entry.outcome.reason;
      for (const Measured& one : found) row[place.at(one.column)] = one.value;
      table.add(std::move(row));
    }
  }
  return table;
}

Json cohort_json(const std::vector<CohortEntry>& entries) {
  Json studies = Json::array();
  std::map<std::string, int> counts;
  for (const CohortEntry& entry : entries) {
    Json findings = Json::array();
    for (const auto& [uid, found] : studies_of(entry.summary)) {
      for (const Measured& one : found) findings.push_back({{"study_uid", uid}, {"id", one.id}, {"value", one.value}, {"unit", one.unit}});
    }
    const char* state = word_of(entry.outcome.state);
    ++counts[state];
    studies.push_back({{"name", entry.name}, {"state", state}, {"reason", entry.outcome.reason}, {"findings", std::move(findings)}});
  }
  return {{"studies", std::move(studies)}, {"done", counts["done"]}, {"failed", counts["failed"]}};
}

}  // namespace gantry
