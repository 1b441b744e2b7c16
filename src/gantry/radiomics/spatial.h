// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/radiomics/region.h"

namespace gantry::radiomics {

/// Spatial autocorrelation with the inverse distance of voxel centres as weight. NaN for fewer than two voxels or equal intensities.
struct Autocorrelation {
  double moran = undefined, geary = undefined;
};
/// Pair by pair in small regions; by one convolution (FFT, single precision) in large ones, which gives every pair its weight as well.
/// Nothing is left out; the forecast of bytes is `autocorrelation_bytes`.
Autocorrelation autocorrelation(const Region& region, const Run& run);
std::uint64_t autocorrelation_bytes(const Region& region);

}  // namespace gantry::radiomics
