// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/head_mr.h"
#include "gantry/learning/segmentation_model.h"

namespace gantry::analysis {

/// One hippocampus on a box of 1 mm around it, axes along the world's.
struct Hippocampus {
  Voxels<std::uint8_t> parts;  ///< 0, 1 anterior, 2 posterior part
  double volume_ml = 0, anterior_ml = 0;
};

/// Outlines the hippocampus that lies under `place`, a rough mask of it on any grid, in `image` (T1-weighted, any grid). The model was
/// trained on hippocampi of the patient's left: those of the right are shown to it in the mirror. Throws Error(not_possible) with the
/// reason when `place` is not of the size of a hippocampus, or when what the model finds is none or lies elsewhere (Dice with `place` below
/// 0.4).
Hippocampus outline_hippocampus(const learning::SegmentationModel& model, const VoxelView<float>& image, const MaskView& place, bool left,
                                Run& run);

/// Adds both hippocampi to what the head's method found, by the profile's models: one that outlines a hippocampus (`models[0].bundle`) and
/// one that tells where it lies (`models[1].bundle`, an imported network with classes `left_hippocampus` and `right_hippocampus`). Where
/// they are not there, or the head is not one that they know, a line of what was not analysed says why and nothing else changes.
void add_hippocampi(SeriesResult& result, const HeadMr& head, const SeriesInput& input, const Profile& profile, Run& run);

}  // namespace gantry::analysis
