// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr_hippocampus.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/classification/film.h"
#include "gantry/learning/volume_model.h"
#include "gantry/report/reason_words.h"
#include "gantry/report/wording.h"
#include "gantry/visualization/figure.h"
#include "gantry/volume/morphology.h"
#include "gantry/volume/resample.h"

namespace gantry::analysis {

namespace {

constexpr int left_label = 7;
constexpr int right_label = 8;
constexpr Size3 box_size{40, 56, 42};  // the boxes of the training set are 31 to 43, 40 to 59, 24 to 47 mm

struct Place {
  double volume_ml = 0;
  Vec3 middle;  ///< of its extent, world
};

Place place_of(const MaskView& mask) {
  Vec3 low{INFINITY, INFINITY, INFINITY}, high{-INFINITY, -INFINITY, -INFINITY};
  const Size3 size = mask.grid().size();
  std::int64_t count = 0;
  for (std::int64_t n = 0; n < mask.count(); ++n) {
    if (mask[n] == 0) continue;
    ++count;
    const Vec3 world = mask.grid().world_from_voxel(
        {static_cast<double>(n % size[0]), static_cast<double>(n / size[0] % size[1]), static_cast<double>(n / (size[0] * size[1]))});
    for (int a = 0; a < 3; ++a) {
      low[a] = std::min(low[a], world[a]);
      high[a] = std::max(high[a], world[a]);
    }
  }
  return {static_cast<double>(count) * mask.grid().voxel_volume_mm3() / 1000, 0.5 * (low + high)};
}

template <class T>
void mirror(Voxels<T>& box) {
  const std::int64_t columns = box.grid().size(0);
  for (std::int64_t row = 0; row < box.count(); row += columns) std::reverse(box.data() + row, box.data() + row + columns);
}

Mask chosen(const Labels& labels, int value) {
  Mask mask(labels.image().grid());
  const auto copy = [&](const auto& values) {
    for (std::int64_t n = 0; n < mask.count(); ++n) mask[n] = values[n] == value ? 1 : 0;
  };
  if (labels.image().type() == PixelType::u8)
    copy(labels.image().as<std::uint8_t>());
  else
    copy(labels.image().as<std::uint16_t>());
  return mask;
}

/// The learnt outlines on the series' voxels, in the label image of the tissues.
void paint(SeriesResult& result, const Hippocampus& found, int value, const char* id, const std::string& name, const std::string& method,
           const Run& run) {
  const VoxelView<std::uint8_t> tissues = result.labels.image().as<std::uint8_t>();
  const auto on_series = resample_labels<std::uint8_t>(found.parts, tissues.grid(), run);
  Voxels<std::uint8_t> whole = Voxels<std::uint8_t>::uninitialized(tissues.grid());
  for (std::int64_t n = 0; n < whole.count(); ++n) whole[n] = on_series[n] != 0 ? static_cast<std::uint8_t>(value) : tissues[n];
  std::vector<Label> table = result.labels.table();
  table.push_back(label_of(value, id, method));
  table.back().name = name;  // the code has no side
  result.labels = Labels(Image(std::move(whole)), std::move(table));
  for (Segment& segment : result.segments)
    if (segment.id == "intracranial" || segment.id == "brain" || segment.id == "gray_matter") segment.includes.push_back(value);
  result.segments.push_back({id, value, found.volume_ml, false, method, {}});
}

/// Why the models must not speak of this head; empty when they may.
std::string unsuited(const HeadMr& head, const SeriesInput& input) {
  const Vec3 edge = input.image.grid().spacing_mm();
  if (std::max({edge.x, edge.y, edge.z}) > 1.6) return "the voxels are longer than 1.6 mm";
  if (head.brain.cut_below) return "the brain is cut off below by the field of view";
  if (input.series == nullptr) return "";
  const auto age = classification::age_years(input.series->header);
  if (age && *age < 18) return "the model knows adults only";
  if (!input.series->header.text("ContrastBolusAgent").value_or("").empty()) return "contrast medium was given";
  return "";
}

}  // namespace

Hippocampus outline_hippocampus(const learning::SegmentationModel& model, const VoxelView<float>& image, const MaskView& place, bool left,
                                Run& run) {
  const Place at = place_of(place);
  if (!(at.volume_ml > 1 && at.volume_ml < 9))
    throw Error(ErrorCode::not_possible, fmt::format("its place: must have the size of a hippocampus; has {:.1f} mL", at.volume_ml));
  Vec3 origin = at.middle;
  for (int a = 0; a < 3; ++a) origin[a] -= 0.5 * static_cast<double>(box_size[static_cast<std::size_t>(a)] - 1);
  const Grid grid(box_size, {1, 1, 1}, origin);
  Voxels<float> box = resample(image, grid, Interpolation::cubic, 0.0F, run);
  if (!left) mirror(box);
  Hippocampus found{model.classes_of(box, run)};
  if (!left) mirror(found.parts);
  Mask whole = Mask::uninitialized(grid);
  for (std::int64_t n = 0; n < whole.count(); ++n) whole[n] = found.parts[n] != 0 ? 1 : 0;
  whole = largest_component(whole, Connectivity::faces, run);
  const auto rough = resample_labels<std::uint8_t>(place, grid, run);
  std::int64_t count = 0, anterior = 0, both = 0, placed = 0;
  for (std::int64_t n = 0; n < whole.count(); ++n) {
    if (whole[n] == 0) found.parts[n] = 0;
    count += whole[n];
    anterior += found.parts[n] == 1 ? 1 : 0;
    placed += rough[n];
    both += whole[n] != 0 && rough[n] != 0 ? 1 : 0;
  }
  found.volume_ml = static_cast<double>(count) / 1000;
  found.anterior_ml = static_cast<double>(anterior) / 1000;
  const double dice = count + placed > 0 ? 2 * static_cast<double>(both) / static_cast<double>(count + placed) : 0;
  if (!(found.volume_ml > 1 && found.volume_ml < 7 && dice >= 0.4)) {
    throw Error(ErrorCode::not_possible, fmt::format("its outline: must be that of a hippocampus where one lies; has {:.1f} mL and agrees "
                                                     "with the place by a Dice of {:.2f}",
                                                     found.volume_ml, dice));
  }
  return found;
}

void add_hippocampi(SeriesResult& result, const HeadMr& head, const SeriesInput& input, const Profile& profile, Run& run) {
  if (profile.models.empty()) return;
  const auto silent = [&](const std::string& why) {
    const Words words = report::reason_words(why);
    result.not_analysed.push_back({"Hippocampus: " + words.en + ".", "海马：" + words.zh + "。"});
  };
  if (const std::string why = unsuited(head, input); !why.empty()) return silent(why);
  try {
    const Path locator_folder = model_folder(profile, 1);
    const learning::SegmentationModel model(model_folder(profile, 0));
    const learning::VolumeModel locator(locator_folder);
    Run first = run.part(0, 0.9, "where the hippocampus lies");
    // Beside, behind and below the middle of the brain; a tilted head has room.
    const Vec3 middle = place_of(head.brain.parenchyma).middle;
    const Labels places = locator.segment(input.image, first, learning::WorldBox{middle - Vec3{50, 45, 65}, middle + Vec3{50, 55, 30}});
    const std::string method = "outline by " + model.bundle().id() + " where " + locator.bundle().id() + " finds it";
    const double error = profile.number("hippocampus_volume_error_percent", 10, 1, 100) / 100;
    struct Side {
      const char* id;
      int value;
      bool left;
      Words name;
      Hippocampus found;
    };
    std::array<Side, 2> sides{Side{"hippocampus_left", left_label, true, {"Left hippocampus", "左侧海马"}, {}},
                              Side{"hippocampus_right", right_label, false, {"Right hippocampus", "右侧海马"}, {}}};
    for (Side& side : sides) {
      const Label* row = places.find(side.left ? "left_hippocampus" : "right_hippocampus");
      if (row == nullptr) throw Error(ErrorCode::not_possible, "model " + locator.bundle().name + ": must know both hippocampi");
      const Mask place = largest_component(chosen(places, row->value), Connectivity::corners, run);
      const double side_mm = head.plane.side_mm(place_of(place).middle);
      if (!((side.left ? side_mm : -side_mm) > 12 && std::abs(side_mm) < 45))
        throw Error(ErrorCode::not_possible,
                    fmt::format("its place: must lie 12 to 45 mm beside the mid-plane; lies at {:.0f} mm", side_mm));
      side.found = outline_hippocampus(model, head.input.image, place, side.left, run);
    }
    ReportDocument::Measurements table;
    table.title = {"Hippocampi", "海马"};
    table.columns = {
        {"Structure", "结构"}, {"Volume (mL)", "体积（mL）"}, {"Interval", "区间"}, {"Anterior", "前部"}, {"Posterior", "后部"}};
    table.right_aligned = {false, true, true, true, true};
    table.note = {
        fmt::format("By a trained network. The interval holds 95 % of the network's errors on cases that it had not learnt from "
                    "({:.0f} %). Its labels follow one group's protocol; other protocols give other volumes.",
                    100 * error),
        fmt::format("由训练网络给出。区间覆盖其在未学习病例上 95 % 的误差（{:.0f} %）。标注遵循单一团队的规程；规程不同则体积不同。",
                    100 * error)};
    for (const Side& side : sides) {
      paint(result, side.found, side.value, side.id, side.name.en, method, run);
      const std::array<double, 2> interval{side.found.volume_ml * (1 - error), side.found.volume_ml * (1 + error)};
      Finding finding;
      finding.id = std::string(side.id) + ".volume";
      finding.name = side.name.en + " volume";
      finding.code = {"SCT", "118565006", "Volume"};
      finding.value = side.found.volume_ml;
      finding.unit = "mL";
      finding.interval = interval;
      finding.segment = side.id;
      finding.method = method + "; interval: 95 % of its errors on held-out cases";
      finding.model = model.bundle().id();
      result.findings.push_back(std::move(finding));
      ReportDocument::Row row;
      row.cells.push_back({side.name, false});
      const auto cell = [&](double value) { row.cells.push_back({wording::same(wording::number(value)), true}); };
      cell(side.found.volume_ml);
      row.cells.push_back({{wording::interval(interval, "en"), wording::interval(interval, "zh")}, true});
      cell(side.found.anterior_ml);
      cell(side.found.volume_ml - side.found.anterior_ml);
      row.swatch = true;
      row.color = structure(side.id).color;
      table.rows.push_back(std::move(row));
    }
    result.tables.push_back(std::move(table));
    const auto number = static_cast<int>(result.images.size()) + 1;
    FigureSpec spec;
    spec.plane = Plane::coronal;
    spec.position_mm =
        0.5 * (sides[0].found.parts.grid().world_from_voxel({20, 28, 21}) + sides[1].found.parts.grid().world_from_voxel({20, 28, 21}));
    spec.window = body_window(input.image);
    spec.outlined = {left_label, right_label};
    spec.outline_px = 1.2;
    spec.focus_mm = spec.position_mm;
    spec.extent_mm = 110;
    result.images.push_back({figure(input.image, &result.labels, spec, run),
                             {"Both hippocampi as the network outlines them, coronal slice", "网络勾画的双侧海马，冠状位"},
                             {"Coronal detail of the head with outlines of both hippocampi", "头部冠状位局部，标有双侧海马轮廓"},
                             ""});
    const double l = sides[0].found.volume_ml, r = sides[1].found.volume_ml;
    result.glances.push_back({Attention::usual,
                              {fmt::format("Hippocampi: {} on the left, {} on the right, by a trained network.", wording::quantity(l, "mL"),
                                           wording::quantity(r, "mL")),
                               fmt::format("海马：左 {}，右 {}（训练网络勾画）。", wording::quantity(l, "mL"), wording::quantity(r, "mL"))},
                              {number}});
    for (const std::string& id : {model.bundle().id(), locator.bundle().id()}) result.models.push_back(id);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_possible && error.code() != ErrorCode::refused && error.code() != ErrorCode::unreadable) throw;
    silent(error.what());
  }
}

}  // namespace gantry::analysis
