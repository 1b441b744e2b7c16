// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "gantry/analysis/ct_report.h"
#include "gantry/compute/parallel.h"
#include "gantry/report/wording.h"

namespace gantry::analysis {

namespace {

const Code area_code{"SCT", "42798000", "Area"};

/// Soft tissue and fat become muscle, subcutaneous and visceral fat by the zone of the nearest working voxel.
void paint_zones(const BodyWall& wall, const std::vector<SliceComposition>& composition, const Image& image, Voxels<std::uint8_t>& labels,
                 const Run& run) {
  const Grid &grid = labels.grid(), &coarse = wall.zone.grid();
  visit_real(image, [&](const auto& view) {
    parallel_for(run, grid.size(2), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t k = first; k < last; ++k) {
        for (std::int64_t j = 0; j < grid.size(1); ++j) {
          const auto at = [&](double i) {
            return coarse.voxel_from_world(grid.world_from_voxel({i, static_cast<double>(j), static_cast<double>(k)}));
          };
          const Vec3 start = at(0), step = at(1) - start;
          const std::int64_t row = grid.index(0, j, k);
          for (std::int64_t i = 0; i < grid.size(0); ++i) {
            std::uint8_t& label = labels[row + i];
            if (label != ct_soft_tissue && label != ct_fat) continue;
            const Vec3 p = start + static_cast<double>(i) * step;
            const std::int64_t u = std::lround(p.x), v = std::lround(p.y), w = std::lround(p.z);
            if (u < 0 || v < 0 || w < 0 || u >= coarse.size(0) || v >= coarse.size(1) || w >= coarse.size(2)) continue;
            const SliceComposition& slice = composition[static_cast<std::size_t>(w)];
            if (!slice.closed) continue;
            const std::int64_t n = coarse.index(u, v, w);
            const auto zone = static_cast<BodyZone>(wall.zone[n]);
            if (label == ct_soft_tissue) {
              if (zone == BodyZone::wall && wall.bone[n] == 0 && static_cast<float>(view[row + i]) <= muscle_to_hu) label = ct_muscle;
            } else if (zone == BodyZone::subcutaneous) {
              label = ct_subcutaneous_fat;
            } else if (zone == BodyZone::inner && !slice.lung) {
              label = ct_visceral_fat;
            }
          }
        }
      }
    });
  });
}

}  // namespace

void add_body_wall(CtReport& report, Run& run) {
  CtMaps& maps = report.maps;
  const BodyWall wall =
      find_body_wall(maps.working, maps.body, maps.airways, maps.lungs, find_bone(maps.working, maps.body, maps.lungs, run), run);
  report.composition = body_composition(maps.working, maps.body, maps.lungs, wall, run);
  report.wall_found = wall.found() && !maps.body_truncated;
  if (!report.wall_found) {
    for (SliceComposition& slice : report.composition) slice.closed = false;
    return;
  }
  paint_zones(wall, report.composition, report.input.image, maps.labels, run);
}

