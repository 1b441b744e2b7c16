// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/distance_map.h"

#include "gantry/compute/parallel.h"
#include "gantry/volume/distance.h"
#include "gantry/volume/mask.h"

namespace gantry {

void DistanceMap::describe(Description<DistanceMap>& d) {
  d.summary("Measures the distance of every voxel to a mask.");
  d.input("mask", "Mask: every voxel that is not zero");
  d.parameter("side", &DistanceMap::side, "Distances outside the mask, inside it, or both (inside negative)");
  d.output("distance", "Distance between voxel centres in mm");
  d.example("gantry filter distance lesion.nii.gz distance.nii.gz --side both");
  d.reference("Felzenszwalb PF, Huttenlocher DP. Distance transforms of sampled functions. Theory Comput 2012; 8:415-428.");
}

Image DistanceMap::operator()(const Image& mask, Run& run) const {
  check_parameters(*this);
  require_single_component(mask);
  return per_frame(mask, run, [&](const Image& frame, Run& part) {
    const Mask inside = mask_of(frame, part);
    Voxels<float> result = squared_distance(inside, side == DistanceSide::inside, true, part);
    if (side != DistanceSide::both) return result;
    const Voxels<float> depth = squared_distance(inside, true, true, part);
    parallel_for(part, result.count(), 1 << 18, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) result[n] = inside[n] != 0 ? -depth[n] : result[n];
    });
    return result;
  });
}

Cost DistanceMap::cost(const Image& mask) const {
  const std::uint64_t volumes = side == DistanceSide::both ? 2 : 1;
  const auto voxels = static_cast<std::uint64_t>(mask.grid().voxel_count());
  return {.bytes = voxels * (1 + 4 * volumes) + static_cast<std::uint64_t>(mask.count()) * 4,
          .seconds = static_cast<double>(mask.count() * static_cast<std::int64_t>(volumes)) * 1.2e-8};
}

}  // namespace gantry
