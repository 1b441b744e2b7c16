// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/mask.h"

#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/volume/checks.h"

namespace gantry {

namespace {

constexpr std::int64_t block = 1 << 18;

GANTRY_SIMD void between(const float* values, float lower, float upper, std::uint8_t* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>((values[i] >= lower) & (values[i] <= upper));
}

}  // namespace

Mask mask_of(const Image& image, const Run& run) {
  if (image.empty()) throw Error(ErrorCode::not_possible, "mask: must not be empty");
  if (is_complex(image.type())) throw Error(ErrorCode::not_possible, "mask: must be real; is complex");
  auto mask = Mask::uninitialized(image.grid());
  visit_real(image, [&](const auto& view) {
    require_volume(view, "mask");
    parallel_for(run, view.count(), block, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) mask[n] = view[n] > 0 || view[n] < 0 ? 1 : 0;
    });
  });
  return mask;
}

Mask mask_between(const VoxelView<float>& image, float lower, float upper, const Run& run) {
  require_volume(image, "image");
  auto mask = Mask::uninitialized(image.grid());
  parallel_for(run, image.count(), block, [&](std::int64_t begin, std::int64_t end) {
    between(image.data() + begin, lower, upper, mask.data() + begin, end - begin);
  });
  return mask;
}

}  // namespace gantry
