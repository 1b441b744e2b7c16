// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr_words.h"

#include <algorithm>
#include <cmath>

#include "gantry/report/wording.h"
#include "gantry/visualization/figure.h"

namespace gantry::analysis {

namespace {

const Code volume_code{"SCT", "118565006", "Volume"};
const Code fraction_code{"99GANTRY", "volume_fraction", "Fraction of the intracranial volume"};
const Code asymmetry_code{"99GANTRY", "asymmetry", "Difference of left and right in percent of their mean"};

Words name_of(std::string_view id) {
  const Structure& row = structure(id);
  return {std::string(row.meaning), std::string(row.name_zh)};
}

/// How far a volume moves when its surface moves by `shift_mm`.
std::array<double, 2> shifted(double volume_ml, double area_mm2, double shift_mm) {
  const double change = area_mm2 * shift_mm / 1000;
  return {std::max(0.0, volume_ml - change), volume_ml + change};
}

double mean_edge_mm(const Grid& grid) { return std::cbrt(grid.voxel_volume_mm3()); }

Mask mask_of(const HeadMr& head, std::initializer_list<Tissue> tissues) {
  Mask mask(head.input.image.grid());
  for (std::int64_t n = 0; n < mask.count(); ++n) {
    const auto t = static_cast<Tissue>(head.tissue.label[n]);
    mask[n] = std::find(tissues.begin(), tissues.end(), t) != tissues.end() ? 1 : 0;
  }
  return mask;
}

struct Measured {
  std::string id;
  double volume_ml;
  std::array<double, 2> interval;
  std::optional<Sides> sides;
};

/// The volumes, their intervals and their sides, in the order of the table.
std::vector<Measured> measured_volumes(const HeadMr& head, const Run& run) {
  const double edge = mean_edge_mm(head.input.image.grid());
  const auto sides = [&](const VoxelView<std::uint8_t>& shares, double full) { return split_sides(shares, full, head.plane, run); };
  const auto sum = [&] {
    Voxels<std::uint8_t> both(head.tissue.gray.grid());
    for (std::int64_t n = 0; n < both.count(); ++n) both[n] = static_cast<std::uint8_t>(head.tissue.gray[n] + head.tissue.white[n]);
    return both;
  }();
  const double brain_area = surface_mm2(mask_of(head, {Tissue::gray, Tissue::white}));
  const double white_area = surface_mm2(mask_of(head, {Tissue::white}));
  const double fluid_area = surface_mm2(mask_of(head, {Tissue::fluid}));
  std::vector<Measured> rows;
  rows.push_back({"intracranial", head.intracranial_ml, shifted(head.intracranial_ml, surface_mm2(head.input.space), 0.4), std::nullopt});
  rows.push_back({"brain", head.brain_ml, shifted(head.brain_ml, brain_area, 0.15 * edge), sides(sum, 255)});
  rows.push_back({"gray_matter", head.tissue.gray_ml, shifted(head.tissue.gray_ml, brain_area + white_area, 0.1 * edge),
                  sides(head.tissue.gray, 255)});
  rows.push_back(
      {"white_matter", head.tissue.white_ml, shifted(head.tissue.white_ml, white_area, 0.15 * edge), sides(head.tissue.white, 255)});
  rows.push_back({"cerebrospinal_fluid", head.tissue.fluid_ml, shifted(head.tissue.fluid_ml, fluid_area, 0.15 * edge), std::nullopt});
  if (head.ventricles_ml > 0) {
    rows.push_back({"ventricles", head.ventricles_ml, shifted(head.ventricles_ml, surface_mm2(head.ventricles), 0.25 * edge),
                    sides(head.ventricles, 1)});
  }
  return rows;
}

std::string method_of(std::string_view id) {
  if (id == "intracranial")
    return "voxels inside the intracranial mask (inner skull to foramen magnum); interval: the surface moved by 0.4 mm";
  if (id == "brain")
    return "grey and white matter of cerebrum, cerebellum and stem down to the foramen magnum, with the parts of mixed voxels, without "
           "ventricles; interval: the surface moved by 0.15 voxel";
  if (id == "ventricles") return "fluid of the lateral and third ventricles; interval: the surface moved by 0.25 voxel";
  return "sum of the shares of the tissue over all voxels; interval: its borders moved by 0.1 to 0.15 voxel";
}

Finding volume_finding(const Measured& m, bool cut) {
  Finding f;
  f.id = m.id + ".volume";
  f.name = std::string(structure(m.id).meaning) + " volume";
  f.code = volume_code;
  f.value = m.volume_ml;
  f.unit = "mL";
  f.interval = m.interval;
  f.segment = m.id;
  f.method = method_of(m.id);
  if (cut) f.reason = "the brain is cut off by the field of view: a lower bound";
  return f;
}

void add_quality(SeriesResult& result, const HeadMr& head, const SeriesInput& input) {
  using Verdict = QualityItem::Verdict;
  const auto add = [&](std::string id, Words name, std::optional<double> value, std::string unit, double good, double limited,
                       bool high_is_good, Words reason) {
    QualityItem item{std::move(id), std::move(name), value, std::move(unit), Verdict::good, {}};
    if (value) {
      const auto within = [&](double limit) { return high_is_good ? *value >= limit : *value <= limit; };
      item.verdict = within(good) ? Verdict::good : within(limited) ? Verdict::limited : Verdict::poor;
      if (item.verdict != Verdict::good) item.reason = std::move(reason);
    } else {
      item.verdict = Verdict::limited;
      item.reason = std::move(reason);
    }
    result.quality.push_back(std::move(item));
  };
  const HeadMrQuality& q = head.quality;
  const Vec3 d = input.image.grid().spacing_mm();
  add("voxel_size", {"Largest voxel edge", "最大体素边长"}, std::max({d.x, d.y, d.z}), "mm", 1.6, 3, false,
      {"thick slices blur the cortex: tissue volumes are rough", "层厚较大，皮层边界模糊：组织体积仅供粗略参考"});
  add("signal_to_noise", {"Signal-to-noise ratio in white matter", "白质信噪比"}, q.signal_to_noise, "1", 15, 8, true,
      {"noise makes the border between grey and white matter uncertain", "噪声使灰白质边界不确定"});
  add("contrast_to_noise", {"Contrast-to-noise ratio, white to grey matter", "灰白质对比噪声比"}, q.contrast_to_noise, "1", 3, 1.5, true,
      {"grey and white matter overlap: their volumes are less sure than the brain's", "灰白质信号重叠：其体积不如全脑体积可靠"});
  add("ghosting", {"Ghosting", "伪影（鬼影）"}, q.ghosting_percent, "%", 1, 2.5, false,
      q.ghosting_percent
          ? Words{"signal of the head repeats in the background: motion or pulsation", "背景中有头部信号重复：运动或搏动所致"}
          : Words{q.background_blanked ? "cannot be measured: the background is set to zero"
                                       : "cannot be measured: too little background in view",
                  q.background_blanked ? "无法测量：背景被置零" : "无法测量：视野内背景太少"});
  add("edge_width", {"Blur of the skin's edge", "皮肤边缘模糊宽度"}, q.edge_width_mm, "mm", std::max(3.0, 3.2 * std::max({d.x, d.y, d.z})),
      5, false,
      q.edge_width_mm
          ? Words{"edges are wider than the voxels explain: motion or strong smoothing", "边缘宽度超过体素尺寸所能解释：运动或强平滑"}
          : Words{"cannot be measured: too little skin in view", "无法测量：视野内皮肤太少"});
  const bool moved = (q.ghosting_percent && *q.ghosting_percent > 2.5) || (q.edge_width_mm && *q.edge_width_mm > 5);
  const bool perhaps = (q.ghosting_percent && *q.ghosting_percent > 1) ||
                       (q.edge_width_mm && *q.edge_width_mm > std::max(3.0, 3.2 * std::max({d.x, d.y, d.z})));
  QualityItem motion{
      "motion", {"Signs of motion", "运动迹象"}, std::nullopt, "", moved ? Verdict::poor : perhaps ? Verdict::limited : Verdict::good, {}};
  if (moved || perhaps) motion.reason = {"ghosting or wide edges, which motion causes", "存在鬼影或边缘增宽，可由运动引起"};
  result.quality.push_back(std::move(motion));
  QualityItem coverage{"brain_coverage", {"Brain in view", "脑部覆盖"}, std::nullopt, "", Verdict::good, {}};
  if (head.brain.cut_above || head.brain.cut_below) {
    coverage.verdict = Verdict::poor;
    coverage.reason = {"the brain is cut off by the field of view: volumes are lower bounds", "脑部超出视野：体积仅为下限"};
  }
  result.quality.push_back(std::move(coverage));
}

void add_pictures(SeriesResult& result, const HeadMr& head, const SeriesInput& input, const Run& run) {
  const Window window = body_window(input.image);
  Vec3 middle;
  double count = 0;
  const MaskView at = head.ventricles_ml > 0 ? MaskView(head.ventricles) : MaskView(head.input.space);
  const Size3 size = at.grid().size();
  for (std::int64_t n = 0; n < at.count(); ++n) {
    if (at[n] == 0) continue;
    middle = middle + at.grid().world_from_voxel({static_cast<double>(n % size[0]), static_cast<double>(n / size[0] % size[1]),
                                                  static_cast<double>(n / (size[0] * size[1]))});
    ++count;
  }
  middle = (1 / std::max(1.0, count)) * middle;
  const auto tissue_figure = [&](Plane plane, Vec3 position, const Labels& labels, std::vector<int> outlined, double outline) {
    FigureSpec spec;
    spec.plane = plane;
    spec.position_mm = position;
    spec.window = window;
    spec.outlined = std::move(outlined);
    spec.outline_px = outline;
    return figure(input.image, &labels, spec, run);
  };
  const std::vector<int> tissues{gray_label, white_label, ventricles_label};
  result.images.push_back(
      {tissue_figure(Plane::axial, middle, result.labels, tissues, 1.2),
       {"Grey matter, white matter and ventricles, axial slice through the ventricles", "灰质、白质与脑室，经脑室的轴位"},
       {"Axial slice of the head with outlines of grey matter, white matter and ventricles", "头部轴位图，标有灰质、白质和脑室轮廓"},
       ""});
  result.images.push_back(
      {tissue_figure(Plane::coronal, middle, result.labels, tissues, 1.2),
       {"Grey matter, white matter and ventricles, coronal slice", "灰质、白质与脑室，冠状位"},
       {"Coronal slice of the head with outlines of grey matter, white matter and ventricles", "头部冠状位图，标有灰质、白质和脑室轮廓"},
       ""});
  Voxels<std::uint8_t> whole(input.image.grid());
  const VoxelView<std::uint8_t> labels = result.labels.image().as<std::uint8_t>();
  for (std::int64_t n = 0; n < whole.count(); ++n) whole[n] = labels[n] != 0 ? 1 : 0;
  const Labels space(Image(std::move(whole)), {label_of(1, "intracranial", "union of all labels")});
  // A little beside the mid-plane, where the falx does not hide the hemisphere.
  result.images.push_back({tissue_figure(Plane::sagittal, middle + 8.0 * head.plane.normal, space, {1}, 2),
                           {"Intracranial space, sagittal slice 8 mm left of the mid-plane", "颅内腔，正中面左侧 8 mm 的矢状位"},
                           {"Sagittal slice of the head with the outline of the intracranial space", "头部矢状位图，标有颅内腔轮廓"},
                           ""});
}

}  // namespace

void write_head_mr(SeriesResult& result, const HeadMr& head, const SeriesInput& input, const Run& run) {
  using wording::measured;
  using wording::quantity;
  const bool cut = head.brain.cut_above || head.brain.cut_below;
  const std::vector<Measured> rows = measured_volumes(head, run);

  ReportDocument::Measurements table;
  table.title = {"Volumes", "体积"};
  table.columns = {{"Structure", "结构"}, {"Volume (mL)", "体积（mL）"},   {"Interval", "区间"}, {"Left", "左"},
                   {"Right", "右"},       {"Asymmetry (%)", "不对称（%）"}};
  table.right_aligned = {false, true, true, true, true, true};
  table.note = {
      "Asymmetry is 100 (left - right) / mean of both. Intervals show how far a small shift of the borders moves the volume; they are no "
      "confidence "
      "intervals of repeated scans. Volumes are not compared with people of the same age and sex: no such reference is built in.",
      "不对称 = 100 ×（左 − 右）/ "
      "两侧均值。区间表示边界微小移动引起的体积变化，并非重复扫描的置信区间。未与同龄同性别人群比较：程序内没有此类参考值。"};
  for (const Measured& m : rows) {
    result.findings.push_back(volume_finding(m, cut));
    if (head.brain.stripped && !cut && (m.id == "intracranial" || m.id == "cerebrospinal_fluid"))
      result.findings.back().reason = "the skull was removed before: a lower bound";
    ReportDocument::Row row;
    const auto cell = [&](std::string text) { row.cells.push_back({wording::same(std::move(text)), true}); };
    row.cells.push_back({name_of(m.id), false});
    cell(cut ? "> " + wording::number(m.volume_ml) : wording::number(m.volume_ml));
    row.cells.push_back({{wording::interval(m.interval, "en"), wording::interval(m.interval, "zh")}, true});
    cell(m.sides ? wording::number(m.sides->left_ml) : "");
    cell(m.sides ? wording::number(m.sides->right_ml) : "");
    cell(m.sides ? wording::fixed(m.sides->asymmetry_percent(), 1) : "");
    row.swatch = true;
    row.color = structure(m.id).color;
    table.rows.push_back(std::move(row));
    if (!m.sides) continue;
    Finding f;
    f.id = m.id + ".asymmetry";
    f.name = std::string(structure(m.id).meaning) + " asymmetry";
    f.code = asymmetry_code;
    f.value = m.sides->asymmetry_percent();
    f.unit = "%";
    f.segment = m.id;
    f.method =
        fmt::format("100 (left - right) / mean, sides of the plane of best mirror symmetry (correlation {:.2f})", head.plane.correlation);
    if (cut) f.reason = "the brain is cut off by the field of view: sides may not be compared";
    const double limit = m.id == "ventricles" ? 40 : 5;
    f.attention = !cut && std::abs(*f.value) > limit ? Attention::note : Attention::none;
    result.findings.push_back(std::move(f));
  }
  result.tables.push_back(std::move(table));

  const double fraction = head.intracranial_ml > 0 ? head.brain_ml / head.intracranial_ml : 0;
  const auto add_fraction = [&](std::string id, std::string name, double value, std::string segment) {
    Finding f;
    f.id = std::move(id);
    f.name = std::move(name);
    f.code = fraction_code;
    f.value = value;
    f.unit = "1";
    f.segment = std::move(segment);
    f.method = "volume / intracranial volume";
    if (cut) f.reason = "the brain is cut off by the field of view";
    result.findings.push_back(std::move(f));
  };
  add_fraction("brain.fraction", "Brain fraction", fraction, "brain");
  if (head.ventricles_ml > 0)
    add_fraction("ventricles.fraction", "Ventricle fraction", head.ventricles_ml / head.intracranial_ml, "ventricles");
  if (head.tissue.other_ml > 5) {
    Finding f;
    f.id = "intracranial.bright_volume";
    f.name = "Bright structures inside the skull";
    f.code = volume_code;
    f.value = head.tissue.other_ml;
    f.unit = "mL";
    f.segment = "intracranial";
    f.method = "inside the intracranial mask, more than 4 standard deviations brighter than white matter, or apart from the brain";
    f.attention = Attention::note;
    result.findings.push_back(std::move(f));
  }

  // At a glance.
  const Measured& brain = rows[1];
  const std::string percent = wording::quantity(100 * fraction, "%", 2);
  result.glances.push_back(
      {Attention::usual,
       {fmt::format("Brain: {}, {} of the intracranial space of {}.", measured(brain.volume_ml, brain.interval, "mL", "en"), percent,
                    measured(rows[0].volume_ml, rows[0].interval, "mL", "en")),
        fmt::format("脑：{}，占颅内腔 {} 的 {}。", measured(brain.volume_ml, brain.interval, "mL", "zh"),
                    measured(rows[0].volume_ml, rows[0].interval, "mL", "zh"), percent)},
       {1, 3}});
  result.glances.push_back(
      {Attention::usual,
       {fmt::format("Tissues: {} of grey matter and {} of white matter.", quantity(head.tissue.gray_ml, "mL"),
                    quantity(head.tissue.white_ml, "mL")),
        fmt::format("组织：灰质 {}，白质 {}。", quantity(head.tissue.gray_ml, "mL"), quantity(head.tissue.white_ml, "mL"))},
       {1, 2}});
  if (head.ventricles_ml > 0) {
    const double asymmetry = rows.back().sides ? rows.back().sides->asymmetry_percent() : 0;
    const bool uneven = std::abs(asymmetry) > 40 && !cut;
    Words text{fmt::format("Ventricles: {} (lateral and third), {} of the intracranial space.", quantity(head.ventricles_ml, "mL"),
                           quantity(100 * head.ventricles_ml / head.intracranial_ml, "%", 2)),
               fmt::format("脑室：{}（侧脑室与第三脑室），占颅内腔 {}。", quantity(head.ventricles_ml, "mL"),
                           quantity(100 * head.ventricles_ml / head.intracranial_ml, "%", 2))};
    if (uneven) {
      text.en += fmt::format(" The {} side is larger by {}.", asymmetry > 0 ? "left" : "right", quantity(std::abs(asymmetry), "%", 2));
      text.zh += fmt::format("{}侧大 {}。", asymmetry > 0 ? "左" : "右", quantity(std::abs(asymmetry), "%", 2));
    }
    result.glances.push_back({uneven ? Attention::note : Attention::usual, text, {1}});
  } else {
    result.not_analysed.push_back({"Ventricles: no wide fluid was found deep inside the brain.", "脑室：脑深部未见足够宽的液体区。"});
  }
  if (brain.sides) {
    const double asymmetry = brain.sides->asymmetry_percent();
    const bool uneven = std::abs(asymmetry) > 5 && !cut;
    result.glances.push_back(
        {uneven ? Attention::note : Attention::usual,
         {fmt::format("Sides: brain volume differs by {} between left and right{}.", quantity(std::abs(asymmetry), "%", 2),
                      uneven ? ", more than the 5 % that are noted here" : ""),
          fmt::format("左右：两侧脑体积相差 {}{}。", quantity(std::abs(asymmetry), "%", 2), uneven ? "，超过本报告提示界限 5 %" : "")},
         {2}});
  }
  if (head.tissue.other_ml > 5) {
    result.glances.push_back(
        {Attention::note,
         {fmt::format("Bright structures: {} inside the skull are brighter than white matter or lie apart from the brain (vessels, "
                      "contrast medium, "
                      "dura, fat or a lesion). They belong to no tissue here.",
                      quantity(head.tissue.other_ml, "mL", 2)),
          fmt::format("高信号结构：颅内有 {} 比白质更亮或与脑分离（血管、对比剂、硬脑膜、脂肪或病灶），未归入任何组织。",
                      quantity(head.tissue.other_ml, "mL", 2))},
         {1, 2}});
  }
  add_quality(result, head, input);
  add_pictures(result, head, input, run);

  const bool contrast_stated = input.series != nullptr && input.series->header.text("ContrastBolusAgent").value_or("").size() > 0;
  result.facts.push_back(
      {{"Contrast medium", "对比剂"},
       contrast_stated ? Words{"stated in the header", "头信息有记录"} : Words{"not stated in the header", "头信息未记录"}});
  const Vec3 d = input.image.grid().spacing_mm();
  result.facts.push_back({{"Voxel", "体素"}, wording::same(fmt::format("{:.2f} × {:.2f} × {:.2f} mm", d.x, d.y, d.z))});
  if (cut) result.warnings.emplace_back("the brain reaches the edge of the field of view: volumes are lower bounds");
  if (head.brain.stripped) {
    result.warnings.emplace_back(
        "the skull was removed from this image before: its outline is kept, the intracranial volume is that of the outline");
    result.facts.push_back({{"Skull", "颅骨"}, {"removed before; the outline is kept as it came", "已预先去除；沿用原有轮廓"}});
    result.certainty.push_back(
        {"The skull was removed from this image before. Its outline is kept: where it fits the brain, blurred voxels at its edge count as "
         "grey matter; fluid outside it is missing, and the intracranial volume is a lower bound.",
         "本图像已预先去除颅骨，沿用其轮廓：轮廓贴合脑表面时，边缘模糊体素计为灰质；轮廓外的脑脊液缺失，颅内体积仅为下限。"});
  }

  result.not_analysed.push_back({"Lesions, lobes and other single structures: no method for them is part of this profile.",
                                 "病灶、脑叶与其他单个结构：本方案不含相应方法。"});
  result.not_analysed.push_back(
      {"Comparison with age and sex: no reference values are built in.", "与年龄、性别参考值的比较：程序内没有参考值。"});
  result.certainty.push_back(
      {"The brain's outline is usually right within a voxel. The outer border of the fluid is less sure: in T1-weighted images fluid and "
       "skull are "
       "both dark, so the intracranial volume may be off by a few percent.",
       "脑轮廓误差通常在一个体素以内。脑脊液外缘较不确定：T1 加权像上液体与颅骨均呈低信号，颅内体积可有百分之几的误差。"});
  result.certainty.push_back(
      {"Grey matter includes thin dura and vessels of like intensity; deep nuclei that are as bright as white matter count in part as "
       "white.",
       "灰质中可含信号相近的薄层硬脑膜与血管；信号接近白质的深部核团部分计入白质。"});
  result.methods.push_back(
      {"Bias field: N4 with 3 levels inside the closed brain at 4 mm. Brain: voxels in the range of grey and white matter, eroded until "
       "the body around the centre comes apart, grown back in competition with its neighbours, closed by 10 mm, cut at the foramen magnum. "
       "Skull: the first dark line along the normals of that surface, 8 mm inwards to 11 mm outwards, on which neighbours agree; the "
       "intracranial space ends half-way between fluid and bone. Tissues: five-class mixture with mixed voxels and a Markov random field; "
       "a voxel counts for the "
       "tissue that is expected to fill most of it. Brain is grey and white matter with nuclei, cerebellum and stem down to the foramen "
       "magnum, without ventricles. Mid-plane: greatest correlation of the intracranial image with its mirror image.",
       "偏置场：在 4 mm 网格上于脑内做 3 层 N4。脑提取：取灰白质信号范围的体素，腐蚀至中心主体与周围分离，再与邻近组织竞争生长复原，以 "
       "10 mm 闭运算封闭脑沟，在枕骨大孔处截断。颅骨：沿该表面法线（向内 8 mm 至向外 11 "
       "mm）寻找邻近各处一致的第一条暗线；颅内腔止于液体与骨信号的中点。组织：含部分容积的五类混合模型加马尔可夫随机场，体素归入预期占比最"
       "大的组织。"
       "脑"
       "指灰质与白质，包括核团、小脑和枕骨大孔以上的脑干，不含脑室。正中面：颅内图像与其镜像相关最大的平面。"});
  for (const char* reference :
       {"Tustison NJ et al. N4ITK: improved N3 bias correction. IEEE Trans Med Imaging 2010;29:1310-1320.",
        "Santago P, Gage HD. Quantification of MR brain images by mixture density and partial volume modeling. IEEE Trans Med Imaging "
        "1993;12:566-574.",
        "Brummer ME et al. Automatic detection of brain contours in MRI data sets. IEEE Trans Med Imaging 1993;12:153-166.",
        "Felzenszwalb PF, Huttenlocher DP. Efficient belief propagation for early vision. Int J Comput Vis 2006;70:41-54.",
        "Besag J. On the statistical analysis of dirty pictures. J R Stat Soc B 1986;48:259-302."}) {
    result.references.push_back(wording::same(reference));
  }
}

void say_not_measured(SeriesResult& result, const Words& why) {
  for (const char* id : {"brain", "intracranial", "gray_matter", "white_matter", "cerebrospinal_fluid", "ventricles"}) {
    Finding f;
    f.id = std::string(id) + ".volume";
    f.name = std::string(structure(id).meaning) + " volume";
    f.code = volume_code;
    f.unit = "mL";
    f.method = "not measured";
    f.reason = why.en;
    result.findings.push_back(std::move(f));
  }
  result.glances.push_back({Attention::note, {"Not measured: " + why.en + ".", "未测量：" + why.zh + "。"}, {}});
  result.not_analysed.push_back({"Brain and tissue volumes: " + why.en + ".", "脑与组织体积：" + why.zh + "。"});
}

}  // namespace gantry::analysis
