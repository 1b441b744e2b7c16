// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/summary.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/version.h"

namespace gantry::analysis {

namespace {

/// Six significant digits are more than anything here deserves and keep the file readable.
Json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0) return 0.0;
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json code_json(const Code& code) { return {{"scheme", code.scheme}, {"value", code.value}, {"meaning", code.meaning}}; }

Json finding_json(const Finding& finding, const std::string& series_uid) {
  Json json;
  json["id"] = finding.id;
  json["name"] = finding.name;
  json["code"] = code_json(finding.code);
  json["value"] = finding.value ? number(*finding.value) : Json(nullptr);
  json["unit"] = finding.unit;
  json["interval"] = finding.interval ? Json{number((*finding.interval)[0]), number((*finding.interval)[1])} : Json(nullptr);
  json["confidence"] = finding.confidence ? number(*finding.confidence) : Json(nullptr);
  json["series_uid"] = series_uid;
  json["segment"] = text_or_null(finding.segment);
  json["method"] = finding.method;
  json["model"] = text_or_null(finding.model);
  if (!finding.reason.empty()) json["reason"] = finding.reason;
  if (finding.position_mm)
    json["position_lps_mm"] = {number(finding.position_mm->x), number(finding.position_mm->y), number(finding.position_mm->z)};
  return json;
}

Json grid_json(const Grid& grid) {
  const auto vector = [](Vec3 v) { return Json{number(v.x), number(v.y), number(v.z)}; };
  Json json;
  json["size"] = {grid.size(0), grid.size(1), grid.size(2)};
  json["spacing_mm"] = vector(grid.spacing_mm());
  json["origin_lps_mm"] = vector(grid.origin_mm());
  json["direction"] = {vector(grid.direction().column[0]), vector(grid.direction().column[1]), vector(grid.direction().column[2])};
  return json;
}

const char* verdict_id(QualityItem::Verdict verdict) {
  return verdict == QualityItem::Verdict::good ? "good" : verdict == QualityItem::Verdict::limited ? "limited" : "poor";
}

}  // namespace

Json summary_json(const InputPlan& plan, const std::vector<std::vector<SeriesOutcome>>& outcomes,
                  const std::vector<std::string>& run_warnings, const std::string& language) {
  Json summary;
  summary["gantry_version"] = std::string(version());
  summary["notice"] = std::string(not_a_medical_device());
  summary["language"] = language;
  Json& input = summary["input"];
  input["files_read"] = plan.files_read;
  input["files_skipped"] = Json::array();
  for (const auto& skipped : plan.files_skipped) input["files_skipped"].push_back({{"path", skipped.path}, {"reason", skipped.reason}});
  summary["studies"] = Json::array();
  for (std::size_t s = 0; s < plan.studies.size(); ++s) {
    const StudyPlan& study = plan.studies[s];
    Json json;
    json["study_uid"] = study.study_uid;
    for (const char* key : {"series", "profiles", "quality", "findings", "segments", "models", "warnings"}) json[key] = Json::array();
    const auto warn = [&](const std::string& text) {
      if (std::find(json["warnings"].begin(), json["warnings"].end(), text) == json["warnings"].end()) json["warnings"].push_back(text);
    };
    for (const std::string& warning : study.warnings) warn(warning);
    for (const SeriesOutcome& outcome : outcomes[s]) {
      const SeriesPlan& series = *outcome.plan;
      Json entry;
      entry["series_uid"] = series.series.series_uid;
      entry["modality"] = series.modality;
      entry["description"] = series.series.description;
      entry["role"] = series.role;
      entry["used"] = series.used;
      entry["reason"] = series.reason;
      entry["key"] = series.key;
      entry["grid"] = series.series.reason.empty() && series.series.is_volume ? grid_json(series.series.grid) : Json(nullptr);
      json["series"].push_back(std::move(entry));
      if (!series.used) continue;
      for (const std::string& warning : series.series.warnings) warn(warning);
      for (const std::string& warning : outcome.result.warnings) warn(warning);
      for (const std::string& model : outcome.result.models) {
        if (std::find(json["models"].begin(), json["models"].end(), model) == json["models"].end()) json["models"].push_back(model);
      }
      if (series.profile) {
        Json profile{{"id", series.profile->id}, {"version", series.profile->version}};
        if (std::find(json["profiles"].begin(), json["profiles"].end(), profile) == json["profiles"].end())
          json["profiles"].push_back(profile);
      }
      for (const QualityItem& item : outcome.result.quality) {
        json["quality"].push_back({{"id", item.id},
                                   {"series_uid", series.series.series_uid},
                                   {"name", item.name.in(language)},
                                   {"value", item.value ? number(*item.value) : Json(nullptr)},
                                   {"unit", item.unit},
                                   {"verdict", verdict_id(item.verdict)},
                                   {"reason", text_or_null(item.reason.in(language))}});
      }
      for (const Finding& finding : outcome.result.findings) json["findings"].push_back(finding_json(finding, series.series.series_uid));
      for (std::size_t n = 0; n < outcome.result.segments.size(); ++n) {
        const Segment& segment = outcome.result.segments[n];
        const Structure& row = structure(segment.id);
        const std::size_t dot = segment.id.find('.');
        json["segments"].push_back({{"id", segment.id},
                                    {"name", std::string(row.meaning) + (dot == std::string::npos ? "" : " " + segment.id.substr(dot + 1))},
                                    {"code", code_json(code_of(row))},
                                    {"label_value", n < outcome.file_values.size() ? outcome.file_values[n] : segment.label_value},
                                    {"volume_ml", number(segment.volume_ml)},
                                    {"incomplete", segment.incomplete},
                                    {"series_uid", series.series.series_uid},
                                    {"method", segment.method},
                                    {"file", n < outcome.files.size() ? outcome.files[n] : ""}});
      }
    }
    if (s == 0) {
      for (const std::string& warning : run_warnings) warn(warning);
    }
    summary["studies"].push_back(std::move(json));
  }
  return summary;
}

Table measurement_table(const InputPlan& plan, const std::vector<std::vector<SeriesOutcome>>& outcomes) {
  Table table({"study_uid", "series_uid", "id", "name", "value", "unit", "low", "high", "segment", "method", "reason"});
  const auto cell = [](std::optional<double> value) {
    return value && std::isfinite(*value) ? Table::Cell(number(*value).get<double>()) : Table::Cell();
  };
  const auto word = [](const std::string& text) { return text.empty() ? Table::Cell() : Table::Cell(text); };
  for (std::size_t s = 0; s < plan.studies.size(); ++s) {
    for (const SeriesOutcome& outcome : outcomes[s]) {
      for (const Finding& f : outcome.result.findings) {
        std::optional<double> low, high;
        if (f.interval) {
          low = (*f.interval)[0];
          high = (*f.interval)[1];
        }
        table.add({plan.studies[s].study_uid, outcome.plan->series.series_uid, f.id, f.name, cell(f.value), word(f.unit), cell(low),
                   cell(high), word(f.segment), word(f.method), word(f.reason)});
      }
    }
  }
  return table;
}

}  // namespace gantry::analysis
