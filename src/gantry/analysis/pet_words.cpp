// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/pet_words.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/text.h"
#include "gantry/report/reason_words.h"
#include "gantry/report/wording.h"
#include "gantry/visualization/figure.h"

namespace gantry::analysis {

namespace {

const Code suv_max_code{"99GANTRY", "suv_max", "Maximum standardised uptake value"};
const Code suv_mean_code{"99GANTRY", "suv_mean", "Mean standardised uptake value"};
const Code suv_peak_code{"99GANTRY", "suv_peak", "Peak standardised uptake value (1 mL ball)"};
const Code volume_code{"SCT", "118565006", "Volume"};
const Code tlg_code{"99GANTRY", "tlg", "Total lesion glycolysis"};
const Code count_code{"99GANTRY", "count", "Number of regions"};
const Code reference_code{"99GANTRY", "percist_reference", "Liver reference of PERCIST"};

constexpr const char* suv_unit = "{SUVbw}g/ml";

std::string threshold_id(double threshold) { return replace_all(wording::fixed(threshold, 1), ".", "_"); }

struct Adder {
  SeriesResult& result;
  Finding& operator()(std::string id, std::string name, const Code& code, std::optional<double> value, std::string unit,
                      std::string method) const {
    Finding f;
    f.id = std::move(id);
    f.name = std::move(name);
    f.code = code;
    f.value = value;
    f.unit = std::move(unit);
    f.method = std::move(method);
    result.findings.push_back(std::move(f));
    return result.findings.back();
  }
};

std::string peak_method(const PeakUptake& peak) {
  return std::string("highest mean of a ball of 1 mL centred on a voxel of the region, voxels weighted by their part inside") +
         (peak.cut ? "; the ball reaches beyond the image" : "");
}

void add_findings(SeriesResult& result, const PetMeasured& pet) {
  const Adder add{result};
  const auto& lesions = pet.map.lesions;
  const std::string region = fmt::format("connected voxels at SUV >= {}", pet.rules.threshold);
  double volume = 0;
  double high = 0;
  double tlg = 0;
  bool border = false;
  for (const Lesion& lesion : lesions) {
    volume += lesion.uptake.volume_ml;
    high += lesion.volume_high_ml;
    tlg += lesion.uptake.tlg;
    border = border || lesion.uptake.touches_border;
  }
  const std::string origin = "may include physiological uptake: the origin of uptake is not told apart";
  add("pet_lesions.count", "Regions of increased uptake", count_code, static_cast<double>(lesions.size()), "1",
      fmt::format("{}, at least {} mL", region, pet.rules.minimum_volume_ml))
      .reason = origin;
  add("pet_lesions.volume", "Metabolic volume of all regions", volume_code, volume, "mL", region).reason = origin;
  add(fmt::format("pet_lesions.volume_{}", threshold_id(pet.rules.high_threshold)),
      fmt::format("Metabolic volume at SUV {} and more", pet.rules.high_threshold), volume_code, high, "mL",
      fmt::format("voxels at SUV >= {} inside the regions", pet.rules.high_threshold))
      .reason = origin;
  add("pet_lesions.tlg", "Total lesion glycolysis of all regions", tlg_code, tlg, "g", "sum of mean SUV x volume over the regions").reason =
      origin;
  double focus_volume = 0;
  double focus_tlg = 0;
  for (const Focus& focus : pet.map.foci) {
    focus_volume += focus.uptake.volume_ml;
    focus_tlg += focus.uptake.tlg;
  }
  const std::string percent = fmt::format("{:.0f}", 100 * pet.rules.share);
  const std::string own = fmt::format("voxels at or above {} % of each focus' own maximum, foci told apart by a watershed", percent);
  add(fmt::format("pet_foci.volume_{}_percent", percent), fmt::format("Metabolic volume of all foci at {} % of their maxima", percent),
      volume_code, focus_volume, "mL", own)
      .reason = origin;
  add(fmt::format("pet_foci.tlg_{}_percent", percent), fmt::format("Total lesion glycolysis of all foci at {} % of their maxima", percent),
      tlg_code, focus_tlg, "g", own)
      .reason = origin;

  for (std::size_t n = 0; n < pet.listed; ++n) {
    const Lesion& lesion = lesions[n];
    const std::string id = fmt::format("pet_lesion.{}", n + 1);
    const std::string name = fmt::format("Lesion {}", n + 1);
    const auto place = [&](Finding& f) -> Finding& {
      f.segment = id;
      f.position_mm = lesion.uptake.maximum_mm;
      if (lesion.uptake.touches_border) f.reason = "the region reaches the edge of the image: volumes are lower bounds";
      return f;
    };
    place(add(id + ".suv_max", name + " SUVmax", suv_max_code, lesion.uptake.maximum, suv_unit, "highest voxel of the region; " + region))
        .attention = n < 3 ? Attention::note : Attention::none;
    place(add(id + ".suv_mean", name + " SUVmean", suv_mean_code, lesion.uptake.mean, suv_unit, region));
    place(add(id + ".suv_peak", name + " SUVpeak", suv_peak_code, lesion.uptake.peak.value, suv_unit, peak_method(lesion.uptake.peak)));
    if (pet.suv.lean_factor) {
      place(add(id + ".sul_peak", name + " SULpeak", suv_peak_code, lesion.uptake.peak.value * *pet.suv.lean_factor, "{SUVlbm}g/ml",
                peak_method(lesion.uptake.peak) + "; lean body mass by Janmahasatian"));
    }
    if (pet.suv.body_surface_factor) {
      place(add(id + ".suv_bsa_max", name + " SUVmax by body surface", suv_max_code, lesion.uptake.maximum * *pet.suv.body_surface_factor,
                "{SUVbsa}cm2/ml", "highest voxel of the region; body surface by DuBois"));
    }
    Finding& mtv = place(add(id + ".volume", name + " metabolic volume", volume_code, lesion.uptake.volume_ml, "mL",
                             region + "; interval: threshold 5 % higher and lower"));
    mtv.interval = lesion.volume_interval_ml;
    place(add(id + fmt::format(".volume_{}", threshold_id(pet.rules.high_threshold)),
              name + fmt::format(" volume at SUV {} and more", pet.rules.high_threshold), volume_code, lesion.volume_high_ml, "mL",
              fmt::format("voxels at SUV >= {} inside the region", pet.rules.high_threshold)));
    place(add(id + ".tlg", name + " total lesion glycolysis", tlg_code, lesion.uptake.tlg, "g", "mean SUV x volume; " + region));
  }
  const std::size_t foci = std::min<std::size_t>(pet.map.foci.size(), 60);
  for (std::size_t n = 0; n < foci; ++n) {
    const Focus& focus = pet.map.foci[n];
    const std::string id = fmt::format("pet_focus.{}", n + 1);
    const std::string name = fmt::format("Focus {}", n + 1);
    const auto place = [&](Finding& f) {
      f.position_mm = focus.uptake.maximum_mm;
      if (focus.lesion >= 1 && static_cast<std::size_t>(focus.lesion) <= pet.listed) f.segment = fmt::format("pet_lesion.{}", focus.lesion);
    };
    place(add(id + ".suv_max", name + " SUVmax", suv_max_code, focus.uptake.maximum, suv_unit, "highest voxel of the focus"));
    place(add(id + ".suv_mean", name + " SUVmean", suv_mean_code, focus.uptake.mean, suv_unit, own));
    place(add(id + ".suv_peak", name + " SUVpeak", suv_peak_code, focus.uptake.peak.value, suv_unit, peak_method(focus.uptake.peak)));
    place(add(id + ".volume", name + " metabolic volume", volume_code, focus.uptake.volume_ml, "mL", own));
    place(add(id + ".tlg", name + " total lesion glycolysis", tlg_code, focus.uptake.tlg, "g", own));
  }
  Finding& percist = add("pet_reference.liver_sul_mean", "Liver reference of PERCIST", reference_code, std::nullopt, "{SUVlbm}g/ml",
                         "ball of 3 cm in the right lobe of the liver");
  percist.reason = "the liver was not located in this series, so that PERCIST's threshold cannot be stated";
}

void add_tables(SeriesResult& result, const PetMeasured& pet) {
  const auto number = [](double v, int decimals) { return ReportDocument::Cell{wording::same(wording::fixed(v, decimals)), true}; };
  ReportDocument::Measurements table;
  table.title = {fmt::format("Regions at SUV {} and more", pet.rules.threshold), fmt::format("SUV ≥ {} 的区域", pet.rules.threshold)};
  table.columns = {{"Region", "区域"},
                   {"SUVmax", "SUVmax"},
                   {"SUVmean", "SUVmean"},
                   {"SUVpeak", "SUVpeak"},
                   {"Volume (mL)", "体积（mL）"},
                   {fmt::format("Volume at {} (mL)", pet.rules.high_threshold), fmt::format("≥ {} 的体积（mL）", pet.rules.high_threshold)},
                   {"TLG (g)", "TLG（g）"},
                   {"Foci", "病灶峰数"}};
  table.right_aligned = {false, true, true, true, true, true, true, true};
  for (std::size_t n = 0; n < std::min<std::size_t>(pet.listed, 20); ++n) {
    const Lesion& lesion = pet.map.lesions[n];
    ReportDocument::Row row;
    row.cells = {{wording::same(fmt::format("{}{}", n + 1, lesion.uptake.touches_border ? " *" : "")), false},
                 number(lesion.uptake.maximum, 1),
                 number(lesion.uptake.mean, 1),
                 number(lesion.uptake.peak.value, 1),
                 number(lesion.uptake.volume_ml, 1),
                 number(lesion.volume_high_ml, 1),
                 number(lesion.uptake.tlg, 0),
                 number(lesion.foci, 0)};
    row.swatch = true;
    row.color = structure("pet_lesion").color;
    table.rows.push_back(std::move(row));
  }
  table.note = {fmt::format("{} of {} regions are shown; {} smaller than {} mL that do not stand out from what surrounds them were left "
                            "out. * reaches the edge of the image. Regions may "
                            "be physiological (brain, heart, "
                            "bowel, kidneys, bladder): the program does not tell.",
                            table.rows.size(), pet.map.lesions.size(), pet.map.small_regions, pet.rules.minimum_volume_ml),
                fmt::format("显示 {} / {} 个区域；另有 {} 个小于 {} mL 且不突出于周围的区域未计入。* "
                            "到达图像边缘。区域可为生理性摄取（脑、心、肠、肾、膀胱）：程序不做区分。",
                            table.rows.size(), pet.map.lesions.size(), pet.map.small_regions, pet.rules.minimum_volume_ml)};
  if (!table.rows.empty()) result.tables.push_back(std::move(table));

  const std::string percent = fmt::format("{:.0f} %", 100 * pet.rules.share);
  ReportDocument::Measurements foci;
  foci.title = {"Foci at " + percent + " of their own maximum", "按自身最大值 " + percent + " 勾画的病灶峰"};
  foci.columns = {{"Focus", "峰"},        {"In region", "所在区域"},     {"SUVmax", "SUVmax"},   {"SUVmean", "SUVmean"},
                  {"SUVpeak", "SUVpeak"}, {"Volume (mL)", "体积（mL）"}, {"TLG (g)", "TLG（g）"}};
  foci.right_aligned = {false, true, true, true, true, true, true};
  for (std::size_t n = 0; n < std::min<std::size_t>(pet.map.foci.size(), 20); ++n) {
    const Focus& f = pet.map.foci[n];
    ReportDocument::Row row;
    row.cells = {{wording::same(fmt::format("{}", n + 1)), false},
                 number(f.lesion, 0),
                 number(f.uptake.maximum, 1),
                 number(f.uptake.mean, 1),
                 number(f.uptake.peak.value, 1),
                 number(f.uptake.volume_ml, 1),
                 number(f.uptake.tlg, 0)};
    foci.rows.push_back(std::move(row));
  }
  foci.note = {fmt::format("{} of {} foci are shown.", foci.rows.size(), pet.map.foci.size()),
               fmt::format("显示 {} / {} 个峰。", foci.rows.size(), pet.map.foci.size())};
  if (!foci.rows.empty()) result.tables.push_back(std::move(foci));
}

void add_pictures(SeriesResult& result, const PetMeasured& pet, const SeriesInput& input, const Run& run) {
  FigureSpec front;
  front.plane = Plane::coronal;
  front.window = suv_window();
  front.crop_to_body = false;
  for (std::size_t n = 0; n < std::min<std::size_t>(pet.listed, 8); ++n)
    front.markers.push_back({pet.map.lesions[n].uptake.maximum_mm, static_cast<int>(n + 1), 8, false, {0xe8, 0x59, 0x0c}});
  result.images.push_back(
      {projection_figure(pet.suv.image, front, run),
       {"Highest uptake along the line of sight, from the front; regions numbered as in the table", "前视最大强度投影；区域编号同表"},
       {"Maximum intensity projection of the PET from the front with numbered circles at the regions",
        "PET 前视最大强度投影图，圆圈编号标出各区域"},
       ""});
  const SeriesInput* ct = nullptr;
  for (const SeriesInput& companion : input.companions) {
    if (companion.modality == "CT" && !companion.image.empty()) ct = &companion;
  }
  for (std::size_t n = 0; n < std::min<std::size_t>(pet.listed, 3); ++n) {
    FigureSpec spec;
    spec.plane = Plane::axial;
    spec.position_mm = pet.map.lesions[n].uptake.maximum_mm;
    spec.outlined = {static_cast<int>(n + 1)};
    spec.crop_to_body = false;
    const Image* shown = &pet.suv.image;
    if (ct != nullptr) {
      shown = &ct->image;
      spec.window = soft_tissue_window;
      spec.fused = &pet.suv.image;
      spec.crop_to_body = true;
    } else {
      spec.window = suv_window(std::max(7.0, 0.6 * pet.map.lesions[n].uptake.maximum));
    }
    const std::string number = std::to_string(n + 1);
    result.images.push_back({figure(*shown, &result.labels, spec, run),
                             {"Region " + number + ": axial slice through its highest uptake" + (ct != nullptr ? ", laid over CT" : ""),
                              "区域 " + number + "：经最高摄取处的轴位" + (ct != nullptr ? "，与 CT 融合" : "")},
                             {"Axial slice with the outline of region " + number, "轴位图，标有区域 " + number + " 的轮廓"},
                             ""});
  }
}

void add_glances(SeriesResult& result, const PetMeasured& pet) {
  using wording::fixed;
  const auto& lesions = pet.map.lesions;
  if (lesions.empty()) {
    result.glances.push_back(
        {Attention::usual,
         {fmt::format("Uptake: no region of at least {} mL reaches SUV {}.", pet.rules.minimum_volume_ml, pet.rules.threshold),
          fmt::format("摄取：未见达到 SUV {} 且不小于 {} mL 的区域。", pet.rules.threshold, pet.rules.minimum_volume_ml)},
         {1}});
    return;
  }
  const auto hottest =
      static_cast<std::size_t>(std::max_element(lesions.begin(), lesions.end(),
                                                [](const Lesion& a, const Lesion& b) { return a.uptake.maximum < b.uptake.maximum; }) -
                               lesions.begin());
  const Lesion& top = lesions[hottest];
  double volume = 0;
  double tlg = 0;
  for (const Lesion& l : lesions) volume += l.uptake.volume_ml, tlg += l.uptake.tlg;
  std::vector<int> seen{1};
  if (hottest < 3 && hottest < pet.listed) seen.push_back(static_cast<int>(hottest) + 2);
  result.glances.push_back({Attention::note,
                            {fmt::format("Highest uptake: SUVmax {} and SUVpeak {} in region {}.", fixed(top.uptake.maximum, 1),
                                         fixed(top.uptake.peak.value, 1), hottest + 1),
                             fmt::format("最高摄取：区域 {} 的 SUVmax 为 {}，SUVpeak 为 {}。", hottest + 1, fixed(top.uptake.maximum, 1),
                                         fixed(top.uptake.peak.value, 1))},
                            seen});
  result.glances.push_back({Attention::note,
                            {fmt::format("Extent: {} at SUV {} and more, {} together, total lesion glycolysis {}.",
                                         wording::count(static_cast<std::int64_t>(lesions.size()), "region", "regions"),
                                         pet.rules.threshold, wording::quantity(volume, "mL"), wording::quantity(tlg, "g")),
                             fmt::format("范围：SUV ≥ {} 的区域共 {} 个，总体积 {}，病灶糖酵解总量 {}。", pet.rules.threshold,
                                         lesions.size(), wording::quantity(volume, "mL"), wording::quantity(tlg, "g"))},
                            {1}});
  result.glances.push_back(
      {Attention::note,
       {"Origin: the program does not tell tumour from physiological or inflammatory uptake. All totals may include such uptake.",
        "来源：程序不区分肿瘤摄取与生理性或炎性摄取，各总量可能包含此类摄取。"},
       {1}});
}

void add_quality(SeriesResult& result, const SeriesInput& input) {
  using Verdict = QualityItem::Verdict;
  const Vec3 d = input.image.grid().spacing_mm();
  QualityItem voxel{"voxel_size", {"Largest voxel edge", "最大体素边长"}, std::max({d.x, d.y, d.z}), "mm", Verdict::good, {}};
  if (*voxel.value > 5) {
    voxel.verdict = *voxel.value > 8 ? Verdict::poor : Verdict::limited;
    voxel.reason = {"large voxels lower SUVmax and blur small lesions", "体素较大，会降低 SUVmax 并模糊小病灶"};
  }
  result.quality.push_back(std::move(voxel));
  if (input.series == nullptr || input.series->header.empty()) return;
  const dicom::Header& header = input.series->header;
  if (const auto corrected = header.text("CorrectedImage")) {
    QualityItem item{"corrections", {"Corrections applied", "已做校正"}, std::nullopt, "", Verdict::good, {}};
    if (corrected->find("ATTN") == std::string::npos) {
      item.verdict = Verdict::poor;
      item.reason = {"attenuation is not corrected: SUV are too low and depend on depth", "未做衰减校正：SUV 偏低且随深度变化"};
    } else if (corrected->find("SCAT") == std::string::npos) {
      item.verdict = Verdict::limited;
      item.reason = {"scatter is not stated as corrected", "未注明散射校正"};
    }
    result.quality.push_back(std::move(item));
  }
  const auto seconds = [](const std::string& time) -> std::optional<double> {
    if (time.size() < 6) return std::nullopt;
    const auto h = parse_integer(std::string_view(time).substr(0, 2));
    const auto m = parse_integer(std::string_view(time).substr(2, 2));
    const auto s = parse_integer(std::string_view(time).substr(4, 2));
    if (!h || !m || !s) return std::nullopt;
    return static_cast<double>(*h * 3600 + *m * 60 + *s);
  };
  const auto tracer = [&](const std::string& keyword) {
    return header.text("RadiopharmaceuticalInformationSequence[0]." + keyword).value_or("");
  };
  const std::string given = tracer("RadiopharmaceuticalStartDateTime");
  const auto start = seconds(given.size() >= 14 ? given.substr(8) : tracer("RadiopharmaceuticalStartTime"));
  const auto scan = seconds(header.text("SeriesTime").value_or(header.text("AcquisitionTime").value_or("")));
  if (start && scan) {
    double minutes = (*scan - *start) / 60;
    if (minutes < 0) minutes += 24 * 60;
    QualityItem item{"uptake_time", {"Time from injection to scan", "注射至扫描时间"}, minutes, "min", Verdict::good, {}};
    const std::string code = tracer("RadiopharmaceuticalCodeSequence[0].CodeValue");
    const std::string words = lower(tracer("Radiopharmaceutical") + " " + tracer("RadiopharmaceuticalCodeSequence[0].CodeMeaning"));
    const bool fdg = code == "35321007" || code == "C-B1031" || words.find("fdg") != std::string::npos ||
                     words.find("deoxyglucose") != std::string::npos;
    if (!fdg) {
      item.reason = {"the tracer is not stated to be FDG: no usual time to compare with", "未注明示踪剂为 FDG：无常规时间可比较"};
    } else if (minutes < 50 || minutes > 75) {
      item.verdict = minutes < 30 || minutes > 120 ? Verdict::poor : Verdict::limited;
      item.reason = {"outside 50 to 75 minutes: SUV are not comparable with the usual protocol",
                     "不在 50～75 分钟内：SUV 与常规方案不可比"};
    }
    result.quality.push_back(std::move(item));
  }
}

}  // namespace

void write_pet(SeriesResult& result, const PetMeasured& pet, const SeriesInput& input, const Run& run) {
  add_findings(result, pet);
  add_glances(result, pet);
  add_tables(result, pet);
  add_pictures(result, pet, input, run);
  add_quality(result, input);
  if (input.series != nullptr && !input.series->header.empty()) {
    const std::string tracer = input.series->header.text("RadiopharmaceuticalInformationSequence[0].Radiopharmaceutical").value_or("");
    if (!tracer.empty()) result.facts.push_back({{"Tracer", "示踪剂"}, wording::same(tracer)});
  }
  result.facts.push_back({{"SUV by", "SUV 类型"}, {"body weight", "体重"}});
  result.not_analysed.push_back({"PERCIST: needs a reference region in the liver; the liver was not located in this series.",
                                 "PERCIST：需要肝脏参考区，本序列未能定位肝脏。"});
  if (!pet.suv.lean_factor) {
    const Words reason =
        pet.suv.lean_refusal.empty() ? Words{"sex or height is missing", "缺少性别或身高"} : report::reason_words(pet.suv.lean_refusal);
    const bool surface = pet.suv.body_surface_factor.has_value();
    result.not_analysed.push_back({(surface ? "SUV by lean body mass: " : "SUV by lean body mass and body surface: ") + reason.en + ".",
                                   (surface ? "按瘦体重的 SUV：" : "按瘦体重与体表面积的 SUV：") + reason.zh + "。"});
  }
  result.not_analysed.push_back(
      {"Origin of uptake (tumour, inflammation, normal organs): not told apart.", "摄取来源（肿瘤、炎症、正常器官）：不做区分。"});
  result.certainty.push_back(
      {"Repeated scans of the same lesion differ: SUVmax of a lesion must change by about 30 % to be more than chance; small lesions "
       "(below about 2 cm) "
       "look less active than they are.",
       "同一病灶重复扫描会有差异：SUVmax 变化约 30 % 以上才超出偶然；小病灶（约 2 cm 以下）显示的摄取低于实际。"});
  result.certainty.push_back({"Volumes depend on the threshold: the interval shows how far a threshold 5 % higher or lower moves them.",
                              "体积取决于阈值：区间表示阈值上下变动 5 % 时体积的变化。"});
  const Words conversion = report::reason_words(pet.suv.method);
  result.methods.push_back({"SUV: " + conversion.en + ".", "SUV 换算：" + conversion.zh + "。"});
  result.methods.push_back(
      {fmt::format("Regions: voxels at SUV {} and more, connected over faces, edges and corners, of at least {} mL, or smaller where their "
                   "maximum is at least {} and what lies 12 to 18 mm away has at most {:.0f} % of it. Foci: hills told "
                   "apart by a watershed (passes above {:.0f} % of the lower "
                   "top join), cut at {:.0f} % of their own maximum. SUVpeak: ball of 1 mL.",
                   pet.rules.threshold, pet.rules.minimum_volume_ml, wording::fixed(pet.rules.small_maximum_share * pet.rules.threshold, 1),
                   100 * pet.rules.surroundings_share, 100 * pet.rules.saddle_share, 100 * pet.rules.share),
       fmt::format("区域：SUV ≥ {} 且 26 邻域连通的体素，不小于 {} mL；更小者仅在最大值不低于 {} 且 12～18 mm 外的均值不超过其 {:.0f} % "
                   "时计入。峰：以分水岭分开（鞍部高于较低峰 {:.0f} % "
                   "时合并），按自身最大值的 {:.0f} % 截取。SUVpeak：1 mL 球。",
                   pet.rules.threshold, pet.rules.minimum_volume_ml, wording::fixed(pet.rules.small_maximum_share * pet.rules.threshold, 1),
                   100 * pet.rules.surroundings_share, 100 * pet.rules.saddle_share, 100 * pet.rules.share)});
  for (const char* reference : {"Wahl RL et al. From RECIST to PERCIST: evolving considerations for PET response criteria in solid tumors. "
                                "J Nucl Med 2009;50 Suppl 1:122S-150S.",
                                "Boellaard R et al. FDG PET/CT: EANM procedure guidelines for tumour imaging: version 2.0. Eur J Nucl Med "
                                "Mol Imaging 2015;42:328-354.",
                                "Janmahasatian S et al. Quantification of lean bodyweight. Clin Pharmacokinet 2005;44:1051-1065."}) {
    result.references.push_back(wording::same(reference));
  }
}

void write_pet_refusal(SeriesResult& result, const std::string& reason, const SeriesInput& input) {
  const Adder add{result};
  add("pet_lesions.count", "Regions of increased uptake", count_code, std::nullopt, "1", "not measured").reason = reason;
  add("pet_lesions.volume", "Metabolic volume of all regions", volume_code, std::nullopt, "mL", "not measured").reason = reason;
  add("pet_lesions.tlg", "Total lesion glycolysis of all regions", tlg_code, std::nullopt, "g", "not measured").reason = reason;
  const Words why = report::reason_words(reason);
  result.glances.push_back({Attention::look_first,
                            {"No SUV: " + why.en + ". Nothing was measured, because a number without it would mislead.",
                             "无法计算 SUV：" + why.zh + "。为避免误导，未给出任何数值。"},
                            {}});
  result.not_analysed.push_back({"Uptake: " + why.en + ".", "摄取：" + why.zh + "。"});
  add_quality(result, input);
}

}  // namespace gantry::analysis
