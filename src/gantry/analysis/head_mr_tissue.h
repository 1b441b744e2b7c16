// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/head_mr_brain.h"

namespace gantry::analysis {

/// What a voxel inside the skull mostly holds.
enum class Tissue : std::uint8_t { none = 0, fluid = 1, gray = 2, white = 3, other = 4 };

/// Three tissues inside the intracranial space, with the parts of voxels that hold two.
struct TissueMaps {
  Voxels<std::uint8_t> label;                                    ///< values of Tissue
  Voxels<std::uint8_t> gray;                                     ///< share of grey matter in the voxel, 0 to 255
  Voxels<std::uint8_t> white;                                    ///< share of white matter
  Voxels<std::uint8_t> fluid;                                    ///< share of cerebrospinal fluid
  TissueIntensities model;                                       ///< pure tissues, of the evened image
  double fluid_ml = 0, gray_ml = 0, white_ml = 0, other_ml = 0;  ///< sums of shares
};

/// The part of the series' image around the intracranial space, on the series' own voxels.
struct TissueInput {
  Voxels<float> image;  ///< bias removed; axes run nearest to +L, +P, +S
  Mask space;           ///< intracranial space on it
  Grid canonical;       ///< the whole image's grid with such axes
  Size3 begin{};        ///< where the part begins in `canonical`
};

/// Takes what `extract_brain` found on its working grid to the voxels of `image`.
TissueInput tissue_input(const VoxelView<float>& image, const BrainExtraction& brain, const Run& run);
/// `part` on the whole grid of `image`, in the image's own order of axes; 0 elsewhere.
Voxels<std::uint8_t> to_series(const VoxelView<std::uint8_t>& part, const TissueInput& input, const Grid& image);

/// Classifies the voxels of `image` (bias removed) under `space`. Five classes, fluid, fluid and grey, grey, grey and white, white, by
/// expectation maximisation on the histogram (mixed voxels: uniform shares, as Santago and Gage, IEEE TMI 12:566, 1993), then a Potts
/// field over the six neighbours by iterated conditional modes in two colours (Besag, JRSS B 48:259, 1986). The shares of a voxel are those
/// expected from its intensity and the classes of its neighbours; its label is the tissue with the largest share. What is far brighter than
/// white matter (contrast medium, vessels, fat) is `other`, as are pieces of grey or white that do not hang on the main body. Throws
/// Error(not_possible) when the tissues do not differ.
TissueMaps classify_tissues(const VoxelView<float>& image, const MaskView& space, const TissueIntensities& first, Run& run);

/// Counts fluid within 1.5 voxels of the edge of `space` as grey matter where grey or white matter begins within 1.5 voxels of it: where
/// the skull was removed before and the edge is the brain's, its blurred voxels only look like fluid. Fluid that lies deeper stays, and all
/// of it where less than 60 % of what lies below the rim is tissue: that outline has a margin of fluid.
void give_rim_to_gray(TissueMaps& maps, const MaskView& space, const Run& run);

}  // namespace gantry::analysis
