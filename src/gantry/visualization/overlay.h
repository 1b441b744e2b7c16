// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/visualization/figure.h"

namespace gantry {

/// Draws slices of an image with the outlines of labels on them, as a picture (u8 RGB) with orientation letters, scale bar and window.
/// Labels may lie on another grid; values without a row or a colour take that of the structure, else a
/// chart colour. Reference page: visualization.overlay.
struct Overlay {
  Plane plane = Plane::axial;
  int slices = 1;
  std::optional<double> position;
  std::optional<double> centre;
  std::optional<double> width;
  double outline = 2;
  double fill = 0.18;
  bool crop = true;
  bool annotations = true;
  int pixels = 760;

  Image operator()(const Image& image, const Labels& labels, Run& run) const;
  Cost cost(const Image& image, const Labels& labels) const;
  static void describe(Description<Overlay>& d);
};

}  // namespace gantry
