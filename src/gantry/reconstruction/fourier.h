// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/kspace.h"
#include "gantry/operation/description.h"
#include "gantry/operation/kspace_port.h"

namespace gantry {

/// Reconstructs images of a Cartesian MR scan: the unitary inverse Fourier transform of each coil's samples, cut to the field of view that
/// is wanted, and the root of the sum of squares over the coils. f32 magnitudes on the grid of the scan. Memory: the image, and
/// twice what is transformed at once: 2^20 samples, at least a slice of one coil, of a volume all of one coil. Reference page:
/// reconstruction.mr.
struct FourierReconstruction {
  std::optional<double> oversampling;  ///< of the readout; default: what the data state
  int enlarge = 1;                     ///< pixels for each that was measured, by zeros around k-space

  Image operator()(const KSpace& kspace, Run& run) const;
  Cost cost(const KSpace& kspace) const;
  static void describe(Description<FourierReconstruction>& d);
};

}  // namespace gantry
