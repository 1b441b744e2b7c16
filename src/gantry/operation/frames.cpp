// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/frames.h"

namespace gantry {

void require_single_component(const Image& image) {
  if (image.components() != 1) {
    throw Error(ErrorCode::not_possible, fmt::format("image: must have one component; has {}", image.components()));
  }
  if (is_complex(image.type())) throw Error(ErrorCode::not_possible, "image: must be real; is complex");
}

Image per_frame(const Image& image, Run& run, const std::function<Voxels<float>(const Image&, Run&)>& body) {
  if (image.frames() == 1) return body(image, run);
  Voxels<float> joined;
  const auto count = static_cast<double>(image.frames());
  for (std::int64_t t = 0; t < image.frames(); ++t) {
    Run part = run.part(static_cast<double>(t) / count, static_cast<double>(t + 1) / count);
    const Voxels<float> result = body(image.frame(t), part);
    if (joined.empty()) joined = Voxels<float>::uninitialized(result.grid(), 1, image.frames());
    std::copy_n(result.data(), result.count(), joined.data() + t * result.count());
    part.progress(1);
  }
  return joined;
}

}  // namespace gantry
