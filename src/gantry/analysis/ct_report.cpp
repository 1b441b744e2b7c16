// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_report.h"

#include <fmt/core.h>

#include <algorithm>

#include "gantry/base/text.h"
#include "gantry/quality/measures.h"
#include "gantry/report/wording.h"

namespace gantry::analysis {

namespace {

using wording::measured;

ReportDocument::Cell text_cell(Words words) { return {std::move(words), false}; }
ReportDocument::Cell number_cell(Words words) { return {std::move(words), true}; }

std::string capitalized_family(const std::string& id) { return std::string(structure(id).meaning); }

}  // namespace

Finding& add_finding(CtReport& report, const std::string& id, const Words& measure, const Code& code, std::optional<double> value,
                     const std::string& unit, std::optional<std::array<double, 2>> interval, const std::string& method) {
  Finding finding;
  finding.id = id;
  const std::size_t dot = id.rfind('.');
  const std::string subject = dot == std::string::npos ? id : id.substr(0, dot);
  std::string name = subject == "lungs" ? "Both lungs" : capitalized_family(subject);
  if (const std::size_t number = subject.find('.'); number != std::string::npos) name += " " + subject.substr(number + 1);
  finding.name = measure.en.empty() ? name : name + ", " + measure.en;
  finding.code = code;
  finding.value = value;
  finding.unit = unit;
  finding.interval = interval;
  finding.method = method;
  for (const Segment& segment : report.result.segments) {
    if (segment.id == subject) finding.segment = subject;
  }
  report.result.findings.push_back(std::move(finding));
  return report.result.findings.back();
}

void add_structure(CtReport& report, const std::string& id, int label_value, std::vector<int> includes, const MeasuredVolume& volume,
                   bool incomplete, const Words& method) {
  Segment segment;
  segment.id = id;
  segment.label_value = label_value;
  segment.volume_ml = volume.ml;
  segment.incomplete = incomplete;
  segment.method = method.en;
  segment.includes = std::move(includes);
  report.result.segments.push_back(segment);
  const std::array<double, 2> interval{std::max(0.0, volume.ml - volume.half_voxel_ml), volume.ml + volume.half_voxel_ml};
  Finding& finding = add_finding(report, id + ".volume", {"volume", "体积"}, volume_code, volume.ml, "mL", interval,
                                 method.en + "; interval: boundary half a voxel inwards and outwards");
  if (incomplete) finding.reason = "cut off by the field of view: a lower bound";
  const Structure& row = structure(id);
  ReportDocument::Row line;
  line.swatch = true;
  line.color = row.color;
  const std::string bound = wording::lower_bound(volume.ml, "mL");
  line.cells = {text_cell({std::string(row.meaning), std::string(row.name_zh)}),
                number_cell(incomplete ? Words{bound, bound} : measured(volume.ml, interval, "mL")),
                text_cell(incomplete ? Words{"cut off: a lower bound, not compared", "被视野截断：仅为下限，不作比较"} : method)};
  report.structures.rows.push_back(std::move(line));
}

void add_ct_structures(CtReport& report, Run& run) {
  CtMaps& maps = report.maps;
  SeriesResult& result = report.result;
  report.structures.title = {"Structures", "结构"};
  report.structures.columns = {{"Structure", "结构"}, {"Volume", "体积"}, {"How", "方法"}};
  report.structures.right_aligned = {false, true, false};
  std::vector<int> nodule_left, nodule_right, everything;
  for (std::size_t n = 0; n < report.nodules.size(); ++n) {
    (report.nodules[n].side == 1 ? nodule_left : nodule_right).push_back(first_nodule + static_cast<int>(n));
  }
  for (int value = 1; value < static_cast<int>(first_nodule + report.nodules.size()); ++value) everything.push_back(value);
  std::vector<int> left = nodule_left, right = nodule_right;
  left.push_back(ct_lung_left);
  right.push_back(ct_lung_right);
  const std::vector<int> fat{ct_fat, ct_heart_fat, ct_subcutaneous_fat, ct_visceral_fat};
  const std::vector<int> soft_tissue{ct_soft_tissue, ct_calcification, ct_heart, ct_muscle};
  const auto rest = [](const std::vector<int>& values) { return std::vector<int>(values.begin() + 1, values.end()); };
  const auto volumes = measure_volumes(maps.labels,
                                       {everything,
                                        {ct_air},
                                        fat,
                                        soft_tissue,
                                        {ct_bone},
                                        {ct_airways},
                                        left,
                                        right,
                                        {ct_metal},
                                        {ct_heart, ct_heart_fat, ct_calcification},
                                        {ct_calcification},
                                        {ct_muscle},
                                        {ct_subcutaneous_fat},
                                        {ct_visceral_fat}},
                                       run);
  const Grid& grid = maps.labels.grid();
  const bool body_cut = maps.body_truncated;
  std::erase(everything, static_cast<int>(ct_body));
  using Range = TissueRanges;
  const Lungs& lungs = maps.lungs;
  const std::string threshold = fmt::format("{:.0f}", lungs.threshold_hu);
  const auto lung_method = Words{fmt::format("below {} HU, airways removed, vessels and nodules closed in (ball of 6 mm)", threshold),
                                 fmt::format("低于 {} HU，去除气道，以 6 mm 球闭合血管与结节", threshold)};
  if (lungs.right) add_structure(report, "lung_right", ct_lung_right, nodule_right, volumes[7], lungs.right_incomplete, lung_method);
  if (lungs.left) add_structure(report, "lung_left", ct_lung_left, nodule_left, volumes[6], lungs.left_incomplete, lung_method);
  if (maps.airways.found) {
    add_structure(report, "airways", ct_airways, {}, volumes[5], false,
                  {fmt::format("grown from the trachea up to {:.0f} HU, before it leaks", maps.airways.threshold_hu),
                   fmt::format("自气管区域生长至 {:.0f} HU，在泄漏前停止", maps.airways.threshold_hu)});
  }
  if (report.heart.found) {
    add_structure(report, "heart", ct_heart, {ct_heart_fat, ct_calcification}, volumes[9], report.heart.incomplete,
                  {fmt::format("smooth surface between the lungs; {:.0f} % of it borders on lung, the rest is continued",
                               100 * report.heart.seen_share),
                   fmt::format("两肺之间的光滑曲面；其中 {:.0f}% 与肺相邻，其余为延续", 100 * report.heart.seen_share)});
  }
  if (!report.calcium.lesions.empty()) {
    add_structure(report, "heart_calcification", ct_calcification, {}, volumes[10], false,
                  {fmt::format("{:.0f} HU and more inside the heart", calcium_hu), fmt::format("心脏内 {:.0f} HU 及以上", calcium_hu)});
    result.findings.back().name = "Calcium in the heart, volume";
    result.findings.back().code = {"DCM", "122660", "Calcium Volume"};
    report.structures.rows.back().cells[0].text = {"Calcium in the heart", "心脏内钙化"};
  }
  if (report.wall_found) {
    add_structure(report, "muscle", ct_muscle, {}, volumes[11], true,
                  {fmt::format("{:.0f} to {:.0f} HU in the wall of the trunk, bone removed", muscle_from_hu, muscle_to_hu),
                   fmt::format("躯干壁内 {:.0f} 至 {:.0f} HU，去除骨", muscle_from_hu, muscle_to_hu)});
    add_structure(report, "subcutaneous_fat", ct_subcutaneous_fat, {}, volumes[12], true,
                  {"fat between the muscles of the trunk and the skin", "躯干肌与皮肤之间的脂肪"});
    if (volumes[13].ml > 1) {
      add_structure(report, "visceral_fat", ct_visceral_fat, {}, volumes[13], true,
                    {"fat inside the muscles, in slices below the lungs", "肌壁以内、肺以下层面的脂肪"});
    }
  }
  add_structure(report, "body", ct_body, everything, volumes[0], true,
                {"above −500 HU, table removed, cavities filled", "高于 −500 HU，去除检查床，填充腔隙"});
  add_structure(report, "soft_tissue", ct_soft_tissue, rest(soft_tissue), volumes[3], true,
                {fmt::format("{:.0f} to {:.0f} HU inside the body", Range::soft_from, Range::soft_to),
                 fmt::format("体内 {:.0f} 至 {:.0f} HU", Range::soft_from, Range::soft_to)});
  add_structure(report, "fat", ct_fat, rest(fat), volumes[2], true,
                {fmt::format("{:.0f} to {:.0f} HU inside the body", Range::fat_from, Range::fat_to),
                 fmt::format("体内 {:.0f} 至 {:.0f} HU", Range::fat_from, Range::fat_to)});
  add_structure(report, "bone", ct_bone, {}, volumes[4], true,
                {fmt::format("above {:.0f} HU; contrast agent and calcifications that bright count too", Range::soft_to),
                 fmt::format("高于 {:.0f} HU；同样亮的对比剂与钙化亦计入", Range::soft_to)});
  add_structure(report, "air", ct_air, {}, volumes[1], true,
                {"below −400 HU inside the body, neither lung nor airway: mostly bowel gas", "体内低于 −400 HU 且非肺、非气道：多为肠气"});
  if (volumes[8].ml > 0.05) {
    add_structure(report, "metal", ct_metal, {}, volumes[8], false, {"3000 HU and more", "3000 HU 及以上"});
  }
  if (lungs.left && lungs.right) {
    const bool cut = lungs.left_incomplete || lungs.right_incomplete;
    const double total = volumes[6].ml + volumes[7].ml, half = volumes[6].half_voxel_ml + volumes[7].half_voxel_ml;
    Finding& both =
        add_finding(report, "lungs.volume", {"", ""}, volume_code, total, "mL", std::array{total - half, total + half}, lung_method.en);
    if (cut) both.reason = "cut off by the field of view: a lower bound";
  }
  report.structures.note = {
      fmt::format(
          "Volumes on voxels of {:.2f} × {:.2f} × {:.2f} mm; in brackets: boundary moved by half a voxel. The scan shows a part of the "
          "body, so body, fat, bone and the like are lower bounds{}.",
          grid.spacing_mm().x, grid.spacing_mm().y, grid.spacing_mm().z, body_cut ? "; the body also exceeds the field of view" : ""),
      fmt::format(
          "体素 {:.2f} × {:.2f} × {:.2f} mm；括号内为边界移动半个体素的结果。扫描只包含身体的一部分，因此身体、脂肪、骨等均为下限{}。",
          grid.spacing_mm().x, grid.spacing_mm().y, grid.spacing_mm().z, body_cut ? "；且身体超出视野" : "")};
}

void add_ct_quality(CtReport& report, Run& run) {
  CtMaps& maps = report.maps;
  SeriesResult& result = report.result;
  const CtProtocol& protocol = report.protocol;
  using Verdict = QualityItem::Verdict;
  const Image& image = report.input.image;
  if (maps.lungs.left || maps.lungs.right) {
    Mask mask = Mask::uninitialized(image.grid());
    for (std::int64_t n = 0; n < mask.count(); ++n) mask[n] = maps.labels[n] == ct_lung_left || maps.labels[n] == ct_lung_right;
    report.lung_noise_hu = quality::local_noise(image, mask, -990, -700, run);
  }
  {
    Mask mask = Mask::uninitialized(image.grid());
    for (std::int64_t n = 0; n < mask.count(); ++n) mask[n] = maps.labels[n] == ct_soft_tissue;
    report.soft_noise_hu = quality::local_noise(image, mask, 0, 150, run);
  }
  if (report.lung_noise_hu) {
    const double noise = *report.lung_noise_hu;
    const Verdict verdict = noise <= 10 ? Verdict::good : noise <= 40 ? Verdict::limited : Verdict::poor;
    result.quality.push_back({"lung_noise",
                              {"Noise in the lung", "肺内噪声"},
                              noise,
                              "[hnsf'U]",
                              verdict,
                              verdict == Verdict::good
                                  ? Words{}
                                  : Words{"lung density indices move with noise above 10 HU", "噪声高于 10 HU 时肺密度指标会偏移"}});
  }
  if (report.soft_noise_hu) {
    const double noise = *report.soft_noise_hu;
    const Verdict verdict = noise <= 20 ? Verdict::good : noise <= 45 ? Verdict::limited : Verdict::poor;
    result.quality.push_back(
        {"soft_tissue_noise",
         {"Noise in soft tissue", "软组织噪声"},
         noise,
         "[hnsf'U]",
         verdict,
         verdict == Verdict::good ? Words{} : Words{"tissue volumes by HU mix at their borders", "按 HU 划分的组织体积在边界处混淆"}});
  }
  const double spacing = protocol.slice_spacing_mm, thickness = protocol.slice_thickness_mm.value_or(spacing);
  const double thicker = std::max(spacing, thickness);
  result.quality.push_back(
      {"slice_thickness",
       {"Slice thickness and spacing", "层厚与层间距"},
       thicker,
       "mm",
       thicker <= 1.5    ? Verdict::good
       : thicker <= 3.01 ? Verdict::limited
                         : Verdict::poor,
       thicker <= 1.5 ? Words{}
                      : Words{"small nodules and density indices need slices of at most 1.5 mm", "小结节与密度指标需要层厚不超过 1.5 mm"}});
  if (maps.body_truncated) {
    result.quality.push_back({"truncation",
                              {"Body outside the field of view", "身体超出视野"},
                              std::nullopt,
                              "",
                              Verdict::limited,
                              {"volumes of body, fat and muscle are too small", "身体、脂肪与肌肉体积偏小"}});
    result.warnings.push_back("the body exceeds the field of view in the plane of the slices: its volumes are lower bounds");
  }
  if (maps.metal_ml > 0.05) {
    result.quality.push_back({"metal",
                              {"Metal", "金属"},
                              maps.metal_ml,
                              "mL",
                              Verdict::limited,
                              {"streaks may disturb HU near it", "其附近的 HU 可能受条状伪影影响"}});
    result.warnings.push_back(fmt::format("{:.1f} mL at 3000 HU or more: metal, HU near it are unreliable", maps.metal_ml));
  }
  if (maps.padding_share > 0.001) {
    result.warnings.push_back(fmt::format("{:.1f} % of the volume is padding below -1500 HU and was excluded", 100 * maps.padding_share));
  }
  if (report.maps.lungs.left || report.maps.lungs.right) {
    const bool whole = report.lungs_whole();
    result.quality.push_back({"lung_coverage",
                              {"Lungs in view", "肺覆盖"},
                              std::nullopt,
                              "",
                              whole ? Verdict::good : Verdict::limited,
                              whole ? Words{}
                                    : Words{"at least one lung is cut off or missing: volumes are lower bounds and density is not compared",
                                            "至少一侧肺被截断或不在视野内：体积为下限，密度不作比较"}});
    if (!maps.lungs.side_certain)
      result.warnings.push_back("one lung is in view and its side is uncertain: neither trachea nor spine tells");
  }
  const char* phase_en = protocol.contrast == CtProtocol::Contrast::given  ? "contrast agent given, phase unknown"
                         : protocol.contrast == CtProtocol::Contrast::none ? "native (header)"
                                                                           : "unknown";
  const char* phase_zh = protocol.contrast == CtProtocol::Contrast::given  ? "已用对比剂，期相未知"
                         : protocol.contrast == CtProtocol::Contrast::none ? "平扫（据头信息）"
                                                                           : "未知";
  result.facts.push_back({{"Contrast phase", "对比期相"}, {phase_en, phase_zh}});
  const double length = image.grid().spacing_mm().z * static_cast<double>(image.grid().size(2));
  result.facts.push_back(
      {{"Coverage", "覆盖范围"},
       {fmt::format("{} slices, {:.0f} mm", image.grid().size(2), length), fmt::format("{} 层，{:.0f} mm", image.grid().size(2), length)}});
  const auto worst = std::max_element(result.quality.begin(), result.quality.end(),
                                      [](const QualityItem& a, const QualityItem& b) { return a.verdict < b.verdict; });
  const bool good = worst == result.quality.end() || worst->verdict == Verdict::good;
  result.facts.push_back({{"Quality", "质量"},
                          good ? Words{"good for all that was measured", "满足全部测量要求"}
                               : Words{"limited: " + lower(worst->name.en), "受限：" + worst->name.zh}});
  result.facts.push_back({{"Profile", "方案"},
                          {report.profile.name.en + " " + report.profile.version, report.profile.name.zh + " " + report.profile.version}});
}

void finish(CtReport& report) {
  SeriesResult& result = report.result;
  std::vector<Label> table;
  for (const Segment& segment : result.segments) table.push_back(label_of(segment.label_value, segment.id, segment.method));
  result.tables.insert(result.tables.begin() + (report.nodules.empty() ? 0 : std::min<std::ptrdiff_t>(1, std::ssize(result.tables))),
                       report.structures);
  result.labels = Labels(Image(std::move(report.maps.labels)), std::move(table));
  std::stable_sort(result.glances.begin(), result.glances.end(), [](const auto& a, const auto& b) { return a.attention < b.attention; });
}

}  // namespace gantry::analysis
