// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/gaussian_smoothing.h"

namespace gantry {

void GaussianSmoothing::describe(Description<GaussianSmoothing>& d) {
  d.summary("Smooths with a Gaussian of the given width.");
  d.input("image", "Image to smooth");
  d.parameter("sigma", &GaussianSmoothing::sigma, "Standard deviation").unit("mm").range(0, 100);
  d.parameter("border", &GaussianSmoothing::border, "What lies outside the image");
  d.output("smoothed", "Smoothed image on the input's grid");
  d.example("gantry filter gaussian ct.nii.gz smooth.nii.gz --sigma 1.5");
}

Image GaussianSmoothing::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  return per_frame(image, run, [&](const Image& frame, Run& part) {
    return gaussian(frame.as<float>(), {sigma, sigma, sigma}, border, part);
  });
}

Cost GaussianSmoothing::cost(const Image& image) const {
  const auto voxels = static_cast<double>(image.count());
  return {.bytes = static_cast<std::uint64_t>(image.count()) * 4 * 3, .seconds = voxels * 6e-9};
}

}  // namespace gantry
