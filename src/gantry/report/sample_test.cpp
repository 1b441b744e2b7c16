// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/report/sample_test.h"

#include "gantry/base/random.h"
#include "gantry/report/wording.h"
#include "gantry/visualization/figure.h"

namespace gantry::report {

namespace {

double ellipsoid(Vec3 p, Vec3 centre, Vec3 radius) {
  const Vec3 d = p - centre;
  return d.x * d.x / (radius.x * radius.x) + d.y * d.y / (radius.y * radius.y) + d.z * d.z / (radius.z * radius.z);
}

struct Chest {
  Image ct;
  Labels labels;
};

const Vec3 nodule_at{58, -12, 20};

Chest chest() {
  const Grid grid({180, 130, 56}, {2, 2, 5}, {-179, -129, -137.5});
  Voxels<std::int16_t> ct(grid, -1000);
  Voxels<std::uint8_t> labels(grid);
  std::uint32_t noise = 1;
  for (int k = 0; k < 56; ++k) {
    for (int j = 0; j < 130; ++j) {
      for (int i = 0; i < 180; ++i) {
        const Vec3 p = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        noise = noise * 1664525U + 1013904223U;
        const double grain = (static_cast<double>(noise >> 8 & 0xffU) + static_cast<double>(noise >> 16 & 0xffU) - 255) / 12;
        double value = -1000;
        int label = 0;
        const double body = p.x * p.x / (165.0 * 165) + p.y * p.y / (112.0 * 112);
        if (body < 1) value = -95;
        if (body < 0.86) value = 45;
        const bool left = ellipsoid(p, {72, -5, 0}, {58, 74, 118}) < 1;
        const bool right = ellipsoid(p, {-72, -5, 0}, {62, 76, 122}) < 1;
        const bool heart = ellipsoid(p, {22, -28, -45}, {52, 44, 58}) < 1;
        const bool nodule = norm(p - nodule_at) < 9;
        if (heart) {
          value = 50;
          label = 3;
        } else if (nodule) {
          value = 30;
          label = 4;
        } else if (left || right) {
          value = -850 + 25 * std::sin(p.x / 9) * std::cos(p.y / 7) * std::sin(p.z / 11);
          if (std::pow(std::sin(p.x / 6.5 + p.z / 20), 2) * std::pow(std::cos(p.y / 8 - p.z / 30), 2) > 0.93) value = 0;
          label = left ? 1 : 2;
        }
        if (std::hypot(p.x, p.y - 62) < 22) value = std::hypot(p.x, p.y - 62) > 18 ? 500 : 190;
        if (std::hypot(p.x, p.y - 88) < 8) value = 600;
        if (std::abs(std::sqrt(body) - 0.9) < 0.025 && std::abs(std::fmod(p.z + 400 + 0.2 * p.y, 30.0) - 15) < 6) value = 420;
        if (std::hypot(p.x + 2, p.y - 18) < 9) value = -1000;
        ct(i, j, k) = static_cast<std::int16_t>(value + grain);
        labels(i, j, k) = static_cast<std::uint8_t>(label);
      }
    }
  }
  return {Image(std::move(ct)), Labels(Image(std::move(labels)), {label_of(1, "lung_left", ""), label_of(2, "lung_right", ""),
                                                                  label_of(3, "heart", ""), label_of(4, "lung_nodule", "")})};
}

ReportDocument::Row row(std::string_view id, double volume, std::array<double, 2> interval, double mean, double usual_low,
                        double usual_high, double top) {
  const Structure& s = structure(id);
  ReportDocument::Row result;
  result.swatch = true;
  result.color = s.color;
  const auto range_words = [&](std::string_view language) { return wording::range(interval[0], interval[1], "1", language); };
  result.cells = {{{std::string(s.meaning), std::string(s.name_zh)}, false},
                  {wording::same(wording::quantity(volume, "mL")), true},
                  {{range_words("en"), range_words("zh")}, true},
                  {wording::same(wording::number(mean)), true},
                  {{"threshold, region growing", "阈值与区域生长"}, false}};
  if (top > 0) {
    result.range = {0, top, usual_low, usual_high, volume, true, {}};
  } else {
    result.range.reason = {"no published range", "无已发表的范围"};
  }
  return result;
}

}  // namespace

ReportDocument sample_document() {
  static const Chest model = chest();
  const auto picture = [&](Plane plane, Window window, std::vector<int> outlined, std::vector<Marker> markers) {
    FigureSpec spec;
    spec.plane = plane;
    spec.position_mm = nodule_at;
    spec.window = std::move(window);
    spec.outlined = std::move(outlined);
    spec.markers = std::move(markers);
    return figure(model.ct, &model.labels, spec, Run());
  };
  ReportDocument d;
  d.title = {"Chest CT: what was measured", "胸部 CT：测量结果"};
  d.subtitle = {"Gantry 0.1.0 · sample with invented values", "Gantry 0.1.0 · 数值为虚构的示例"};
  d.facts = {{{"Patient", "患者"}, {"SAMPLE-001 · F · 63\u00a0y", "SAMPLE-001 · 女 · 63\u00a0岁"}},
             {{"Study", "检查"}, {"2026-03-14 · UID …4711", "2026-03-14 · UID …4711"}},
             {{"Series used", "所用序列"}, {"1 of 3 · 56 slices, 5.0 mm", "3 个中的 1 个 · 56 层，5.0 mm"}},
             {{"Coverage", "覆盖范围"}, {"Both lungs whole", "双肺完整"}},
             {{"Contrast", "对比剂"}, {"None (from the header)", "未使用（据文件头）"}},
             {{"Image quality", "图像质量"}, {"Good · lung noise 9 HU", "良好 · 肺部噪声 9 HU"}},
             {{"Profile", "分析方案"}, {"chest-ct 1.0", "chest-ct 1.0"}},
             {{"Version", "版本"}, {"gantry 0.1.0", "gantry 0.1.0"}}};
  d.glances = {{Attention::look_first,
                {"Left lung, one solid nodule of 18.2 mm (17.4 to 19.0): candidate found by shape; a radiologist must decide what it is.",
                 "左肺一枚 18.2 mm 实性结节（17.4～19.0）：由形状检出的候选，性质须由放射科医生判断。"},
                {1, 2}},
               {Attention::note,
                {"Emphysema index 3.4 % (3.1 to 3.7): share of lung below −950 HU; slices of 5.0 mm lower it, so it is not compared.",
                 "肺气肿指数 3.4 %（3.1～3.7）：低于 −950 HU 的肺组织比例；5.0 mm 层厚会使其偏低，故不作比较。"},
                {3}},
               {Attention::usual,
                {"Lungs 4.61 L together (4.52 to 4.70): within the usual range for age, sex and height.",
                 "双肺合计 4.61 L（4.52～4.70）：在同年龄、性别与身高者的常见范围内。"},
                {1, 2, 3}},
               {Attention::none, {"Nothing else stood out.", "未见其他需要留意之处。"}, {}}};
  d.images = {{picture(Plane::axial, lung_window, {1, 2, 4}, {{nodule_at, 1, 14}}),
               {"Axial through nodule 1. Outlines as in the table.", "经结节 1 的横断面。轮廓颜色同表。"},
               {"Axial slice of the chest with outlined lungs and a circled nodule on the left", "胸部横断面，勾画双肺，圈出左肺结节"},
               "figures/1.png"},
              {picture(Plane::coronal, lung_window, {}, {{nodule_at, 1, 14, true}}),
               {"Coronal, lungs and heart.", "冠状面，双肺与心脏。"},
               {"Coronal slice with lungs, heart and an arrow at the nodule", "冠状面，双肺、心脏与指向结节的箭头"},
               "figures/2.png"},
              {picture(Plane::sagittal, soft_tissue_window, {}, {}),
               {"Sagittal through the left lung.", "经左肺的矢状面。"},
               {"Sagittal slice through the left lung", "经左肺的矢状面"},
               "figures/3.png"}};
  ReportDocument::Measurements organs;
  organs.title = {"Organs", "器官"};
  organs.columns = {
      {"Structure", "结构"}, {"Volume", "体积"}, {"95 % interval (mL)", "95 % 区间 (mL)"}, {"Mean HU", "平均 HU"}, {"How", "方法"}};
  organs.right_aligned = {false, true, true, true, false};
  organs.rows = {row("lung_left", 2146, {2102, 2190}, -841, 1500, 2600, 3500),
                 row("lung_right", 2466, {2420, 2512}, -843, 1800, 3000, 4000), row("heart", 612, {590, 634}, 48.2, 0, 0, 0),
                 row("lung_nodule", 3.1, {2.9, 3.3}, 29.6, 0, 0, 0)};
  organs.note = {"Intervals come from moving each outline by half a voxel. Usual ranges: see reference 1.",
                 "区间由轮廓移动半个体素得出。常见范围见参考文献 1。"};
  d.tables = {organs};
  ReportDocument::Measurements nodules;
  nodules.title = {"Nodule candidates", "结节候选"};
  nodules.columns = {{"No.", "编号"},  {"Side", "侧别"}, {"Type", "类型"}, {"Diameter (mm)", "直径 (mm)"}, {"Volume (mL)", "体积 (mL)"},
                     {"Score", "评分"}};
  nodules.right_aligned = {false, false, false, true, true, true};
  for (int n = 1; n <= 3; ++n) {
    nodules.rows.push_back({{{wording::same(std::to_string(n)), false},
                             {{n == 2 ? "right" : "left", n == 2 ? "右" : "左"}, false},
                             {{n == 3 ? "ground glass" : "solid", n == 3 ? "磨玻璃" : "实性"}, false},
                             {wording::same(wording::fixed(18.2 / n, 1)), true},
                             {wording::same(wording::number(3.1 / (n * n * n), 2)), true},
                             {wording::same(wording::fixed(0.97 - 0.2 * n, 2)), true}},
                            false,
                            {},
                            {}});
  }
  d.tables.push_back(nodules);
  ReportDocument::Chart histogram;
  histogram.title = {"Density of both lungs", "双肺密度分布"};
  histogram.x_axis = {"Density (HU)", "密度 (HU)"};
  histogram.y_axis = {"Share of lung (%)", "占肺体积 (%)"};
  histogram.bars = true;
  histogram.alternative = {"Histogram of lung density with its peak near −860 HU", "肺密度直方图，峰值约 −860 HU"};
  histogram.note = {"4.61 L of lung; bins of 20 HU.", "肺体积 4.61 L；每组 20 HU。"};
  ReportDocument::Series bins{{"", ""}, {}, {}, {}, {}, {}};
  for (int hu = -1010; hu <= -390; hu += 20) {
    bins.x.push_back(hu);
    bins.y.push_back(14 * std::exp(-0.5 * std::pow((hu + 862) / 44.0, 2)) + 2.2 * std::exp(-0.5 * std::pow((hu + 720) / 120.0, 2)));
  }
  histogram.series = {bins};
  histogram.marks = {{-950, {"−950 HU: emphysema below", "−950 HU：以下为肺气肿"}}};
  ReportDocument::Chart areas;
  areas.title = {"Area along the body", "沿体轴的面积"};
  areas.x_axis = {"Position z (mm)", "位置 z (mm)"};
  areas.y_axis = {"Area (cm²)", "面积 (cm²)"};
  areas.alternative = {"Areas of the lungs and of muscle for each slice", "各层双肺与肌肉的面积"};
  for (int n = 0; n < 3; ++n) {
    ReportDocument::Series line;
    line.name = n == 0 ? Words{"Left lung", "左肺"} : n == 1 ? Words{"Right lung", "右肺"} : Words{"Muscle", "肌肉"};
    for (int z = -130; z <= 130; z += 5) {
      const double height = n == 2 ? 90 + 0.1 * z : (130 + 14 * n) * std::max(0.0, 1 - z * z / 14500.0);
      line.x.push_back(z);
      line.y.push_back(height);
      line.low.push_back(0.93 * height);
      line.high.push_back(1.07 * height);
    }
    areas.series.push_back(line);
  }
  d.charts = {histogram, areas};
  d.not_analysed = {{"Series 1 (scout): a single projection, no volume.", "序列 1（定位像）：单幅投影，不是容积。"},
                    {"Calcium: the heart is blurred by slices of 5.0 mm; a score needs 2.5 to 3 mm.",
                     "钙化：5.0 mm 层厚使心脏边缘模糊；积分需要 2.5～3 mm 层厚。"}};
  d.certainty = {{"Intervals say how far the number moves when the outline moves by half a voxel; they do not cover a wrong outline.",
                  "区间表示轮廓移动半个体素时数值的变化；不包括轮廓画错的情况。"},
                 {"Nodules below 5 mm are not searched for.", "不检索小于 5 mm 的结节。"}};
  d.methods = {{"Lungs: air below −400 HU inside the body, both sides parted at the thinnest bridge.",
                "肺：体内低于 −400 HU 的含气区，在最薄处分开左右。"},
               {"gantry 0.1.0, profile chest-ct 1.0, no learned model.", "gantry 0.1.0，分析方案 chest-ct 1.0，未使用学习模型。"}};
  d.references = {wording::same("Invented A, Sample B. Usual lung volumes. Journal of Examples 2020;1:1-9.")};
  d.footer = {"Machine-readable copies: summary.json, measurements.csv, DICOM SEG and SR. Every step can be replayed from provenance.json.",
              "机器可读的副本：summary.json、measurements.csv、DICOM SEG 与 SR。每一步都可按 provenance.json 重做。"};
  return d;
}

}  // namespace gantry::report
