// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"
#include "gantry/volume/morphology.h"

namespace gantry {

/// Which side of a mask distances are measured on.
enum class DistanceSide { outside, inside, both };
constexpr std::array<std::pair<DistanceSide, std::string_view>, 3> choices_of(DistanceSide) {
  return {{{DistanceSide::outside, "outside"}, {DistanceSide::inside, "inside"}, {DistanceSide::both, "both"}}};
}

/// Exact Euclidean distance in mm to the nearest voxel centre of a mask (`outside`), of its background (`inside`), or both: positive
/// outside, negative inside. Voxels that are not zero are the mask; NaN is not. Infinity when there is nothing to measure to. Cost: one
/// or two volumes. Reference page: filter.distance.
struct DistanceMap {
  DistanceSide side = DistanceSide::outside;

  Image operator()(const Image& mask, Run& run) const;
  Cost cost(const Image& mask) const;
  static void describe(Description<DistanceMap>& d);
};

}  // namespace gantry
