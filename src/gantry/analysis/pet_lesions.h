// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <vector>

#include "gantry/volume/filters.h"

namespace gantry::analysis {

/// Mean over a ball of 1 mL (diameter 12.4 mm), voxels weighted by the part of their volume inside.
struct PeakUptake {
  double value = 0;
  Vec3 centre_mm;
  bool cut = false;  ///< the ball reaches beyond the image; the mean is over the part inside
};

/// Uptake in one region.
struct Uptake {
  double maximum = 0, mean = 0;
  Vec3 maximum_mm;       ///< where, LPS
  PeakUptake peak;       ///< highest mean of a ball whose centre is a voxel of the region
  double volume_ml = 0;  ///< metabolic volume
  double tlg = 0;        ///< mean x volume in mL
  std::int64_t voxels = 0;
  bool touches_border = false;  ///< of the image: cut off
};

/// One focus of uptake: a hill of the image with its own maximum, cut at a share of that maximum.
struct Focus {
  Uptake uptake;
  int lesion = 0;  ///< number of the lesion that holds its maximum, from 1
};

/// One connected region at or above the threshold.
struct Lesion {
  Uptake uptake;
  std::array<double, 2> volume_interval_ml{};  ///< volumes when the threshold is 5 % higher and lower
  double volume_high_ml = 0;                   ///< part at or above the second threshold
  int foci = 0;                                ///< hills inside
};

/// What `find_lesions` looks for.
struct LesionRules {
  double threshold = 2.5;            ///< a lesion is a connected region at or above it
  double high_threshold = 4.0;       ///< second, higher threshold, for volumes within lesions
  double share = 0.41;               ///< a focus is cut at this share of its own maximum
  double saddle_share = 0.75;        ///< two hills are one when the pass between them exceeds this share of the lower top
  double minimum_volume_ml = 0.3;    ///< smaller regions are not counted unless they stand out:
  double small_maximum_share = 1.2;  ///< their maximum is at least so many times the threshold,
  double surroundings_share = 0.5;   ///< and what lies 12 to 18 mm away has on average at most this share of it
};

/// All lesions of one PET series and where they lie.
struct LesionMap {
  Voxels<std::int32_t> labels;        ///< lesions 1.. by falling total uptake
  Voxels<std::int32_t> focus_labels;  ///< foci 1.. by falling maximum
  std::vector<Lesion> lesions;        ///< lesions[n] describes label n + 1
  std::vector<Focus> foci;            ///< foci[n] describes focus label n + 1
  std::int64_t small_regions = 0;     ///< regions below the minimum volume that do not stand out, left out
};

/// Finds regions of high uptake in an image of standardised uptake values. Regions are connected over faces, edges and corners; touching
/// hills inside a region are told apart by a watershed (steepest ascent, merged over high passes). Values that are not finite count as 0.
/// Throws Error(parameter) when rules are out of range. Physiological uptake is found like any other.
LesionMap find_lesions(const VoxelView<float>& suv, const LesionRules& rules, const Run& run);

/// The highest mean of a 1 mL ball centred on a voxel where `region` equals `label`.
PeakUptake peak_uptake(const VoxelView<float>& suv, const VoxelView<std::int32_t>& region, std::int32_t label, const Run& run);

}  // namespace gantry::analysis
