// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "gantry/analysis/other.h"
#include "gantry/analysis/summary.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/report/reason_words.h"
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

std::string series_name(const SeriesPlan& series) {
  return series.series.description.empty() ? series.key : fmt::format("{} {}", series.series.number, series.series.description);
}

/// What a statement about one of several series begins with, so that a reader knows whom and what it is about; empty when there is one.
class Tags {
 public:
  Tags(const InputPlan& plan, const std::vector<std::vector<SeriesOutcome>>& outcomes) {
    std::size_t studies = 0, series = 0;
    std::map<std::string, int> people;
    for (std::size_t s = 0; s < outcomes.size(); ++s) {
      std::size_t used = 0;
      for (const SeriesOutcome& outcome : outcomes[s]) used += outcome.plan->used ? 1 : 0;
      series += used;
      studies += used > 0 ? 1 : 0;
      if (used > 0) ++people[person_id(plan.studies[s])];
    }
    for (std::size_t s = 0; s < outcomes.size(); ++s) {
      const StudyPlan& study = plan.studies[s];
      std::string who;
      if (studies > 1) {
        who = person_id(study);
        const std::string date = wording::date(study.header.text("StudyDate").value_or(""));
        if (who.empty() || people[who] > 1) who = join_words(who, date.empty() ? wording::short_uid(study.study_uid) : date);
      }
      for (const SeriesOutcome& outcome : outcomes[s]) {
        if (!outcome.plan->used || series < 2) continue;
        const auto alike = std::count_if(outcomes[s].begin(), outcomes[s].end(), [&](const SeriesOutcome& other) {
          return other.plan->used && other.plan->modality == outcome.plan->modality;
        });
        std::string tag = join_words(who, outcome.plan->modality == "PT" ? "PET" : outcome.plan->modality);
        if (alike > 1)
          tag += fmt::format(" {}", outcome.plan->series.number > 0 ? std::to_string(outcome.plan->series.number) : outcome.plan->key);
        tags_[&outcome] = tag;
      }
    }
  }

  std::string of(const SeriesOutcome& outcome) const {
    const auto found = tags_.find(&outcome);
    return found == tags_.end() ? std::string() : found->second;
  }
  Words before(const SeriesOutcome& outcome, const Words& words) const {
    const std::string tag = of(outcome);
    return tag.empty() ? words : Words{tag + " · " + words.en, tag + " · " + words.zh};
  }

  static std::string person_id(const StudyPlan& study) {
    const std::string id(trim(study.header.text("PatientID").value_or("")));
    return id.empty() ? std::string(trim(replace_all(study.header.text("PatientName").value_or(""), "^", " "))) : id;
  }

 private:
  static std::string join_words(const std::string& a, const std::string& b) { return a.empty() ? b : a + " " + b; }
  std::map<const SeriesOutcome*, std::string> tags_;
};

