// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gantry/analysis/ct_density.h"
#include "gantry/analysis/ct_nodules.h"
#include "gantry/analysis/ct_structures.h"
#include "gantry/analysis/result.h"

namespace gantry::analysis {

/// Values of a CT's label image. Nodule n has the value `first_nodule` + n - 1.
enum CtLabel : std::uint8_t {
  ct_body = 1,  ///< what of the body is nothing of the following
  ct_air,
  ct_fat,
  ct_soft_tissue,
  ct_bone,
  ct_metal,
  ct_airways,
  ct_lung_left,
  ct_lung_right,
  ct_calcification,
  ct_heart,             ///< what of the heart is no fat
  ct_heart_fat,         ///< fat inside the pericardium
  ct_muscle,            ///< of the wall of the trunk
  ct_subcutaneous_fat,  ///< outside its muscles
  ct_visceral_fat,      ///< inside them, below the lungs
  first_nodule = 100
};

/// HU ranges of the tissues; they do not overlap, and what lies between them counts as body alone.
struct TissueRanges {
  static constexpr float air_below = -400, fat_from = -190, fat_to = -30, soft_from = -29, soft_to = 200, metal_from = 3000;
};

/// Everything that CT methods need, found once: structures on working axes and as labels on the series' grid.
struct CtMaps {
  WorkingVolume working;
  Mask body;
  Airways airways;
  Lungs lungs;
  Voxels<std::uint8_t> labels;
  std::vector<HuHistogram> histograms;  ///< by label value below `first_nodule`
  double padding_share = 0;             ///< of all voxels
  double metal_ml = 0;
  bool body_truncated = false;  ///< the body reaches the border of the field of view in the plane of the slices
};

/// Peak memory beside the image: 2 bytes a voxel and about 60 bytes a working voxel.
CtMaps map_ct(const Image& image, Run& run);

/// Volume of the voxels with one of `values`, and how much it changes when the boundary moves by half a voxel (surface x half a voxel).
struct MeasuredVolume {
  double ml = 0, half_voxel_ml = 0;
};
std::vector<MeasuredVolume> measure_volumes(const VoxelView<std::uint8_t>& labels, const std::vector<std::vector<int>>& groups,
                                            const Run& run);

/// What the header says about how a CT was made.
struct CtProtocol {
  std::optional<double> kvp, slice_thickness_mm;
  double slice_spacing_mm = 0, pixel_mm = 0;
  std::string kernel, manufacturer;
  enum class Contrast { unknown, none, given } contrast = Contrast::unknown;
  bool sharp_kernel = false;
  bool gated = false;   ///< the header names an ECG
  bool header = false;  ///< false for a volume file: nothing is known
};
CtProtocol ct_protocol(const SeriesInput& input);

}  // namespace gantry::analysis
