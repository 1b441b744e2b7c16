// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"
#include "gantry/volume/morphology.h"

namespace gantry {

/// What morphology does to a mask.
enum class MorphologyAction { dilate, erode, open, close, fill_holes };
constexpr std::array<std::pair<MorphologyAction, std::string_view>, 5> choices_of(MorphologyAction) {
  return {{{MorphologyAction::dilate, "dilate"},
           {MorphologyAction::erode, "erode"},
           {MorphologyAction::open, "open"},
           {MorphologyAction::close, "close"},
           {MorphologyAction::fill_holes, "fill_holes"}}};
}

/// Grows, shrinks, opens or closes a mask by a ball whose radius is in mm, or fills its holes. Voxels that are not zero are the mask; the
/// result is u8, 0 or 1. Beyond the grid is background for dilation and foreground for erosion. Reference page: filter.morphology.
struct MaskMorphology {
  MorphologyAction action = MorphologyAction::dilate;
  double radius = 1.0;

  Image operator()(const Image& mask, Run& run) const;
  Cost cost(const Image& mask) const;
  static void describe(Description<MaskMorphology>& d);
};

}  // namespace gantry
