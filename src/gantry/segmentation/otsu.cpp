// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/segmentation/otsu.h"

#include "gantry/base/text.h"
#include "gantry/volume/mask.h"
#include "gantry/volume/measure.h"

namespace gantry {

void OtsuThreshold::describe(Description<OtsuThreshold>& d) {
  d.summary("Separates an image into two classes at the value that separates them best.");
  d.input("image", "Image to segment");
  d.parameter("bins", &OtsuThreshold::bins, "Number of bins of the histogram").range(2, 65536);
  d.output("labels", &Result::labels, "1 above the threshold, 0 elsewhere");
  d.output("threshold", &Result::threshold, "The threshold, in the unit of the image");
  d.example("gantry segmentation otsu mr.nii.gz head.nii.gz");
  d.reference("Otsu N. A threshold selection method from gray-level histograms. IEEE Trans Syst Man Cybern 1979; 9:62-66.");
}

OtsuThreshold::Result OtsuThreshold::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  const VoxelView<float> values = image.as<float>();
  const double threshold = otsu_threshold(values.values(), bins, run);
  // Strictly above: from the next f32 on.
  auto from = static_cast<float>(threshold);
  if (static_cast<double>(from) <= threshold) from = std::nextafter(from, std::numeric_limits<float>::infinity());
  Mask mask = mask_between(values, from, std::numeric_limits<float>::infinity(), run);
  const std::string method = fmt::format("Otsu's threshold, {} bins: above {}", bins, shortest(threshold));
  return {Labels(Image(std::move(mask)),
                 {{.value = 1, .id = "upper_class", .name = "Upper class", .color = {0x00, 0x72, 0xb2}, .method = method}}),
          Json{{"threshold", threshold}}};
}

Cost OtsuThreshold::cost(const Image& image) const {
  const auto voxels = static_cast<std::uint64_t>(image.count());
  return {.bytes = voxels * (image.type() == PixelType::f32 ? 1 : 5), .seconds = static_cast<double>(voxels) * 3e-9};
}

}  // namespace gantry
