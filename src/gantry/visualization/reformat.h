// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/volume/resample.h"

namespace gantry {

/// Directions of a stack of reformatted slices. Unlike `Plane` these are the patient's own axes, so a tilted volume is interpolated.
enum class StackPlane { axial, coronal, sagittal, oblique };
constexpr std::array<std::pair<StackPlane, std::string_view>, 4> choices_of(StackPlane) {
  return {{{StackPlane::axial, "axial"},
           {StackPlane::coronal, "coronal"},
           {StackPlane::sagittal, "sagittal"},
           {StackPlane::oblique, "oblique"}}};
}

/// Samples a volume on a stack of planes with even spacing: axial, coronal, sagittal, or at right angles to any direction. The stack holds
/// the whole volume; result f32, slices along k, the patient's right (or front) on the left of each. Reference page:
/// visualization.reformat.
struct Reformat {
  StackPlane plane = StackPlane::axial;
  Vec3 normal{0, 0, 1};
  double spacing = 0;
  double slice_spacing = 0;
  Interpolation interpolation = Interpolation::linear;
  std::optional<double> outside;

  Image operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  /// The stack's grid.
  Grid output_grid(const Image& image) const;
  static void describe(Description<Reformat>& d);
};

}  // namespace gantry