void describe_composition(CtReport& report) {
  SeriesResult& result = report.result;
  struct Line {
    const char* id;
    Words name;
    Color color;
    double SliceComposition::*area;
    bool closed;  // only where the wall is closed
  };
  const Line fat{"fat", {"Fat", "脂肪"}, {0xe6, 0x9f, 0x00}, &SliceComposition::fat, false};
  const Line soft{"soft_tissue", {"Soft tissue", "软组织"}, {0xd5, 0x5e, 0x00}, &SliceComposition::soft_tissue, false};
  const Line bone{"bone", {"Bone", "骨"}, {0x00, 0x72, 0xb2}, &SliceComposition::bone, false};
  const Line muscle{"muscle", {"Muscle of the wall", "躯干壁肌肉"}, {0xd5, 0x5e, 0x00}, &SliceComposition::muscle, true};
  const Line subcutaneous{
      "subcutaneous_fat", {"Subcutaneous fat", "皮下脂肪"}, {0xe6, 0x9f, 0x00}, &SliceComposition::subcutaneous_fat, true};
  const Line inner{"visceral_fat", {"Fat inside the wall", "体壁内脂肪"}, {0x8a, 0x5a, 0x00}, &SliceComposition::inner_fat, true};
  const std::vector<Line> lines =
      report.wall_found ? std::vector<Line>{muscle, subcutaneous, inner, bone} : std::vector<Line>{fat, soft, bone};
  ReportDocument::Chart chart;
  chart.title = {"Body composition along the body", "沿身体长轴的体成分"};
  chart.x_axis = {"z, mm (towards the head)", "z，mm（向头侧）"};
  chart.y_axis = {"Area in the slice, cm²", "层面面积，cm²"};
  for (const Line& line : lines) {
    ReportDocument::Series series;
    series.name = line.name;
    series.color = line.color;
    for (const SliceComposition& slice : report.composition) {
      if (line.closed && !slice.closed) continue;
      series.x.push_back(slice.z_mm);
      series.y.push_back(slice.*line.area);
    }
    chart.series.push_back(std::move(series));
  }
  if (report.wall_found) {
    double low = 1e9, high = -1e9;
    for (const SliceComposition& slice : report.composition) {
      if (!slice.closed) continue;
      low = std::min(low, slice.z_mm);
      high = std::max(high, slice.z_mm);
    }
    const std::string range_en = fmt::format("z {:.0f} to {:.0f} mm", low, high);
    chart.alternative = {
        "Area of muscle of the wall, subcutaneous fat, fat inside the wall and bone in each axial slice; no vertebral level is "
        "named.",
        "各轴位层面躯干壁肌肉、皮下脂肪、体壁内脂肪与骨的面积；未标注椎体平面。"};
    chart.note = {
        fmt::format("Where the wall of the trunk was found all around, {}. Muscle: {:.0f} to {:.0f} HU between its inner and outer "
                    "surface. Fat inside the wall is that around heart and vessels in the chest and visceral fat in the belly. "
                    "Cartilage of the ribs counts as muscle; muscle inside the wall (psoas, diaphragm) does not.",
                    range_en, muscle_from_hu, muscle_to_hu),
        fmt::format("仅限体壁完整识别的层面，z {:.0f}～{:.0f} mm。肌肉：体壁内外表面之间 {:.0f} 至 {:.0f} "
                    "HU。体壁内脂肪在胸部为心脏与血管周围脂肪，"
                    "在腹部为内脏脂肪。肋软骨计入肌肉，体壁以内的肌肉（腰大肌、膈）不计入。",
                    low, high, muscle_from_hu, muscle_to_hu)};
    std::vector<std::string> means_en, means_zh;
    for (const Line& line : lines) {
      if (!line.closed) continue;
      double sum = 0, count = 0;
      for (const SliceComposition& slice : report.composition) {
        if (!slice.closed || (line.area == inner.area && slice.lung)) continue;
        sum += slice.*line.area;
        count += 1;
      }
      if (count < 1) continue;
      add_finding(report, std::string(line.id) + ".area", {"mean area in a slice", "平均层面面积"}, area_code, sum / count, "cm2",
                  std::nullopt,
                  fmt::format("mean over {:.0f} slices of the working grid with a closed wall, {}{}", count, range_en,
                              line.area == inner.area ? ", below the lungs" : ""));
      const std::string mean = wording::quantity(sum / count, "cm2");
      means_en.push_back(line.area == muscle.area         ? mean + " of muscle"
                         : line.area == subcutaneous.area ? mean + " of subcutaneous fat"
                                                          : mean + " of visceral fat below the lungs");
      means_zh.push_back(line.area == muscle.area         ? "肌肉 " + mean
                         : line.area == subcutaneous.area ? "皮下脂肪 " + mean
                                                          : "肺以下内脏脂肪 " + mean);
    }
    ReportDocument::Glance glance;
    glance.attention = Attention::usual;
    glance.text = {"Body composition: " + wording::list(means_en, "en") + " in a slice on average.",
                   "体成分：平均每层" + wording::list(means_zh, "zh") + "。"};
    result.glances.push_back(std::move(glance));
  } else {
    chart.alternative = {
        "Area of fat, soft tissue and bone in each axial slice by HU; organs count as soft tissue, no vertebral level is named.",
        "各轴位层面按 HU 划分的脂肪、软组织与骨面积；器官计入软组织，未标注椎体平面。"};
    result.not_analysed.push_back(
        {std::string("Muscle and visceral fat: ") +
             (report.maps.body_truncated ? "the body exceeds the field of view." : "the wall of the trunk was not found all around."),
         std::string("肌肉与内脏脂肪：") + (report.maps.body_truncated ? "身体超出视野。" : "未能完整识别体壁。")});
  }
  result.charts.push_back(std::move(chart));
}

}  // namespace gantry::analysis
