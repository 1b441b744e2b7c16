// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/operation/description.h"

namespace gantry {

namespace reconstruction {

/// Steering angles in radians of plane-wave transmits, spread evenly from -range / 2 to range / 2 degrees; one alone goes straight on.
/// The wave of angle a meets the middle of the array at time 0 and a point (x, z) after the path x sin a + z cos a.
std::vector<double> steering_angles(std::int64_t transmits, double range_degrees);

}  // namespace reconstruction

/// Weight of an array's elements over the part of it that listens to a point.
enum class ApertureWindow { rectangle, hann };
constexpr std::array<std::pair<ApertureWindow, std::string_view>, 2> choices_of(ApertureWindow) {
  return {{{ApertureWindow::rectangle, "rectangle"}, {ApertureWindow::hann, "hann"}}};
}

/// What the values of an ultrasound image mean: the envelope of the echoes, or decibels below its largest value.
enum class EchoScale { envelope, decibel };
constexpr std::array<std::pair<EchoScale, std::string_view>, 2> choices_of(EchoScale) {
  return {{{EchoScale::envelope, "envelope"}, {EchoScale::decibel, "decibel"}}};
}

/// Forms an image out of the echoes of plane waves by delay and sum. Axes of `echoes`: time, element of a linear array, transmit; the
/// spacing of the first axis is half of the way that sound travels in a sample, that of the second the distance of elements. f32 result:
/// lateral position, depth; its origin is the middle of the array. A lone scatterer that echoes with the amplitude 1 has the value 1.
/// Memory: the image, and 64 bytes for each sample of one transmit. Reference page: reconstruction.beamform.
struct PlaneWaveBeamforming {
  double angle_range = 0;  ///< degrees between the first and the last transmit
  double f_number = 1.5;   ///< depth by width of the part of the array that listens
  ApertureWindow window = ApertureWindow::rectangle;
  double pixel = 0;        ///< mm; 0: half the distance of elements
  double first_depth = 0;  ///< mm
  double last_depth = 0;   ///< mm; 0: as far as the samples reach
  EchoScale scale = EchoScale::envelope;
  double dynamic_range = 60;  ///< dB

  Image operator()(const Image& echoes, Run& run) const;
  Cost cost(const Image& echoes) const;
  static void describe(Description<PlaneWaveBeamforming>& d);
};

}  // namespace gantry
