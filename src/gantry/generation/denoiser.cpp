// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/generation/denoiser.h"

#include "gantry/generation/denoising.h"

namespace gantry {

void Denoiser::describe(Description<Denoiser>& d) {
  d.summary("Takes noise off an image, by a network that was trained on simulated pairs.");
  d.input("image", "Image with noise; the network that ships knows PET");
  d.parameter("model", &Denoiser::model, "Installed model of the task denoising");
  d.output("denoised", "Image without the noise, as far as the network can tell");
  d.example("gantry generation denoise pet.nii.gz clean.nii.gz");
  d.reference(
      "Zhang K, Zuo W, Chen Y, Meng D, Zhang L. Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising. IEEE "
      "Transactions on Image Processing 2017; 26:3142-3155.");
  d.reference(
      "Timofte R, Rothe R, Van Gool L. Seven ways to improve example-based single image super resolution. IEEE Conference on Computer "
      "Vision "
      "and Pattern Recognition 2016: 1865-1873.");
}

Image Denoiser::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  const generation::DenoisingModel opened(bundle::installed_bundle(model));
  const auto values = image.as<float>();
  std::int64_t negative = 0;
  for (std::int64_t n = 0; n < values.count(); ++n) negative += values[n] < 0;
  if (100 * negative > values.count())
    run.warn(fmt::format("{:.0f} % of the values are negative: the network that ships learnt from activity, which is not",
                         100 * static_cast<double>(negative) / static_cast<double>(values.count())));
  return per_frame(image, run,
                   [&](const Image& frame, Run& part) { return generation::denoise(opened.network(), frame.as<float>(), part); });
}

Cost Denoiser::cost(const Image& image) const {
  const auto voxels = static_cast<std::uint64_t>(image.count());
  return {.bytes = voxels * 20 + (std::uint64_t{256} << 20), .seconds = static_cast<double>(voxels) * 1e-5};
}

}  // namespace gantry
