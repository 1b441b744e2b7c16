// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>

#include "gantry/analysis/ct_nodule_shape.h"

namespace gantry::analysis {

/// A bright spot of the lung that may be a nodule.
struct NoduleSpot {
  Vec3 voxel;           ///< of the cube
  double sigma_mm = 0;  ///< scale of the difference of Gaussians that it is a maximum of
  double response = 0;  ///< that difference in HU
};

/// Maxima of differences of Gaussians at seven scales, in the lung with all densities above -500 HU set to it; and at four scales with
/// those above it fading to that of the lung at -300 HU, so that ground glass beside a vessel is seen without it.
std::vector<NoduleSpot> nodule_spots(const LungCube& cube, double maximum_mm, Run& run);

constexpr std::size_t nodule_shells = 13, nodule_feature_count = 11 * nodule_shells + 3;
/// Numbers that tell a nodule from vessels, their forks, fissures and the pleura: on each of 13 spheres around the spot, 0 to 20 mm wide,
/// five quantiles of the density (0 that of the lung, 1 that of soft tissue), the part inside the lung, the length of the first moment and
/// the three eigenvalues of the second, and the largest density that two opposite directions share (a vessel that passes). They do not
/// change when the patient is turned, but for the raster of 48 directions. The last two are the logarithm of sigma and the response.
using NoduleFeatures = std::array<float, nodule_feature_count>;
NoduleFeatures nodule_features(const LungCube& cube, const NoduleSpot& spot);

}  // namespace gantry::analysis
