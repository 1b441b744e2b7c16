// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/median_filter.h"

namespace gantry {

void MedianFilter::describe(Description<MedianFilter>& d) {
  d.summary("Replaces each voxel by the median of the cube around it.");
  d.input("image", "Image to filter");
  d.parameter("radius", &MedianFilter::radius, "Half width of the cube in voxels: 1 is 3 x 3 x 3").range(1, 2);
  d.parameter("border", &MedianFilter::border, "What lies outside the image");
  d.output("filtered", "Filtered image on the input's grid");
  d.example("gantry filter median mr.nii.gz clean.nii.gz --radius 1");
  d.reference("Batcher KE. Sorting networks and their applications. AFIPS Spring Joint Computer Conference 1968, 307-314.");
}

Image MedianFilter::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  return per_frame(image, run, [&](const Image& frame, Run& part) { return median(frame.as<float>(), radius, border, part); });
}

Cost MedianFilter::cost(const Image& image) const {
  return {.bytes = static_cast<std::uint64_t>(image.count()) * 4 * (image.type() == PixelType::f32 ? 1 : 2),
          .seconds = static_cast<double>(image.count()) * (radius == 1 ? 1e-8 : 5e-8)};
}

}  // namespace gantry
