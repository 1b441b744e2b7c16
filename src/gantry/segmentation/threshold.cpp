// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/segmentation/threshold.h"

#include "gantry/base/text.h"
#include "gantry/volume/mask.h"

namespace gantry {

void Threshold::describe(Description<Threshold>& d) {
  d.summary("Labels the voxels between two values.");
  d.input("image", "Image to segment");
  d.parameter("lower", &Threshold::lower, "Smallest value inside, in the unit of the image");
  d.parameter("upper", &Threshold::upper, "Largest value inside, in the unit of the image");
  d.output("labels", "1 inside, 0 outside");
  d.example("gantry segmentation threshold ct.nii.gz bone.nii.gz --lower 200");
  d.rule([](const Threshold& t) {
    if (!t.lower && !t.upper) throw Error(ErrorCode::parameter, "lower: must be given, or upper, or both");
    if (t.lower && t.upper && !(*t.lower <= *t.upper)) {
      throw Error(ErrorCode::parameter, fmt::format("lower: must not exceed upper; got {} and {}", shortest(*t.lower), shortest(*t.upper)));
    }
  });
}

Labels Threshold::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  const double infinity = std::numeric_limits<double>::infinity();
  const double low = lower.value_or(-infinity), high = upper.value_or(infinity);
  Mask mask = mask_between(image.as<float>(), static_cast<float>(low), static_cast<float>(high), run);
  std::string method = "threshold";
  if (lower) method += fmt::format(", from {}", shortest(*lower));
  if (upper) method += fmt::format(", to {}", shortest(*upper));
  return Labels(Image(std::move(mask)),
                {{.value = 1, .id = "inside", .name = "Inside the thresholds", .color = {0x00, 0x72, 0xb2}, .method = method}});
}

Cost Threshold::cost(const Image& image) const {
  const auto voxels = static_cast<std::uint64_t>(image.count());
  return {.bytes = voxels * (image.type() == PixelType::f32 ? 1 : 5), .seconds = static_cast<double>(voxels) * 1e-9};
}

}  // namespace gantry
