// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/core.h>

#include <algorithm>

#include "gantry/analysis/ct_report.h"
#include "gantry/visualization/figure.h"

namespace gantry::analysis {

namespace {

/// World centre of the box of the voxels with one of two labels.
std::optional<Vec3> centre_of(const VoxelView<std::uint8_t>& labels, int a, int b) {
  const Grid& grid = labels.grid();
  double sum_x = 0, sum_y = 0, sum_z = 0, count = 0;
  for (std::int64_t k = 0; k < grid.size(2); ++k) {
    for (std::int64_t j = 0; j < grid.size(1); ++j) {
      for (std::int64_t i = 0; i < grid.size(0); ++i) {
        const int value = labels[grid.index(i, j, k)];
        if (value != a && value != b) continue;
        sum_x += static_cast<double>(i);
        sum_y += static_cast<double>(j);
        sum_z += static_cast<double>(k);
        count += 1;
      }
    }
  }
  if (count == 0) return std::nullopt;
  return grid.world_from_voxel({sum_x / count, sum_y / count, sum_z / count});
}

}  // namespace

void add_ct_images(CtReport& report, Run& run) {
  SeriesResult& result = report.result;
  const Image& image = report.input.image;
  const CtMaps& maps = report.maps;
  // The table only needs the colours here; the label image is shared for the moment.
  std::vector<Label> table;
  for (const Segment& segment : result.segments) table.push_back(label_of(segment.label_value, segment.id, segment.method));
  Voxels<std::uint8_t> drawn = maps.labels.clone();
  for (std::uint8_t& value : drawn.values()) value = value == ct_heart_fat ? std::uint8_t{ct_heart} : value;
  const Labels labels(Image(std::move(drawn)), table);
  const auto add = [&](FigureSpec spec, Words caption, Words alternative, const std::string& name) {
    run.check();
    ReportDocument::KeyImage key;
    key.rgb = figure(image, &labels, spec, run);
    key.caption = std::move(caption);
    key.alternative = std::move(alternative);
    key.file = "figures/" + name + ".png";
    result.images.push_back(std::move(key));
    return static_cast<int>(result.images.size());
  };
  const auto point_at = [&](const std::string& begins_en, int number) {
    for (auto& glance : result.glances) {
      if (glance.text.en.starts_with(begins_en)) glance.images.push_back(number);
    }
  };

  std::vector<std::size_t> order(report.nodules.size());
  for (std::size_t n = 0; n < order.size(); ++n) order[n] = n;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return report.nodules[a].mean_mm > report.nodules[b].mean_mm; });
  for (std::size_t n = 0; n < std::min<std::size_t>(3, order.size()); ++n) {
    const Nodule& nodule = report.nodules[order[n]];
    FigureSpec spec;
    spec.window = lung_window;
    spec.position_mm = nodule.position_mm;
    spec.outlined = {first_nodule + static_cast<int>(order[n])};
    spec.focus_mm = nodule.position_mm;
    spec.extent_mm = 90;
    const std::size_t number = order[n] + 1;
    const int shown = add(
        spec,
        {fmt::format("Nodule candidate {}: {:.1f} × {:.1f} mm, {} lung.", number, nodule.long_mm, nodule.short_mm,
                     nodule.side == 1 ? "left" : "right"),
         fmt::format("结节候选 {}：{:.1f} × {:.1f} mm，{}肺。", number, nodule.long_mm, nodule.short_mm, nodule.side == 1 ? "左" : "右")},
        {fmt::format("Axial detail of 90 mm around nodule candidate {}, outlined.", number),
         fmt::format("结节候选 {} 周围 90 mm 的轴位细节，已勾画。", number)},
        fmt::format("nodule-{}", number));
    point_at("Lung nodules", shown);
  }
  if (maps.lungs.left || maps.lungs.right) {
    const auto centre = centre_of(maps.labels, ct_lung_left, ct_lung_right);
    FigureSpec spec;
    spec.plane = Plane::coronal;
    spec.window = lung_window;
    spec.position_mm = centre;
    spec.outlined = {ct_lung_left, ct_lung_right, ct_airways};
    for (std::size_t n = 0; n < report.nodules.size(); ++n) spec.outlined.push_back(first_nodule + static_cast<int>(n));
    std::erase_if(spec.outlined, [&](int value) { return !labels.find(value); });
    const int shown = add(
        spec, {"Lungs and airways as outlined, coronal.", "肺与气道的勾画，冠状位。"},
        {"Coronal section through the middle of the lungs with the outlines of lungs and airways.", "经肺中部的冠状断面，示肺与气道轮廓。"},
        "lungs-coronal");
    point_at("Lung volume", shown);
    point_at("Lung coverage", shown);
    point_at("Lung density", shown);
    point_at("Emphysema", shown);
    FigureSpec axial;
    axial.window = lung_window;
    axial.position_mm = centre;
    axial.outlined = spec.outlined;
    add(axial, {"Lungs and airways as outlined, axial.", "肺与气道的勾画，轴位。"},
        {"Axial section through the middle of the lungs with the outlines of lungs and airways.", "经肺中部的轴位断面，示肺与气道轮廓。"},
        "lungs-axial");
  }
  if (report.heart.found) {
    const bool calcium = !report.calcium.lesions.empty();
    FigureSpec spec;
    spec.window = calcium ? Window{130, 700, "HU", ColorMap::grey} : soft_tissue_window;
    spec.position_mm = calcium ? report.calcium.lesions.front().position_mm : report.heart.center_mm;
    spec.focus_mm = Vec3{report.heart.center_mm.x, report.heart.center_mm.y, spec.position_mm->z};
    spec.extent_mm = 180;
    spec.outlined = {ct_heart, ct_calcification};
    spec.fill = calcium ? 0.08 : 0.18;
    std::erase_if(spec.outlined, [&](int value) { return !labels.find(value); });
    if (calcium) spec.markers.push_back({report.calcium.lesions.front().position_mm, 0, 8, true, {0xff, 0xff, 0xff}});
    const int shown =
        calcium
            ? add(spec,
                  {fmt::format("Calcium in the heart: the largest of {} (arrow), {:.0f} mm³, up to {:.0f} HU.",
                               report.calcium.lesions.size(), 1000 * report.calcium.lesions.front().volume_ml,
                               report.calcium.lesions.front().peak_hu),
                   fmt::format("心脏内钙化：{} 处中最大者（箭头），{:.0f} mm³，最高 {:.0f} HU。", report.calcium.lesions.size(),
                               1000 * report.calcium.lesions.front().volume_ml, report.calcium.lesions.front().peak_hu)},
                  {"Axial detail of 180 mm around the heart with its outline; calcium is outlined and the largest is marked.",
                   "心脏周围 180 mm 的轴位细节，示心脏轮廓；钙化已勾画，最大者以箭头标出。"},
                  "heart-calcium")
            : add(spec, {"Heart as outlined, axial.", "心脏的勾画，轴位。"},
                  {"Axial detail of 180 mm around the heart with its outline.", "心脏周围 180 mm 的轴位细节，示心脏轮廓。"}, "heart-axial");
    point_at("Calcium in the heart", shown);
  }
  if (report.wall_found) {
    auto middle = centre_of(maps.labels, ct_visceral_fat, ct_visceral_fat);
    if (!middle) middle = centre_of(maps.labels, ct_muscle, ct_muscle);
    FigureSpec spec;
    spec.window = soft_tissue_window;
    spec.position_mm = middle;
    spec.outlined = {ct_muscle, ct_subcutaneous_fat, ct_visceral_fat};
    spec.fill = 0.35;
    spec.outline_px = 1;
    std::erase_if(spec.outlined, [&](int value) { return !labels.find(value); });
    const int shown = add(spec, {"Muscle of the wall, subcutaneous and visceral fat, axial.", "躯干壁肌肉、皮下与内脏脂肪，轴位。"},
                          {"Axial section; muscle of the wall of the trunk, subcutaneous fat and fat inside the wall are tinted.",
                           "轴位断面，躯干壁肌肉、皮下脂肪与体壁内脂肪着色显示。"},
                          "body-composition");
    point_at("Tissues", shown);
    point_at("Body composition", shown);
  } else if (const auto middle = centre_of(maps.labels, ct_soft_tissue, ct_fat)) {
    FigureSpec spec;
    spec.window = soft_tissue_window;
    spec.position_mm = middle;
    spec.outlined = {ct_fat, ct_bone, ct_air};
    std::erase_if(spec.outlined, [&](int value) { return !labels.find(value); });
    const int shown = add(
        spec, {"Fat, bone and gas by their HU, axial.", "按 HU 划分的脂肪、骨与气体，轴位。"},
        {"Axial section through the middle of the body; fat, bone and gas are tinted.", "经身体中部的轴位断面，脂肪、骨与气体着色显示。"},
        "tissues-axial");
    point_at("Tissues", shown);
  }
}

}  // namespace gantry::analysis
