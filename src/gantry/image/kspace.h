// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/image.h"

namespace gantry {

/// What a Cartesian MR scan measured: samples of the Fourier transform of the body, in their places.
struct KSpace {
  /// c64. Axes: readout, first phase encoding, then second phase encoding (`volume`) or slice; components are receiver coils, frames are
  /// images of the same place (contrasts, phases, repetitions, sets). Frequency 0 lies at index size / 2 (rounded down) of a Fourier axis;
  /// samples that were not measured are 0. The grid is that of the image which the transform of all samples gives.
  Image samples;
  bool volume = false;  ///< the third axis is a Fourier axis, not a stack of slices
  /// Pixels of the image that is wanted along readout and phase encodings; 0: as many as samples.
  Size3 image_size{0, 0, 0};
  /// Part of the encoded field of view that this image covers, around its middle: 0.5 where the readout was oversampled twice.
  Vec3 image_share{1, 1, 1};
};

}  // namespace gantry
