// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/core.h>

#include <algorithm>

#include "gantry/analysis/ct_report.h"
#include "gantry/compute/parallel.h"
#include "gantry/quality/measures.h"
#include "gantry/report/wording.h"

namespace gantry::analysis {

namespace {

/// Adds what the labels of soft tissue and the like become under `mask`.
void paint_heart(const MaskView& heart, const MaskView& calcium, Voxels<std::uint8_t>& labels, const Run& run) {
  parallel_for(run, labels.count(), 1 << 20, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n) {
      std::uint8_t& label = labels[n];
      if (calcium[n] != 0 && label < first_nodule) {
        label = ct_calcification;
      } else if (heart[n] != 0) {
        if (label == ct_fat) label = ct_heart_fat;
        if (label == ct_body || label == ct_soft_tissue || label == ct_bone || label == ct_air) label = ct_heart;
      }
    }
  });
}

const Code score_code{"DCM", "112058", "Calcium score"};
const Code mass_code{"DCM", "122661", "Calcium Mass"};

}  // namespace

void add_heart(CtReport& report, Run& run) {
  CtMaps& maps = report.maps;
  const Image& image = report.input.image;
  report.heart = find_heart(maps.working, maps.body, maps.airways, maps.lungs, run);
  if (!report.heart.found) return;
  const Mask inside = mask_from_field(report.heart.field, image.grid(), run);
  const double noise = quality::local_noise(image, inside, report.heart.blood_hu - 40, report.heart.blood_hu + 60, run).value_or(0);
  report.calcium_protocol = calcium_protocol(report.protocol, image.grid(), report.heart.blood_hu, noise);
  report.calcium.mask = Mask(image.grid());
  if (report.calcium_protocol.volume) {
    report.calcium = find_calcium(image, inside, report.heart.blood_hu, noise, run);
    if (report.calcium_protocol.score) report.agatston = agatston_score(image, report.calcium.mask, run);
  }
  paint_heart(inside, report.calcium.mask, maps.labels, run);
  report.calcium.mask = {};
  report.heart.field = {};
}

