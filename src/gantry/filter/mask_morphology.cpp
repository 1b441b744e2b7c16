// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/mask_morphology.h"

#include "gantry/volume/mask.h"

namespace gantry {

void MaskMorphology::describe(Description<MaskMorphology>& d) {
  d.summary("Grows, shrinks, opens or closes a mask by a ball, or fills its holes.");
  d.input("mask", "Mask: every voxel that is not zero");
  d.parameter("action", &MaskMorphology::action, "What is done; fill_holes takes no radius");
  d.parameter("radius", &MaskMorphology::radius, "Radius of the ball").unit("mm").range(0, 1000);
  d.output("result", "Mask of zeros and ones on the input's grid");
  d.example("gantry filter morphology lesion.nii.gz margin.nii.gz --action dilate --radius 5");
  d.reference("Serra J. Image analysis and mathematical morphology. Academic Press 1982.");
}

Image MaskMorphology::operator()(const Image& mask, Run& run) const {
  check_parameters(*this);
  require_single_component(mask);
  const Mask inside = mask_of(mask, run);
  switch (action) {
    case MorphologyAction::erode:
      return erode(inside, radius, run);
    case MorphologyAction::open:
      return open(inside, radius, run);
    case MorphologyAction::close:
      return close(inside, radius, run);
    case MorphologyAction::fill_holes:
      return fill_holes(inside, false, run);
    case MorphologyAction::dilate:
      break;
  }
  return dilate(inside, radius, run);
}

Cost MaskMorphology::cost(const Image& mask) const {
  const auto voxels = static_cast<double>(mask.grid().voxel_count());
  const bool twice = action == MorphologyAction::open || action == MorphologyAction::close;
  return {.bytes = static_cast<std::uint64_t>(voxels * 7), .seconds = voxels * (twice ? 2.4e-8 : 1.2e-8)};
}

}  // namespace gantry
