// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/json.h"
#include "gantry/learning/engine.h"
#include "gantry/learning/volume_set.h"

namespace gantry::learning {

/// How the values of an image become a network's input: (value - mean) / standard deviation, both of the image itself; or, for CT, of all
/// foreground voxels of the training part, after clipping to their quantiles 0.005 and 0.995.
struct VolumeIntensity {
  bool ct = false;
  float low = 0, high = 0, mean = 0, standard_deviation = 1;  ///< for CT alone
};

/// What follows from a data set before anything is learnt, as nnU-Net's planner decides it (Isensee et al. 2021): spacing, the part of a
/// volume that the network sees at once, and the range of values. Axes are canonical (+L, +P, +S).
struct VolumePlan {
  int channels = 1;
  Vec3 spacing_mm{1, 1, 1};
  Size3 patch{};  ///< voxels along i, j, k; multiples of the network's divisor
  VolumeIntensity intensity;
};

/// The plan for the training part of a fold. Spacing: the median of each axis; where the coarsest one is more than three times the next and
/// the volumes are flat along it, that axis takes its tenth percentile instead, not below the others. Patch: the median size at that
/// spacing, rounded up to the divisor, its axis with the greatest share of the median size shrunk until it has at most `most_voxels`.
VolumePlan plan_volumes(const VolumeSet& set, const std::vector<std::size_t>& training, const SegmenterDesign& design,
                        std::int64_t most_voxels);

/// The `input` of a manifest. Throws Error(unreadable) that names the member; `divisor` is the design's.
VolumePlan parse_volume_plan(const Json& json, int divisor);
Json to_json(const VolumePlan& plan);

/// An image with canonical axes as the network takes it: the plan's spacing (cubic), the plan's range of values. Throws Error(refused) when
/// it has another number of channels and Error(out_of_memory) when it would take more than half of the Run's budget, or 16 GB.
Voxels<float> prepare_volume(const Voxels<float>& image, const VolumePlan& plan, const Run& run);
/// The grid of `prepare_volume`.
Grid planned_grid(const Grid& grid, const VolumePlan& plan);

}  // namespace gantry::learning