void describe_heart(CtReport& report) {
  SeriesResult& result = report.result;
  ReportDocument::Glance glance;
  if (!report.heart.found) {
    glance.attention = Attention::note;
    glance.text = {"Heart: not located, so no calcium was counted: " + report.heart.reason.en + ".",
                   "心脏：未能定位，因此未统计钙化：" + report.heart.reason.zh + "。"};
    result.glances.push_back(std::move(glance));
    Finding& finding = add_finding(report, "heart_calcification.volume", {"volume", "体积"}, {"DCM", "122660", "Calcium Volume"},
                                   std::nullopt, "mL", std::nullopt, "counted inside a located heart alone");
    finding.name = "Calcium in the heart, volume";
    finding.reason = "the heart was not located: " + report.heart.reason.en;
    return;
  }
  const CalciumProtocol& protocol = report.calcium_protocol;
  const std::string threshold = fmt::format("{:.0f}", calcium_hu);
  const double step = report.protocol.slice_spacing_mm;
  const std::string method = "130 HU and more inside the heart, groups of at least 1 mm2";
  if (!protocol.volume || report.calcium.lesions.empty()) {
    Finding& finding = add_finding(report, "heart_calcification.volume", {"volume", "体积"}, {"DCM", "122660", "Calcium Volume"},
                                   protocol.volume ? std::optional<double>(0.0) : std::nullopt, "mL", std::nullopt, method);
    finding.name = "Calcium in the heart, volume";
    finding.reason = protocol.volume_reason.en;
  }
  const std::string ungated = protocol.gated ? "" : "not ECG-gated: motion blurs or doubles small calcifications";
  Finding& score =
      add_finding(report, "heart_calcification.agatston", {"Agatston score", "Agatston 积分"}, score_code, report.agatston, "1",
                  std::nullopt, "Agatston et al. 1990: area in each slice times 1 to 4 by its maximum; slice spacing / 3 mm as factor");
  score.name = "Calcium in the heart, Agatston score";
  score.reason = report.agatston ? ungated : protocol.score_reason.en;
  Finding& mass = add_finding(report, "heart_calcification.mass", {"mass", "质量"}, mass_code, std::nullopt, "mg", std::nullopt,
                              "needs the HU of a known amount of hydroxyapatite");
  mass.name = "Calcium in the heart, mass";
  mass.reason = protocol.volume ? "no calibration for calcium in the header and no phantom in the scan" : protocol.volume_reason.en;

  const double volume_mm3 = 1000 * report.calcium.volume_ml;
  const auto lesions = static_cast<std::int64_t>(report.calcium.lesions.size());
  if (!protocol.volume) {
    glance.attention = Attention::usual;
    glance.text = {"Calcium in the heart: not measured, " + protocol.volume_reason.en + ".",
                   "心脏内钙化：未测量，" + protocol.volume_reason.zh + "。"};
  } else if (lesions == 0) {
    glance.attention = Attention::usual;
    glance.text = {
        "Calcium in the heart: none of " + threshold + " HU or more" +
            (report.agatston ? std::string(" (Agatston score 0).") : "; no Agatston score, because of " + protocol.score_reason.en + "."),
        "心脏内钙化：未见 " + threshold + " HU 及以上者" +
            (report.agatston ? std::string("（Agatston 积分 0）。") : "；不给出 Agatston 积分：" + protocol.score_reason.zh + "。")};
  } else {
    glance.attention = Attention::note;
    const std::string score_en = report.agatston ? fmt::format("; Agatston score {:.0f}{}", *report.agatston,
                                                               protocol.gated ? "" : ", not ECG-gated, so motion may have changed it")
                                                 : "; no Agatston score: " + protocol.score_reason.en;
    const std::string score_zh =
        report.agatston ? fmt::format("；Agatston 积分 {:.0f}{}", *report.agatston, protocol.gated ? "" : "，无心电门控，受运动影响")
                        : "；不给出 Agatston 积分：" + protocol.score_reason.zh;
    glance.text = {fmt::format("Calcium in the heart: {}, {} in all{}.", wording::count(lesions, "calcification", "calcifications"),
                               wording::quantity(volume_mm3, "mm3"), score_en),
                   fmt::format("心脏内钙化：{} 处，共 {}{}。", lesions, wording::quantity(volume_mm3, "mm3"), score_zh)};
    ReportDocument::Measurements table;
    table.title = {"Calcium in the heart", "心脏内钙化"};
    table.columns = {{"Measure", "指标"}, {"Value", "数值"}};
    table.right_aligned = {false, true};
    const auto row = [&](Words name, Words value) {
      ReportDocument::Row line;
      line.cells = {{std::move(name), false}, {std::move(value), true}};
      table.rows.push_back(std::move(line));
    };
    const double half = 1000 * report.calcium.half_voxel_ml;
    row({"Agatston score", "Agatston 积分"}, report.agatston
                                                 ? wording::same(fmt::format("{:.0f}", *report.agatston))
                                                 : Words{"– (" + protocol.score_reason.en + ")", "–（" + protocol.score_reason.zh + "）"});
    row({"Volume", "体积"}, wording::measured(volume_mm3, std::array{std::max(0.0, volume_mm3 - half), volume_mm3 + half}, "mm3"));
    row({"Mass", "质量"}, {"– (no calibration)", "–（无校准）"});
    row({"Calcifications", "钙化数目"}, wording::same(std::to_string(lesions)));
    const CalciumLesion& largest = report.calcium.lesions.front();
    row({"The largest", "最大者"}, {fmt::format("{}, up to {:.0f} HU, z {:.0f} mm", wording::quantity(1000 * largest.volume_ml, "mm3"),
                                                largest.peak_hu, largest.position_mm.z),
                                    fmt::format("{}，最高 {:.0f} HU，z {:.0f} mm", wording::quantity(1000 * largest.volume_ml, "mm3"),
                                                largest.peak_hu, largest.position_mm.z)});
    const std::string scaled_en = report.agatston && std::abs(step - 3) > 0.01
                                      ? fmt::format(" Slices lie {:.2f} mm apart: the score is scaled by {:.2f} / 3.", step, step)
                                      : "";
    const std::string scaled_zh =
        report.agatston && std::abs(step - 3) > 0.01 ? fmt::format("层间距 {:.2f} mm，积分按 {:.2f} / 3 折算。", step, step) : "";
    table.note = {"Coronary arteries, valves and wall of the heart are not told apart; calcium outside the heart is not counted." +
                      std::string(protocol.gated ? "" : " The scan is not ECG-gated: motion blurs or doubles small calcifications.") +
                      scaled_en,
                  "不区分冠状动脉、瓣膜与心壁；心脏以外的钙化不计入。" +
                      std::string(protocol.gated ? "" : "扫描无心电门控：运动会使小钙化模糊或重影。") + scaled_zh};
    result.tables.push_back(std::move(table));
  }
  result.glances.push_back(std::move(glance));
  result.not_analysed.push_back(
      {"Coronary arteries: calcium in the heart is not assigned to a vessel or valve, and its mass is not given because the scan holds no "
       "calibration.",
       "冠状动脉：心脏内钙化未归属于具体血管或瓣膜；扫描不含校准，故不给出质量。"});
  result.certainty.push_back(
      {"The heart is outlined where lungs border on it and continued smoothly towards diaphragm, great vessels and chest wall; there its "
       "outline may be off by several millimetres.",
       "心脏轮廓在与肺相邻处为实测，向膈、大血管及胸壁方向平滑延续；该处可能有数毫米偏差。"});
  if (protocol.volume) {
    result.references.push_back(
        wording::same("Agatston et al. 1990, Quantification of coronary artery calcium using ultrafast computed tomography. "
                      "doi:10.1016/0735-1097(90)90282-T"));
    result.references.push_back(
        wording::same("McCollough et al. 2007, Coronary artery calcium: a multi-institutional, multimanufacturer international standard "
                      "for quantification "
                      "at cardiac CT. doi:10.1148/radiol.2432050808"));
  }
}

}  // namespace gantry::analysis
