// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/head_mr_quality.h"
#include "gantry/analysis/head_mr_shape.h"
#include "gantry/analysis/methods.h"

namespace gantry::analysis {

/// Everything that is measured in one head; images lie on the part of the series' grid of `input`.
struct HeadMr {
  BrainExtraction brain;
  TissueInput input;
  TissueMaps tissue;
  MidPlane plane;
  Mask ventricles;
  HeadMrQuality quality;
  double intracranial_ml = 0, brain_ml = 0, ventricles_ml = 0;
};

/// The measurements without words and pictures. Throws Error(not_possible) with the reason when there is no T1-weighted head with a brain.
HeadMr measure_head_mr(const VoxelView<float>& image, Run& run);

/// Values of the label image that `analyze_head_mr` returns: intracranial (what is none of the others: dura, vessels), brain (unused, the
/// union of grey and white), fluid outside the ventricles, grey, white, ventricles.
enum HeadMrLabel : std::uint8_t {
  intracranial_label = 1,
  brain_label = 2,
  fluid_label = 3,
  gray_label = 4,
  white_label = 5,
  ventricles_label = 6
};

/// The method `head_mr`: intracranial, brain, tissue and ventricle volumes, asymmetry and quality of a T1-weighted head MR. Another
/// contrast, or an image in which no brain is found, gives a result that says so and holds only what could be checked.
SeriesResult analyze_head_mr(const SeriesInput& input, const Profile& profile, Run& run);

}  // namespace gantry::analysis
