// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "gantry/image/image.h"
#include "gantry/operation/description.h"

namespace gantry::reconstruction {

/// Whether the rays of one view are parallel or come from one point.
enum class BeamShape { parallel, fan };
constexpr std::array<std::pair<BeamShape, std::string_view>, 2> choices_of(BeamShape) {
  return {{{BeamShape::parallel, "parallel"}, {BeamShape::fan, "fan"}}};
}

/// How projections were or will be taken, as parameters. In one slice, u is the first axis of the image in mm from the axis of rotation, v
/// the second. At the angle t a parallel ray of the detector position s is u cos t + v sin t = s. A fan beam's source is at distance D from
/// the axis in the direction (sin t, -cos t), its detector is flat and lies behind the axis; s is the position of the ray on the line
/// through the axis parallel to the detector.
struct BeamParameters {
  BeamShape shape = BeamShape::parallel;
  double first_angle = 0;          ///< degrees
  double angle_range = 180;        ///< degrees over which the views are spread evenly, the end not included; negative: the other way round
  double source_distance = 500;    ///< mm, source to axis
  double detector_distance = 500;  ///< mm, axis to detector

  static void describe(Description<BeamParameters>& d);
};

/// The geometry of one scan, checked.
struct Beam {
  bool fan = false;
  double source_mm = 0;   ///< D; 0 for parallel beams
  double spacing_mm = 1;  ///< of detector elements, scaled to the axis
  double centre = 0;      ///< detector column of the axis
  std::int64_t columns = 0;
  std::vector<double> angles_rad;

  double position_mm(double column) const { return (column - centre) * spacing_mm; }
};

/// The beam of projections with this many columns of this width (mm, on the detector) and views. `angles`: degrees, one a view, instead of
/// the even spread. `centre`: column of the axis; by default the middle. Throws Error(parameter).
Beam beam_of(const BeamParameters& parameters, std::int64_t columns, double detector_spacing_mm, std::int64_t views, const Image* angles,
             std::optional<double> centre);

/// The column of the axis in parallel projections of an object that lies wholly in view: the centre of mass of a view moves with the angle
/// t as c + a cos t + b sin t, and c is fitted by least squares to the sum of all slices. Throws Error(not_possible) when views hold
/// nothing or cover too little to tell.
double axis_column(const Image& projections, const Beam& beam);

/// The share of the circle (fan) or half circle (parallel) that each view stands for: half the distance between its neighbours, at most
/// twice the median distance, so that the views beside a missing wedge do not stand for it. Their sum is pi for a full parallel scan over
/// 180 or 360 degrees and 2 pi for a full fan-beam scan.
std::vector<double> view_shares(const Beam& beam);

/// A square grid of `size` pixels of `pixel_mm` around the axis of rotation, with the slices of `projections`.
Grid slice_grid(std::int64_t size, double pixel_mm, const Grid& projections);

}  // namespace gantry::reconstruction
