// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/analysis/ct_structures.h"

namespace gantry::analysis {

/// What a nodule is made of.
enum class NoduleDensity { solid, part_solid, ground_glass };

/// A candidate: a bright spot in the lung that looks like a nodule rather than a vessel. It is no diagnosis.
struct Nodule {
  Vec3 position_mm;
  int side = 0;         ///< 1 left, 2 right
  double long_mm = 0;   ///< long axis of the ellipse fitted to the axial section of largest area
  double short_mm = 0;  ///< its short axis
  double mean_mm = 0;   ///< mean of both
  double volume_ml = 0;
  std::array<double, 2> mean_mm_interval{}, volume_ml_interval{};  ///< boundary half a voxel inwards and outwards
  double mean_hu = 0;                                              ///< of its inner two thirds
  NoduleDensity density = NoduleDensity::solid;
  bool touches_pleura = false;
  double score = 0;              ///< of the classifier, in [0, 1]; an order, no probability of disease
  double threshold_hu = 0;       ///< boundary: half way between nodule and lung
  std::vector<float> ray_mm;     ///< distance of the boundary from `position_mm` along `ray_directions()`
  double equivalent_mm() const;  ///< diameter of the ball of the same volume
};

/// What is looked for.
struct NoduleSearch {
  double minimum_mm = 4, maximum_mm = 30;  ///< mean diameter
  double least_probability = 0.93;         ///< of the classifier: below it a vessel or fissure is more likely
  double ground_glass_minimum_mm = 6;      ///< of what is not solid throughout
  double slice_mm = 0;  ///< thickness of a slice where it exceeds their distance. Thick slices (partial volume) raise both minima
  int most = 50;        ///< candidates kept, best first
};
/// The minima that `find_nodules` holds to on slices of `slice_mm`: 1.2 slices, and 2.2 for what is not solid throughout.
NoduleSearch search_on_slices(NoduleSearch search, double slice_mm);

/// The directions of `Nodule::ray_mm`: unit vectors in world axes, evenly spread.
const std::vector<Vec3>& ray_directions();

/// Candidates in both lungs, right lung first, from the head down. Differences of Gaussians at seven scales propose spots, a small network
/// (`NoduleClassifier`) judges the densities on spheres around each, rays from the centre of what it accepts find the boundary. Works on
/// cubes of about 1 mm, one lung at a time: about 20 bytes a cube. Throws Error(not_found) when `models/lung_nodules` is not there.
std::vector<Nodule> find_nodules(const Image& image, const WorkingVolume& volume, const Lungs& lungs, const NoduleSearch& search, Run& run);

/// Voxels of a nodule on `grid`, written as `value` into `labels`.
void paint_nodule(const Nodule& nodule, std::uint8_t value, Voxels<std::uint8_t>& labels);

}  // namespace gantry::analysis
