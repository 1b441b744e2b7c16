// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/points_port.h"

namespace gantry {

/// Simulates the echoes that a linear array receives from plane waves: point scatterers drawn evenly over the tissue (seed of the run),
/// with the tissue's amplitude and either sign, each returning a pulse with a Gaussian envelope. The array lies on the upper edge of the
/// middle slice of `tissue`, its middle above the slice's. Axes of the f32 result: time, element, transmit, as reconstruction.beamform
/// takes them. Cost: scatterers x elements x transmits, 5 ns each. Reference page: simulation.ultrasound.
struct UltrasoundScan {
  int elements = 128;
  double pitch = 0.3;         ///< mm
  double frequency = 5;       ///< MHz
  double bandwidth = 0.6;     ///< of the frequency, at half of the largest amplitude
  double sound_speed = 1540;  ///< m/s
  int transmits = 1;
  double angle_range = 0;      ///< degrees between the first and the last transmit
  double density = 100;        ///< scatterers in a square millimetre
  double target_strength = 3;  ///< amplitude of each of `targets`
  bool directivity = true;     ///< elements as wide as their distance hear less from the side

  Image operator()(const Image& tissue, const PointSet* targets, Run& run) const;
  Cost cost(const Image& tissue, const PointSet* targets) const;
  static void describe(Description<UltrasoundScan>& d);
};

}  // namespace gantry
