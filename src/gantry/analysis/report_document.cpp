// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/core.h>

#include <algorithm>

#include "gantry/analysis/summary.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/report/wording.h"

namespace gantry::analysis {

namespace {

using wording::same;

Words person(const dicom::Header& header) {
  const std::string name = replace_all(header.text("PatientName").value_or(""), "^", " ");
  const std::string id = header.text("PatientID").value_or("");
  const std::string sex = header.text("PatientSex").value_or("");
  const std::string raw_age = header.text("PatientAge").value_or("");
  const auto put = [&](const std::string& language) {
    std::vector<std::string> parts;
    if (!trim(name).empty()) parts.emplace_back(trim(name));
    if (!trim(id).empty()) parts.emplace_back(trim(id));
    if (sex == "M") parts.emplace_back(language == "zh" ? "男" : "male");
    if (sex == "F") parts.emplace_back(language == "zh" ? "女" : "female");
    if (const std::string age = wording::age(raw_age, language); !age.empty()) parts.push_back(age);
    if (parts.empty()) parts.emplace_back(language == "zh" ? "未注明" : "not stated");
    return join(parts, language == "zh" ? "，" : ", ");
  };
  return {put("en"), put("zh")};
}

Words quality_verdict(const QualityItem& item) {
  switch (item.verdict) {
    case QualityItem::Verdict::good:
      return {"good", "良好"};
    case QualityItem::Verdict::limited:
      return {"limited", "受限"};
    default:
      return {"poor", "差"};
  }
}

void add_unique(std::vector<Words>& list, const std::vector<Words>& more) {
  for (const Words& words : more) {
    const bool known = std::any_of(list.begin(), list.end(), [&](const Words& other) { return other.en == words.en; });
    if (!known) list.push_back(words);
  }
}

ReportDocument::Measurements quality_table(const std::vector<const SeriesOutcome*>& analysed) {
  ReportDocument::Measurements table;
  table.title = {"Image quality and protocol", "图像质量与方案"};
  table.columns = {{"Check", "检查项"}, {"Value", "数值"}, {"Verdict", "判定"}, {"What it means here", "含义"}};
  table.right_aligned = {false, true, false, false};
  for (const SeriesOutcome* outcome : analysed) {
    for (const QualityItem& item : outcome->result.quality) {
      ReportDocument::Row row;
      row.cells = {{item.name, false},
                   {same(item.value ? wording::quantity(*item.value, item.unit) : ""), true},
                   {quality_verdict(item), false},
                   {item.reason, false}};
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

ReportDocument::Measurements series_table(const InputPlan& plan) {
  ReportDocument::Measurements table;
  table.title = {"Series", "序列"};
  table.columns = {{"Series", "序列"}, {"Modality", "模态"}, {"Used", "是否使用"}, {"Why", "原因"}};
  table.right_aligned = {false, false, false, false};
  for (const StudyPlan& study : plan.studies) {
    for (const SeriesPlan& series : study.series) {
      if (table.rows.size() >= 60) break;
      ReportDocument::Row row;
      const std::string name =
          series.series.description.empty() ? series.key : fmt::format("{} {}", series.series.number, series.series.description);
      row.cells = {{same(name), false},
                   {same(series.modality), false},
                   {series.role == "companion" ? Words{"as companion", "作为配套"}
                    : series.used              ? Words{"yes", "是"}
                                               : Words{"no", "否"},
                    false},
                   {same(series.reason), false}};
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

}  // namespace

ReportDocument report_document(const InputPlan& plan, const std::vector<std::vector<SeriesOutcome>>& outcomes) {
  ReportDocument document;
  std::vector<const SeriesOutcome*> analysed;
  std::size_t series_count = 0;
  for (const auto& study : outcomes) {
    series_count += study.size();
    for (const SeriesOutcome& outcome : study) {
      if (outcome.plan->used) analysed.push_back(&outcome);
    }
  }
  document.title = {"Imaging report", "影像分析报告"};
  if (analysed.size() == 1 && analysed.front()->plan->profile) {
    const Words& name = analysed.front()->plan->profile->name;
    document.title = {name.en + " report", name.zh + "报告"};
  }
  document.subtitle = same("Gantry " + std::string(version()));
  const StudyPlan& first = plan.studies.front();
  document.facts.push_back({{"Patient", "患者"}, person(first.header)});
  const std::string date = wording::date(first.header.text("StudyDate").value_or(""));
  const std::string study_words = join({date.empty() ? wording::short_uid(first.study_uid) : date}, " ");
  const std::string description = first.header.text("StudyDescription").value_or("");
  document.facts.push_back({{"Study", "检查"}, same(description.empty() ? study_words : study_words + " · " + description)});
  document.facts.push_back({{"Series", "序列"},
                            {fmt::format("{} of {} analysed", analysed.size(), series_count),
                             fmt::format("共 {} 个，分析 {} 个", series_count, analysed.size())}});
  for (const SeriesOutcome* outcome : analysed) {
    for (const auto& fact : outcome->result.facts) {
      const bool known =
          std::any_of(document.facts.begin(), document.facts.end(), [&](const auto& other) { return other.label.en == fact.label.en; });
      if (!known && document.facts.size() < 8) document.facts.push_back(fact);
    }
  }
  for (const SeriesOutcome* outcome : analysed) {
    const auto offset = static_cast<int>(document.images.size());
    for (ReportDocument::Glance glance : outcome->result.glances) {
      for (int& image : glance.images) image += offset;
      document.glances.push_back(std::move(glance));
    }
    for (ReportDocument::KeyImage image : outcome->result.images) {
      image.file = replace_all(image.file, "figures/", "figures/" + outcome->plan->key + "-");
      document.images.push_back(std::move(image));
    }
    document.tables.insert(document.tables.end(), outcome->result.tables.begin(), outcome->result.tables.end());
    document.charts.insert(document.charts.end(), outcome->result.charts.begin(), outcome->result.charts.end());
    add_unique(document.not_analysed, outcome->result.not_analysed);
    add_unique(document.certainty, outcome->result.certainty);
    add_unique(document.methods, outcome->result.methods);
    add_unique(document.references, outcome->result.references);
  }
  std::stable_sort(document.glances.begin(), document.glances.end(),
                   [](const auto& a, const auto& b) { return a.attention < b.attention; });
  if (document.glances.size() > 6) document.glances.resize(6);
  if (document.glances.empty()) {
    document.glances.push_back(
        {Attention::note, {"Nothing could be measured: the series table says why.", "未能进行测量：原因见序列表。"}, {}});
  }
  if (auto table = quality_table(analysed); !table.rows.empty()) document.tables.push_back(std::move(table));
  document.tables.push_back(series_table(plan));
  document.certainty.push_back(
      {"Intervals state what the method itself leaves open; they do not cover what a different scan on another day would show.",
       "区间仅表示方法本身的不确定性，不包括另一次扫描可能出现的差异。"});
  document.methods.push_back(
      {"No trained model took part: every number is measured as its row says.", "未使用训练模型：每个数值均按其所列方法测得。"});
  document.footer = {std::string(not_a_medical_device("en")), std::string(not_a_medical_device("zh"))};
  return document;
}

}  // namespace gantry::analysis
