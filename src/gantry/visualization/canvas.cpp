// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/canvas.h"

#include "gantry/base/plugin.h"

namespace gantry {

namespace {

const CanvasMakers& makers() {
  constexpr Plugin plugin{"libgantry_drawing.so", "gantry_canvas_makers", "pictures: need the drawing plug-in", "package gantry"};
  static const auto* opened = static_cast<const CanvasMakers*>(open_plugin(plugin, beside_library(plugin.file)));
  return *opened;
}

}  // namespace

std::unique_ptr<Canvas> Canvas::bitmap(int width_px, int height_px, Color background) {
  return makers().bitmap(width_px, height_px, background);
}

std::unique_ptr<Canvas> Canvas::pdf(double width_pt, double height_pt, const PdfInfo& info) {
  return makers().pdf(width_pt, height_pt, info);
}

}  // namespace gantry
