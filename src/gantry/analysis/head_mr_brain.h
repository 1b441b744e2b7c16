// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>

#include "gantry/volume/filters.h"

namespace gantry::analysis {

/// Mean intensities of a T1-weighted brain and the spread of each, from a mixture of three normal distributions.
struct TissueIntensities {
  std::array<double, 3> mean{};       ///< cerebrospinal fluid, grey matter, white matter
  std::array<double, 3> deviation{};  ///< standard deviations
  std::array<double, 3> share{};      ///< of the voxels; sums to 1
};

/// Where the brain lies in the image of a head, on a working grid of `spacing_mm` along the axes of the world.
struct BrainExtraction {
  Grid grid;                      ///< working grid: i, j, k run to +L, +P, +S
  Voxels<float> image;            ///< the head on it
  Voxels<float> bias;             ///< factor by which the true intensity was multiplied
  Mask head;                      ///< everything that is not air, largest component
  Mask intracranial;              ///< the closed brain above the foramen magnum; rough, `find_inner_table` adds the fluid around it
  Mask parenchyma;                ///< grey and white matter as first found; a rough mask
  TissueIntensities intensities;  ///< of image / bias
  double erosion_mm = 0;          ///< at which the brain came apart from its surroundings
  double vertex_mm = 0;           ///< world z of the top of the head
  bool stripped = false;          ///< skull and scalp were taken off before: `intracranial` is the outline as it came
  bool cut_below = false;         ///< the brain reaches the lower end of the image
  bool cut_above = false;         ///< the brain reaches the upper end of the image
};

/// Finds brain and intracranial space in a T1-weighted MR image of a head (with or without contrast medium, neck and face in view or
/// not, already stripped of its skull or not, any orientation). Classical: intensities of the tissues from a ball in the middle of the
/// head, bias field there (N4), the voxels within the range of grey and white matter eroded until what holds the centre comes apart
/// from scalp, eyes, marrow and neck, grown back in competition with these, closed over the sulci, and cut at the foramen magnum. Where the
/// background is zero and the brain fills seven tenths of what is not, the skull was already removed and the outline is kept. Throws
/// Error(not_possible) with the reason when there is no such thing in the image: constant, too small (fewer than 8 voxels or 60 mm along an
/// axis), no compact brain. About 3 s and 150 MB for a head.
BrainExtraction extract_brain(const VoxelView<float>& image, Run& run);

/// Three normal distributions fitted to `values` by expectation maximisation on a histogram, in order of their means; values beyond three
/// deviations above the highest (vessels, contrast medium, fat) are left out. Error(not_possible) when values do not spread.
TissueIntensities fit_tissue_intensities(std::span<const float> values);

}  // namespace gantry::analysis
