// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/overlay.h"

#include <set>

#include "gantry/operation/frames.h"

namespace gantry {

namespace {

/// The structure's colour; a chart colour for what the table of structures does not know.
Color color_for(const Label& label) {
  const std::string_view family = std::string_view(label.id).substr(0, label.id.find('.'));
  for (const Structure& known : structures()) {
    if (known.id == family) return known.color;
  }
  // The last chart colour is black, which a dark image hides.
  return okabe_ito[static_cast<std::size_t>(label.value) % (okabe_ito.size() - 1)];
}

/// The labels with a row for each value that they hold, none of them black; at most 64 rows are added.
Labels with_all_rows(const Labels& labels) {
  std::set<int> values;
  visit_real(labels.image(), [&](const auto& view) {
    int last = 0;
    for (const auto value : view.values()) {
      const int label = static_cast<int>(value);
      if (label == last) continue;
      last = label;
      if (label > 0 && values.size() < 64 && !labels.find(label)) values.insert(label);
    }
  });
  std::vector<Label> table = labels.table();
  for (const int value : values) {
    Label label;
    label.value = value;
    label.id = fmt::format("label_{}", value);
    table.push_back(std::move(label));
  }
  for (Label& label : table) {
    if (label.color == Color{}) label.color = color_for(label);
  }
  return Labels(labels.image(), std::move(table));
}

/// CT by its values: air far below water. Everything else by its percentiles.
Window window_for(const Image& image) {
  const std::vector<double> ends = sampled_quantiles(image, -1e30, {0.02, 0.98});
  if (ends[0] < -300 && ends[0] > -5000) return soft_tissue_window;
  if (ends[0] >= 0) return body_window(image);
  const double range = ends[1] - ends[0];
  return {0.5 * (ends[0] + ends[1]), range > 0 ? range : 1, "", ColorMap::grey};
}

}  // namespace

void Overlay::describe(Description<Overlay>& d) {
  d.summary("Draws slices with the outlines of labels, as a picture.");
  d.input("image", "Image to show");
  d.input("labels", "Labels to outline");
  d.parameter("plane", &Overlay::plane, "Plane of the slices, along the voxel axes nearest to the patient's");
  d.parameter("slices", &Overlay::slices, "Number of slices, spread over those that hold labels").range(1, 64);
  d.parameter("position", &Overlay::position, "Where one slice lies along the patient axis that it crosses (x, y or z in LPS)")
      .unit("mm")
      .range(-100000, 100000);
  d.parameter("centre", &Overlay::centre, "Centre of the window; from the image when not given").range(-1e9, 1e9);
  d.parameter("width", &Overlay::width, "Width of the window; from the image when not given").range(1e-9, 1e9);
  d.parameter("outline", &Overlay::outline, "Width of outlines in pixels").range(0, 20);
  d.parameter("fill", &Overlay::fill, "Opacity of the inside of outlines").range(0, 1);
  d.parameter("crop", &Overlay::crop, "Whether empty margins are cut away");
  d.parameter("annotations", &Overlay::annotations, "Orientation letters, scale bar, window and position");
  d.parameter("pixels", &Overlay::pixels, "Width of a slice in pixels").range(64, 4096);
  d.output("picture", "RGB picture");
  d.example("gantry visualization overlay ct.nii.gz organs.nii.gz organs.png --plane coronal");
  d.example("gantry visualization overlay ct.nii.gz lungs.nii.gz lungs.png --slices 6 --centre -600 --width 1500");
  d.rule([](const Overlay& o) {
    if (o.position && o.slices != 1) throw Error(ErrorCode::parameter, "position: goes with one slice");
    if (o.centre.has_value() != o.width.has_value()) throw Error(ErrorCode::parameter, "centre: goes with width");
  });
}

Image Overlay::operator()(const Image& image, const Labels& labels, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  const Labels shown = with_all_rows(labels);
  FigureSpec spec;
  spec.plane = plane;
  spec.window = centre ? Window{*centre, *width, "", ColorMap::grey} : window_for(image);
  spec.outline_px = outline;
  spec.fill = fill;
  spec.crop_to_body = crop;
  spec.annotations = annotations;
  spec.width_px = pixels;
  spec.max_height_px = std::min(4096, 2 * pixels);
  const Grid& grid = image.grid();
  std::vector<Vec3> places = spread_positions(image, &shown, {}, plane, slices);
  if (position) {
    Vec3 point = grid.world_from_voxel({0.5 * static_cast<double>(grid.size(0) - 1), 0.5 * static_cast<double>(grid.size(1) - 1),
                                        0.5 * static_cast<double>(grid.size(2) - 1)});
    point[plane == Plane::axial ? 2 : plane == Plane::coronal ? 1 : 0] = *position;
    places = {point};
  }
  std::vector<Image> pictures;
  for (std::size_t n = 0; n < places.size(); ++n) {
    run.progress(static_cast<double>(n) / static_cast<double>(places.size()));
    spec.position_mm = places[n];
    pictures.push_back(figure(image, &shown, spec, run));
  }
  if (pictures.size() == 1) return pictures.front();
  const int columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(pictures.size()))));
  const std::int64_t all_wide = pictures.front().grid().size(0) * columns;
  if (all_wide > 16384) throw Error(ErrorCode::not_possible, fmt::format("pixels: {} columns would be {} pixels wide", columns, all_wide));
  return montage(pictures, columns);
}

Cost Overlay::cost(const Image&, const Labels& labels) const {
  const double each = static_cast<double>(pixels) * pixels;
  return {.bytes = static_cast<std::uint64_t>(each * 12 * (slices + 1)),
          .seconds = static_cast<double>(labels.image().count()) * 2e-9 + slices * each * 2e-7};
}

}  // namespace gantry
