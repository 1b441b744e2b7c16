// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gantry/base/run.h"
#include "gantry/image/labels.h"
#include "gantry/visualization/color_map.h"
#include "gantry/visualization/slice.h"

namespace gantry {

/// Which values an image shows: `centre` - `width` / 2 is the lower end of the colour map, `centre` + `width` / 2 the upper end.
struct Window {
  double centre = 40, width = 400;
  std::string unit = "HU";  ///< shown behind the numbers; "" for arbitrary units
  ColorMap map = ColorMap::grey;
};

inline const Window soft_tissue_window{40, 400, "HU", ColorMap::grey};
inline const Window lung_window{-600, 1500, "HU", ColorMap::grey};
inline const Window bone_window{400, 1800, "HU", ColorMap::grey};
inline const Window brain_window{40, 80, "HU", ColorMap::grey};
/// Inverse grey from 0 to `upper`.
Window suv_window(double upper = 7, std::string unit = "SUV");
/// From the 0.5 to the 99.5 percentile of what is brighter than a tenth of the 99 percentile: the body in MR and other arbitrary units.
Window body_window(const Image& image);

/// Points at something in a figure when the figure's plane lies within `radius_mm` + half a slice of it (always in projections).
struct Marker {
  Vec3 position_mm;
  int number = 0;        ///< written beside it; 0 = no number
  double radius_mm = 8;  ///< of the circle around it
  bool arrow = false;    ///< an arrow from the upper right instead of a circle
  Color color{0xff, 0xff, 0xff};
};

/// What a key image shows and how. The defaults make a soft-tissue axial slice through the middle of a CT.
struct FigureSpec {
  Plane plane = Plane::axial;
  std::optional<Vec3> position_mm;  ///< a point that the plane passes through (the nearest slice is shown); none = the middle
  Window window;

  Projection projection = Projection::none;
  double slab_mm = 0;         ///< thickness of a projection around `position_mm`; 0 = the whole volume
  double angle_degrees = 0;   ///< of a projection of the whole volume: 0 = the plane's own view, else the view of `project_rotated`
  std::vector<int> outlined;  ///< label values to outline, in drawing order; empty = every row of the table
  double outline_px = 2;      ///< width of outlines
  double fill = 0.18;         ///< opacity of the inside of outlines
  std::vector<Marker> markers;
  bool crop_to_body = true;          ///< cuts away empty margins (what exceeds `body_above`, the largest piece, and 6 mm around it)
  std::optional<double> body_above;  ///< none = 30 % of the way from the 2 to the 98 percentile of the slice
  std::optional<Vec3> focus_mm;      ///< centre of a detail; with `extent_mm`
  double extent_mm = 0;              ///< side of a square detail around `focus_mm`; 0 = no detail
  const Image* fused = nullptr;      ///< a second volume on any grid, laid over the first: PET in SUV
  Window fused_window{3.5, 7, "SUV", ColorMap::hot};
  bool annotations = true;  ///< orientation letters, scale bar, window and slice position
  int width_px = 760;       ///< width of the figure
  int max_height_px = 640;  ///< a figure that would be higher becomes narrower
};

/// Draws a key image: u8, 3 components, on a grid whose spacing is the size of a pixel in mm. Pixels keep their physical aspect;
/// enlargement is cubic (Catmull-Rom), reduction averages. Axial and coronal figures have the patient's right on the left. `labels` may lie
/// on another grid than `image`. First frame and first component are shown. The same arguments give the same bytes.
/// Throws Error(parameter) for a size outside 16 to 4096 pixels or a window without width, Error(not_possible) for complex images.
Image figure(const Image& image, const Labels* labels, const FigureSpec& spec, const Run& run);
/// The same from the front (or `angle_degrees`): the maximum of a PET in inverse grey.
Image projection_figure(const Image& image, const FigureSpec& spec, const Run& run);

/// Images side by side in rows of `columns`, all of the first one's width (others are scaled), on a background.
Image montage(std::span<const Image> images, int columns, int gap_px = 8, Color background = {0, 0, 0});

/// World positions of `count` slices spread evenly over the slices in which `labels` has one of `values` (all rows when empty); over the
/// middle 80 % of the volume when there are none.
std::vector<Vec3> spread_positions(const Image& image, const Labels* labels, const std::vector<int>& values, Plane plane, int count);

}  // namespace gantry
