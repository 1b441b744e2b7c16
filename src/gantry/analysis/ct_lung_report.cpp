// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "gantry/analysis/ct_nodule_classifier.h"
#include "gantry/analysis/ct_report.h"
#include "gantry/base/text.h"
#include "gantry/report/wording.h"

namespace gantry::analysis {

namespace {

const Code percent_code{"99GANTRY", "laa950", "Share of lung below -950 HU"};
const Code percentile_code{"99GANTRY", "perc15", "15th percentile of lung density"};
const Code long_axis_code{"SCT", "103339001", "Long Axis"};
const Code short_axis_code{"SCT", "103340004", "Short Axis"};
const Code diameter_code{"SCT", "81827009", "Diameter"};
const Code count_code{"99GANTRY", "count", "Number of nodules"};

/// Why density indices must not be compared; empty when they may.
Words density_reason(const CtReport& report) {
  Words reason;
  const auto add = [&](const std::string& en, const std::string& zh) {
    reason.en += (reason.en.empty() ? "" : "; ") + en;
    reason.zh += (reason.zh.empty() ? "" : "；") + zh;
  };
  const Lungs& lungs = report.maps.lungs;
  if (!lungs.left || !lungs.right) {
    add("only one lung is in view", "仅一侧肺在视野内");
  } else if (!report.lungs_whole()) {
    add("the lungs are cut off", "肺被截断");
  }
  if (report.lung_noise_hu && *report.lung_noise_hu > 10) {
    add(fmt::format("noise in the lung is {:.0f} HU (10 at most)", *report.lung_noise_hu),
        fmt::format("肺内噪声 {:.0f} HU（上限 10）", *report.lung_noise_hu));
  }
  if (!report.lung_noise_hu) add("noise in the lung could not be measured", "未能测得肺内噪声");
  if (!report.protocol.header || report.protocol.kernel.empty()) {
    add("the convolution kernel is not stated", "未注明卷积核");
  }
  if (report.protocol.header && !report.protocol.slice_thickness_mm) add("the slice thickness is not stated", "未注明层厚");
  const double thick = std::max(report.protocol.slice_spacing_mm, report.protocol.slice_thickness_mm.value_or(0));
  if (thick > 1.51) add(fmt::format("slices of {:.1f} mm (1.5 at most)", thick), fmt::format("层厚 {:.1f} mm（上限 1.5）", thick));
  if (report.protocol.sharp_kernel) add("sharp kernel " + report.protocol.kernel, "锐利卷积核 " + report.protocol.kernel);
  HuHistogram both = report.maps.histograms[ct_lung_left];
  both.add(report.maps.histograms[ct_lung_right]);
  if (both.total() > 0 && both.mean() > -740) {
    add(fmt::format("mean lung density {:.0f} HU suggests expiration", both.mean()),
        fmt::format("肺平均密度 {:.0f} HU，提示呼气相", both.mean()));
  }
  return reason;
}

const Words& side_words(int side) {
  static const Words left{"left lung", "左肺"}, right{"right lung", "右肺"};
  return side == 1 ? left : right;
}

const Words& density_words(NoduleDensity density) {
  static const Words solid{"solid", "实性"}, part{"part-solid", "部分实性"}, glass{"ground-glass", "磨玻璃"};
  return density == NoduleDensity::solid ? solid : density == NoduleDensity::part_solid ? part : glass;
}

}  // namespace

void add_lung_density(CtReport& report) {
  const Lungs& lungs = report.maps.lungs;
  if (!lungs.left && !lungs.right) return;
  SeriesResult& result = report.result;
  const Words reason = density_reason(report);
  const double limit = report.profile.number("emphysema_hu", -950, -1024, -800);
  HuHistogram both = report.maps.histograms[ct_lung_left];
  both.add(report.maps.histograms[ct_lung_right]);

  ReportDocument::Measurements table;
  table.title = {"Lung density", "肺密度"};
  table.columns = {{"Measure", "指标"}, {"Both", "双肺"}, {"Right", "右"}, {"Left", "左"}};
  table.right_aligned = {false, true, true, true};
  struct Part {
    const char* id;
    const HuHistogram* histogram;
    bool in_view;
  };
  const std::array<Part, 3> parts{Part{"lungs", &both, lungs.left && lungs.right},
                                  Part{"lung_right", &report.maps.histograms[ct_lung_right], lungs.right},
                                  Part{"lung_left", &report.maps.histograms[ct_lung_left], lungs.left}};
  ReportDocument::Row share_row, percentile_row, mean_row;
  share_row.cells.push_back({{fmt::format("Below {:.0f} HU", limit), fmt::format("低于 {:.0f} HU", limit)}, false});
  percentile_row.cells.push_back({{"15th percentile", "第 15 百分位"}, false});
  mean_row.cells.push_back({{"Mean", "平均"}, false});
  for (const Part& part : parts) {
    if (!part.in_view || part.histogram->total() == 0) {
      for (auto* row : {&share_row, &percentile_row, &mean_row}) row->cells.push_back({wording::same("–"), true});
      continue;
    }
    const HuHistogram& h = *part.histogram;
    const std::string method = fmt::format("histogram of {} voxels of lung without trachea and main bronchi", h.total());
    const double share = 100 * h.share_below(limit);
    const std::array<double, 2> share_interval{100 * h.share_below(limit - 5), 100 * h.share_below(limit + 5)};
    const auto add = [&](const std::string& measure, const Words& words, const Code& code, double value, const std::string& unit,
                         std::optional<std::array<double, 2>> interval, const std::string& how) {
      Finding& finding = add_finding(report, std::string(part.id) + "." + measure, words, code, value, unit, interval, how);
      finding.reason = reason.en.empty() ? "" : "not comparable: " + reason.en;
    };
    add("laa950", {fmt::format("share below {:.0f} HU", limit), ""}, percent_code, share, "%", share_interval,
        method + "; interval: threshold moved by 5 HU");
    add("percentile15", {"15th percentile of density", ""}, percentile_code, h.percentile(0.15), "[hnsf'U]", std::nullopt, method);
    add("mean_density", {"mean density", ""}, attenuation_code, h.mean(), "[hnsf'U]", std::nullopt, method);
    share_row.cells.push_back({wording::measured(share, share_interval, "%"), true});
    percentile_row.cells.push_back({wording::same(wording::fixed(h.percentile(0.15), 0) + " HU"), true});
    mean_row.cells.push_back({wording::same(wording::fixed(h.mean(), 0) + " HU"), true});
  }
  table.rows = {share_row, percentile_row, mean_row};
  table.note = reason.en.empty() ? Words{"Thin, smooth, quiet, whole and inspiratory: may be compared with scans made the same way.",
                                         "薄层、平滑核、低噪声、全肺、吸气相：可与同法扫描比较。"}
                                 : Words{"Not comparable with other scans or published limits: " + reason.en + ".",
                                         "不可与其他扫描或文献界值比较：" + reason.zh + "。"};
  result.tables.push_back(std::move(table));

  ReportDocument::Chart chart;
  chart.title = {"Density of the lungs", "肺密度分布"};
  chart.x_axis = {"HU", "HU"};
  chart.y_axis = {"Share of the lung, %", "占肺的百分比"};
  chart.bars = false;
  const auto line = [&](const char* id, const Words& name, const HuHistogram& h) {
    ReportDocument::Series series;
    series.name = name;
    series.color = structure(id).color;
    const std::vector<double> bins = h.binned(-1050, -400, 10);
    for (std::size_t n = 0; n < bins.size(); ++n) {
      series.x.push_back(-1045.0 + 10.0 * static_cast<double>(n));
      series.y.push_back(100 * bins[n] / static_cast<double>(std::max<std::int64_t>(1, h.total())));
    }
    chart.series.push_back(std::move(series));
  };
  if (lungs.right) line("lung_right", {"Right lung", "右肺"}, report.maps.histograms[ct_lung_right]);
  if (lungs.left) line("lung_left", {"Left lung", "左肺"}, report.maps.histograms[ct_lung_left]);
  chart.marks.push_back({limit, {fmt::format("{:.0f} HU", limit), fmt::format("{:.0f} HU", limit)}});
  chart.alternative = {
      fmt::format("Histogram of lung density; {:.1f} % lies below {:.0f} HU, mean {:.0f} HU.", 100 * both.share_below(limit), limit,
                  both.mean()),
      fmt::format("肺密度直方图；{:.1f}% 低于 {:.0f} HU，平均 {:.0f} HU。", 100 * both.share_below(limit), limit, both.mean())};
  result.charts.push_back(std::move(chart));

  const double share = 100 * both.share_below(limit);
  ReportDocument::Glance glance;
  glance.attention = reason.en.empty() && share >= 6 ? Attention::note : Attention::usual;
  if (reason.en.empty()) {
    glance.text = {fmt::format("Emphysema index: {:.1f} % of the lung lies below {:.0f} HU (15th percentile {:.0f} HU).", share, limit,
                               both.percentile(0.15)),
                   fmt::format("肺气肿指数：{:.1f}% 的肺低于 {:.0f} HU（第 15 百分位 {:.0f} HU）。", share, limit, both.percentile(0.15))};
  } else {
    glance.text = {fmt::format("Lung density: {:.1f} % below {:.0f} HU, not comparable with other scans ({}).", share, limit, reason.en),
                   fmt::format("肺密度：{:.1f}% 低于 {:.0f} HU，不可与其他扫描比较（{}）。", share, limit, reason.zh)};
  }
  result.glances.push_back(std::move(glance));

  if (lungs.left && lungs.right) {
    double total = 0, half = 0;
    for (const Finding& finding : result.findings) {
      if (finding.id == "lungs.volume" && finding.value) {
        total = *finding.value;
        half = 0.5 * ((*finding.interval)[1] - (*finding.interval)[0]);
      }
    }
    ReportDocument::Glance volume;
    volume.attention = report.lungs_whole() ? Attention::usual : Attention::note;
    volume.text =
        report.lungs_whole()
            ? Words{"Lung volume: " + wording::measured(total, std::array{total - half, total + half}, "mL", "en") + " in this breath.",
                    "肺容积：" + wording::measured(total, std::array{total - half, total + half}, "mL", "zh") + "（本次呼吸状态）。"}
            : Words{"Lung volume: more than " + wording::quantity(total, "mL") + "; at least one lung is cut off by the field of view.",
                    "肺容积：大于 " + wording::quantity(total, "mL") + "；至少一侧肺被视野截断。"};
    result.glances.push_back(std::move(volume));
  } else {
    ReportDocument::Glance volume;
    volume.attention = Attention::note;
    const int side = lungs.left ? 1 : 2;
    volume.text = {"Lung coverage: only the " + side_words(side).en + " is in view; nothing is said about the other.",
                   "肺覆盖：仅" + side_words(side).zh + "在视野内；另一侧未作评价。"};
    result.glances.push_back(std::move(volume));
  }
}

void add_nodules(CtReport& report, Run& run) {
  const Lungs& lungs = report.maps.lungs;
  if (!lungs.left && !lungs.right) return;
  NoduleSearch search;
  search.minimum_mm = report.profile.number("nodule_minimum_mm", search.minimum_mm, 2, 20);
  search.maximum_mm = report.profile.number("nodule_maximum_mm", search.maximum_mm, 5, 60);
  search.ground_glass_minimum_mm = report.profile.number("ground_glass_minimum_mm", search.ground_glass_minimum_mm, 2, 30);
  search = search_on_slices(search, std::max(report.protocol.slice_spacing_mm, report.protocol.slice_thickness_mm.value_or(0)));
  report.nodule_minimum_mm = search.minimum_mm;
  report.nodules = find_nodules(report.input.image, report.maps.working, lungs, search, run);
  for (std::size_t n = 0; n < report.nodules.size(); ++n) {
    paint_nodule(report.nodules[n], static_cast<std::uint8_t>(first_nodule + n), report.maps.labels);
  }
}

/// How many nodules each lung was found to hold, none among them: what a text may say of either side.
void count_nodules(CtReport& report) {
  const std::string method = fmt::format("candidates of {:.1f} mm or more in the lung that is in view", report.nodule_minimum_mm);
  for (const int side : {1, 2}) {
    const std::string id = side == 1 ? "lung_left" : "lung_right";
    const Words words{"nodules", "结节"};
    if (!(side == 1 ? report.maps.lungs.left : report.maps.lungs.right)) {
      add_finding(report, id + ".nodules", words, count_code, std::nullopt, "1", std::nullopt, method).reason = "the lung was not found";
      continue;
    }
    const Nodule* largest = nullptr;
    int count = 0;
    for (const Nodule& nodule : report.nodules) {
      if (nodule.side != side) continue;
      ++count;
      if (!largest || nodule.mean_mm > largest->mean_mm) largest = &nodule;
    }
    add_finding(report, id + ".nodules", words, count_code, count, "1", std::nullopt, method);
    if (!largest) continue;
    add_finding(report, id + ".largest_nodule", {"mean diameter of the largest nodule", "最大结节平均直径"}, diameter_code,
                largest->mean_mm, "mm", largest->mean_mm_interval, method);
  }
}

void describe_nodules(CtReport& report) {
  const Lungs& lungs = report.maps.lungs;
  if (!lungs.left && !lungs.right) return;
  SeriesResult& result = report.result;
  const std::string method =
      "differences of Gaussians, judged by a network trained on digital patients; rays to the half-maximum boundary, measured in the axial "
      "plane of largest area";
  const std::string& model = NoduleClassifier::shipped().id();
  result.models.push_back(model);
  ReportDocument::Measurements table;
  table.title = {"Nodule candidates", "结节候选"};
  table.columns = {{"No.", "编号"},    {"Where", "位置"},  {"Mean diameter", "平均直径"}, {"Long × short", "长径 × 短径"},
                   {"Volume", "体积"}, {"Density", "密度"}};
  table.right_aligned = {false, false, true, true, true, false};
  const Nodule* largest = nullptr;
  int relevant = 0;
  for (std::size_t n = 0; n < report.nodules.size(); ++n) {
    const Nodule& nodule = report.nodules[n];
    const std::string id = fmt::format("lung_nodule.{}", n + 1);
    Segment segment;
    segment.id = id;
    segment.label_value = first_nodule + static_cast<int>(n);
    segment.volume_ml = nodule.volume_ml;
    segment.method = method;
    result.segments.push_back(segment);
    const auto place = [&](Finding& finding) {
      finding.position_mm = nodule.position_mm;
      finding.attention = nodule.mean_mm >= 6 ? Attention::look_first : Attention::note;
    };
    Finding& candidate = add_finding(report, id + ".diameter", {"mean diameter", "平均直径"}, diameter_code, nodule.mean_mm, "mm",
                                     nodule.mean_mm_interval, method);
    place(candidate);
    candidate.model = model;
    candidate.id = id;  // the nodule itself is the finding lung_nodule.N; its value is the mean diameter
    candidate.segment = id;
    place(add_finding(report, id + ".long_axis", {"long axis", "长径"}, long_axis_code, nodule.long_mm, "mm", std::nullopt, method));
    place(add_finding(report, id + ".short_axis", {"short axis", "短径"}, short_axis_code, nodule.short_mm, "mm", std::nullopt, method));
    place(add_finding(report, id + ".volume", {"volume", "体积"}, volume_code, nodule.volume_ml, "mL", nodule.volume_ml_interval, method));
    place(add_finding(report, id + ".density", {density_words(nodule.density).en + ", mean density", ""}, attenuation_code, nodule.mean_hu,
                      "[hnsf'U]", std::nullopt, method + "; mean of the inner two thirds"));
    relevant += nodule.mean_mm >= 5;
    if (!largest || nodule.mean_mm > largest->mean_mm) largest = &nodule;
    ReportDocument::Row row;
    row.swatch = true;
    row.color = structure("lung_nodule").color;
    const Words& side = side_words(nodule.side);
    row.cells = {{wording::same(std::to_string(n + 1)), false},
                 {{fmt::format("{}, z {:.0f} mm{}", side.en, nodule.position_mm.z, nodule.touches_pleura ? ", at the pleura" : ""),
                   fmt::format("{}，z {:.0f} mm{}", side.zh, nodule.position_mm.z, nodule.touches_pleura ? "，贴胸膜" : "")},
                  false},
                 {wording::measured(nodule.mean_mm, nodule.mean_mm_interval, "mm"), true},
                 {wording::same(fmt::format("{:.1f} × {:.1f} mm", nodule.long_mm, nodule.short_mm)), true},
                 {wording::same(wording::quantity(nodule.volume_ml * 1000, "mm3")), true},
                 {density_words(nodule.density), false}};
    table.rows.push_back(std::move(row));
  }
  table.note = {
      "Candidates by appearance alone: forks of vessels, scars and lymph nodes may look alike, and small or flat nodules may be missed. "
      "Interval: boundary half a voxel inwards and outwards.",
      "仅凭影像外观得出的候选：血管分叉、瘢痕与淋巴结可能相似，小的或扁平的结节可能漏检。区间：边界内外移动半个体素。"};
  count_nodules(report);
  ReportDocument::Glance glance;
  if (report.nodules.empty()) {
    glance.attention = Attention::usual;
    glance.text = {fmt::format("Nodules: no candidate of {:.1f} mm or more in the lung that is in view.", report.nodule_minimum_mm),
                   fmt::format("结节：视野内的肺未见 {:.1f} mm 及以上的候选。", report.nodule_minimum_mm)};
  } else {
    glance.attention = largest->mean_mm >= 6 ? Attention::look_first : Attention::note;
    const std::size_t count = report.nodules.size();
    const std::string size_en = wording::measured(largest->mean_mm, largest->mean_mm_interval, "mm", "en");
    const std::string size_zh = wording::measured(largest->mean_mm, largest->mean_mm_interval, "mm", "zh");
    glance.text = {fmt::format("Lung nodules: {}, {} of 5 mm or more; the largest is {}, measures {} and lies in the {}.",
                               wording::count(static_cast<std::int64_t>(count), "candidate", "candidates"), relevant,
                               density_words(largest->density).en, size_en, side_words(largest->side).en),
                   fmt::format("肺结节：{} 个候选，其中 {} 个不小于 5 mm；最大者为{}，{}，位于{}。", count, relevant,
                               density_words(largest->density).zh, size_zh, side_words(largest->side).zh)};
    result.tables.insert(result.tables.begin(), std::move(table));
  }
  result.glances.insert(result.glances.begin(), std::move(glance));
}

}  // namespace gantry::analysis