ReportDocument::Measurements quality_table(const std::vector<const SeriesOutcome*>& analysed, const Tags& tags) {
  ReportDocument::Measurements table;
  table.title = {"Image quality and protocol", "图像质量与方案"};
  table.columns = {{"Check", "检查项"}, {"Value", "数值"}, {"Verdict", "判定"}, {"What it means here", "含义"}};
  table.right_aligned = {false, true, false, false};
  if (analysed.size() > 1) {
    table.columns.insert(table.columns.begin(), Words{"Series", "序列"});
    table.right_aligned.insert(table.right_aligned.begin(), false);
  }
  for (const SeriesOutcome* outcome : analysed) {
    for (const QualityItem& item : outcome->result.quality) {
      ReportDocument::Row row;
      if (analysed.size() > 1) row.cells.push_back({same(tags.of(*outcome)), false});
      for (ReportDocument::Cell& cell :
           std::vector<ReportDocument::Cell>{{item.name, false},
                                             {same(item.value ? wording::quantity(*item.value, item.unit) : ""), true},
                                             {quality_verdict(item), false},
                                             {item.reason, false}})
        row.cells.push_back(std::move(cell));
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

ReportDocument::Measurements series_table(const InputPlan& plan) {
  ReportDocument::Measurements table;
  table.title = {"Series", "序列"};
  table.columns = {{"Series", "序列"}, {"Modality", "模态"}, {"Used", "是否使用"}, {"Profile, or why not", "方案或原因"}};
  table.right_aligned = {false, false, false, false};
  for (const StudyPlan& study : plan.studies) {
    for (const SeriesPlan& series : study.series) {
      if (table.rows.size() >= 60) break;
      ReportDocument::Row row;
      row.cells = {
          {same(series_name(series)), false},
          {same(series.modality), false},
          {series.role == "companion" ? Words{"as companion", "作为配套"}
           : series.used              ? Words{"yes", "是"}
                                      : Words{"no", "否"},
           false},
          {series.used && series.profile ? Words{series.profile->name.en, series.profile->name.zh} : report::reason_words(series.reason),
           false}};
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

/// Files that no series came from, by their reasons; the ones that share a reason together.
std::vector<Words> skipped_files(const InputPlan& plan) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const auto& skipped : plan.files_skipped) by_reason[skipped.reason].push_back(skipped.path);
  std::vector<Words> list;
  constexpr std::size_t most = 8;
  std::size_t left = 0;
  for (const auto& [reason, files] : by_reason) {
    if (list.size() >= most) {
      left += files.size();
      continue;
    }
    const Words why = report::reason_words(reason);
    if (files.size() == 1) {
      list.push_back({fmt::format("File {}: {}.", files.front(), why.en), fmt::format("文件 {}：{}。", files.front(), why.zh)});
    } else {
      list.push_back({fmt::format("{} files, such as {}: {}.", files.size(), files.front(), why.en),
                      fmt::format("{} 个文件（如 {}）：{}。", files.size(), files.front(), why.zh)});
    }
  }
  if (left > 0) {
    list.push_back(
        {fmt::format("{} more: summary.json names each with its reason.", wording::count(static_cast<std::int64_t>(left), "file", "files")),
         fmt::format("另有 {} 个文件，见 summary.json。", left)});
  }
  return list;
}

/// What reading and measuring warned of, each once.
std::vector<Words> warnings_of(const InputPlan& plan, const std::vector<const SeriesOutcome*>& analysed) {
  std::vector<std::string> all;
  const auto add = [&](const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) {
      if (std::find(all.begin(), all.end(), warning) == all.end()) all.push_back(warning);
    }
  };
  for (const StudyPlan& study : plan.studies) add(study.warnings);
  for (const SeriesOutcome* outcome : analysed) {
    add(outcome->plan->series.warnings);
    add(outcome->result.warnings);
  }
  std::vector<Words> list;
  for (const std::string& warning : all) {
    const Words words = report::reason_words(warning);
    list.push_back({"Warning: " + words.en + ".", "提示：" + words.zh + "。"});
  }
  return list;
}

/// Series that were not used, those with one reason together.
std::vector<Words> unused_series(const InputPlan& plan) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const StudyPlan& study : plan.studies) {
    for (const SeriesPlan& series : study.series) {
      if (!series.used && series.role != "companion") by_reason[series.reason].push_back(series_name(series));
    }
  }
  std::vector<Words> list;
  for (auto& [reason, names] : by_reason) {
    const Words why = report::reason_words(reason.empty() ? "no profile applies to this kind of series" : reason);
    const auto count = static_cast<std::int64_t>(names.size());
    constexpr std::size_t most = 3;
    const bool all = names.size() <= most;
    if (!all) names.resize(most);
    const std::string shown_en = wording::list(names, "en"), shown_zh = wording::list(names, "zh");
    if (count == 1) {
      list.push_back({fmt::format("Series {}: {}.", shown_en, why.en), fmt::format("序列 {}：{}。", shown_zh, why.zh)});
    } else {
      list.push_back({fmt::format("{} series ({}{}): {}.", count, all ? "" : "such as ", shown_en, why.en),
                      fmt::format("{} 个序列（{}{}）：{}。", count, all ? "" : "如 ", shown_zh, why.zh)});
    }
  }
  return list;
}

/// "120 slices, 512 × 512, 0.41 × 0.41 × 1.50 mm"
Words image_words(const SeriesPlan& plan) {
  const Grid& grid = plan.series.grid;
  const std::string matrix = fmt::format("{} × {}", grid.size(0), grid.size(1));
  if (plan.series.is_volume) {
    const Vec3 d = grid.spacing_mm();
    const std::string rest = fmt::format("{}, {:.2f} × {:.2f} × {:.2f} mm", matrix, d.x, d.y, d.z);
    const std::string frames = plan.series.frames > 1 ? fmt::format(" × {}", plan.series.frames) : "";
    return {fmt::format("{}{} slices, {}", grid.size(2), frames, rest), fmt::format("{}{} 层，{}", grid.size(2), frames, rest)};
  }
  const std::int64_t count = plan.series.frames * grid.size(2);
  return {fmt::format("{}, {} pixels", wording::count(count, "image", "images"), matrix), fmt::format("{} 幅，{} 像素", count, matrix)};
}

/// The worst verdicts by name.
Words quality_words(const std::vector<const SeriesOutcome*>& analysed) {
  for (const QualityItem::Verdict verdict : {QualityItem::Verdict::poor, QualityItem::Verdict::limited}) {
    std::vector<std::string> en, zh;
    for (const SeriesOutcome* outcome : analysed) {
      for (const QualityItem& item : outcome->result.quality) {
        const std::string name = lower(item.name.en.substr(0, 1)) + item.name.en.substr(std::min<std::size_t>(1, item.name.en.size()));
        if (item.verdict != verdict || std::find(en.begin(), en.end(), name) != en.end()) continue;
        en.push_back(name);
        zh.push_back(item.name.zh);
      }
    }
    if (en.empty()) continue;
    constexpr std::size_t most = 2;
    const bool more = en.size() > most;
    const std::size_t left = more ? en.size() - most : 0;
    if (more) en.resize(most), zh.resize(most);
    const bool poor = verdict == QualityItem::Verdict::poor;
    return {fmt::format("{}: {}{}", poor ? "poor" : "limited", join(en, ", "), more ? fmt::format(", {} more", left) : ""),
            fmt::format("{}：{}{}", poor ? "差" : "受限", join(zh, "、"), more ? fmt::format("等 {} 项", en.size() + left) : "")};
  }
  return {"good", "良好"};
}

/// Who and what, at most eight: the people and the studies, what the methods say of the series, then what every series has.
std::vector<ReportDocument::Fact> facts_of(const InputPlan& plan, const std::vector<const SeriesOutcome*>& analysed,
                                           std::size_t series_count) {
  std::vector<ReportDocument::Fact> facts;
  const auto add = [&](Words label, Words value) {
    const bool known = std::any_of(facts.begin(), facts.end(), [&](const auto& other) { return other.label.en == label.en; });
    if (!known && facts.size() < 8 && !value.en.empty()) facts.push_back({std::move(label), std::move(value)});
  };
  std::vector<std::string> people, dates, descriptions;
  const auto note = [](std::vector<std::string>& list, const std::string& text) {
    if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
  };
  for (const StudyPlan& study : plan.studies) {
    note(people, Tags::person_id(study));
    note(dates, wording::date(study.header.text("StudyDate").value_or("")));
    note(descriptions, study.header.text("StudyDescription").value_or(""));
  }
  const StudyPlan& first = plan.studies.front();
  if (people.size() > 1) {
    const auto count = people.size();
    if (count > 4) people.resize(4);
    const std::string names = join(people, ", ") + (count > 4 ? ", …" : "");
    add({"Patients", "患者"}, {fmt::format("{}: {}", count, names), fmt::format("{} 位：{}", count, names)});
  } else {
    add({"Patient", "患者"}, person(first.header));
  }
  if (plan.studies.size() > 1) {
    std::sort(dates.begin(), dates.end());
    const std::string range = dates.empty() ? "" : dates.size() == 1 ? dates.front() : dates.front() + " … " + dates.back();
    add({"Studies", "检查"}, {fmt::format("{}{}{}", plan.studies.size(), range.empty() ? "" : ", ", range),
                              fmt::format("{} 次{}{}", plan.studies.size(), range.empty() ? "" : "，", range)});
  } else {
    const std::string study = dates.empty() ? wording::short_uid(first.study_uid) : dates.front();
    add({"Study", "检查"}, same(descriptions.empty() ? study : study + " · " + descriptions.front()));
  }
  add({"Series", "序列"}, {fmt::format("{} of {} analysed", analysed.size(), series_count),
                           fmt::format("共 {} 个，分析 {} 个", series_count, analysed.size())});
  // A fact that several series state differently belongs to none of the whole report.
  for (const SeriesOutcome* outcome : analysed) {
    for (const auto& fact : outcome->result.facts) {
      const bool disputed = std::any_of(analysed.begin(), analysed.end(), [&](const SeriesOutcome* other) {
        return std::any_of(other->result.facts.begin(), other->result.facts.end(),
                           [&](const auto& f) { return f.label.en == fact.label.en && f.value.en != fact.value.en; });
      });
      if (!disputed) add(fact.label, fact.value);
    }
  }
  if (analysed.empty()) return facts;
  if (analysed.size() == 1) add({"Images", "图像"}, image_words(*analysed.front()->plan));
  add({"Quality", "质量"}, quality_words(analysed));
  std::vector<std::string> profiles_en, profiles_zh, scanners;
  for (const SeriesOutcome* outcome : analysed) {
    if (const Profile* profile = outcome->plan->profile) {
      note(profiles_en, fmt::format("{} {}", profile->name.en, profile->version));
      note(profiles_zh, fmt::format("{} {}", profile->name.zh, profile->version));
    }
    const dicom::Header& header = outcome->plan->series.header;
    note(scanners, std::string(trim(header.text("Manufacturer").value_or("") + " " + header.text("ManufacturerModelName").value_or(""))));
  }
  add({"Profile", "方案"}, {join(profiles_en, ", "), join(profiles_zh, "，")});
  if (scanners.size() < 3) add({"Scanner", "设备"}, same(join(scanners, ", ")));
  return facts;
}

/// The sentences that a reader sees first: the most urgent of all series, of equal ones the first of each series before its second.
void add_glances(ReportDocument& document, std::vector<std::pair<std::size_t, ReportDocument::Glance>> ranked, std::size_t most) {
  std::vector<std::size_t> order(ranked.size());
  for (std::size_t n = 0; n < order.size(); ++n) order[n] = n;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(ranked[a].second.attention, ranked[a].first) < std::pair(ranked[b].second.attention, ranked[b].first);
  });
  if (order.size() > most) order.resize(most);
  std::sort(order.begin(), order.end());
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return ranked[a].second.attention < ranked[b].second.attention; });
  for (const std::size_t n : order) document.glances.push_back(std::move(ranked[n].second));
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
  const Tags tags(plan, outcomes);
  document.title = {"Imaging report", "影像分析报告"};
  if (analysed.size() == 1 && analysed.front()->plan->profile) {
    const SeriesPlan& only = *analysed.front()->plan;
    const auto& modalities = only.profile->applies_to.modalities;
    const bool any = std::find(modalities.begin(), modalities.end(), "*") != modalities.end();  // its name says nothing of what was seen
    const Words& name = any ? modality_name(only.modality) : only.profile->name;
    std::string begin = name.en;
    if (!begin.empty()) begin[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(begin[0])));
    const bool ascii_end = !name.zh.empty() && static_cast<unsigned char>(name.zh.back()) < 0x80;
    document.title = any ? Words{begin + ": quality and protocol", name.zh + "：质量与方案"}
                         : Words{begin + " report", name.zh + (ascii_end ? " 报告" : "报告")};
  }
  document.subtitle = same("Gantry " + std::string(version()));
  document.facts = facts_of(plan, analysed, series_count);
  std::vector<std::pair<std::size_t, ReportDocument::Glance>> glances;
  bool intervals = false;
  for (const SeriesOutcome* outcome : analysed) {
    const auto offset = static_cast<int>(document.images.size());
    const SeriesResult& result = outcome->result;
    for (std::size_t n = 0; n < result.glances.size(); ++n) {
      ReportDocument::Glance glance = result.glances[n];
      for (int& image : glance.images) image += offset;
      glance.text = tags.before(*outcome, glance.text);
      glances.emplace_back(n, std::move(glance));
    }
    for (ReportDocument::KeyImage image : result.images) {
      image.file = replace_all(image.file, "figures/", "figures/" + outcome->plan->key + "-");
      image.caption = tags.before(*outcome, image.caption);
      document.images.push_back(std::move(image));
    }
    for (ReportDocument::Measurements table : result.tables) {
      table.title = tags.before(*outcome, table.title);
      document.tables.push_back(std::move(table));
    }
    for (ReportDocument::Chart chart : result.charts) {
      chart.title = tags.before(*outcome, chart.title);
      document.charts.push_back(std::move(chart));
    }
    add_unique(document.not_analysed, result.not_analysed);
    add_unique(document.certainty, result.certainty);
    add_unique(document.methods, result.methods);
    add_unique(document.references, result.references);
    intervals =
        intervals || std::any_of(result.findings.begin(), result.findings.end(), [](const Finding& f) { return f.interval.has_value(); });
  }
  add_glances(document, std::move(glances), std::clamp<std::size_t>(3 * plan.studies.size(), 6, 12));
  if (document.glances.empty()) {
    document.glances.push_back(
        {Attention::note,
         {"Nothing measured: no series could be analysed; the table of series says why.", "未测量：没有可以分析的序列，原因见序列表。"},
         {}});
  }
  if (auto table = quality_table(analysed, tags); !table.rows.empty()) document.tables.push_back(std::move(table));
  document.tables.push_back(series_table(plan));
  add_unique(document.not_analysed, unused_series(plan));
  add_unique(document.not_analysed, skipped_files(plan));
  add_unique(document.certainty, warnings_of(plan, analysed));
  if (intervals) {
    document.certainty.push_back(
        {"Intervals state what the method itself leaves open; they do not cover what a different scan on another day would show.",
         "区间仅表示方法本身的不确定性，不包括另一次扫描可能出现的差异。"});
  }
  std::vector<Words> models;
  for (const SeriesOutcome* outcome : analysed) {
    for (const std::string& model : outcome->result.models)
      add_unique(models, {{"Trained model that took part: " + model + ".", "使用的训练模型：" + model + "。"}});
  }
  if (analysed.empty()) {
    models = {{"Only headers were read: no pixels were analysed.", "仅读取头信息，未分析像素。"}};
  } else if (models.empty()) {
    models = {{"No trained model took part: every number is measured as its row says.", "未使用训练模型：每个数值均按其所列方法测得。"}};
  }
  add_unique(document.methods, models);
  document.footer = {std::string(not_a_medical_device("en")), std::string(not_a_medical_device("zh"))};
  return document;
}

}  // namespace gantry::analysis
