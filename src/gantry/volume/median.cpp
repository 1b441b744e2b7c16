// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/parallel.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/filters.h"

namespace gantry {

Voxels<float> median(const VoxelView<float>& image, int radius, Border border, const Run& run) {
  require_volume(image, "image");
  if (radius != 1 && radius != 2) throw Error(ErrorCode::parameter, fmt::format("radius: must be 1 or 2 voxels; got {}", radius));
  const auto [ni, nj, nk] = image.grid().size();
  auto result = Voxels<float>::uninitialized(image.grid());
  parallel_for(run, nk, 1, [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
    std::vector<float> window;
    for (std::int64_t k = begin; k < end; ++k) {
      for (std::int64_t j = 0; j < nj; ++j) {
        for (std::int64_t i = 0; i < ni; ++i) {
          window.clear();
          for (int c = -radius; c <= radius; ++c) {
            for (int b = -radius; b <= radius; ++b) {
              for (int a = -radius; a <= radius; ++a) {
                const std::int64_t x = border_index(i + a, ni, border), y = border_index(j + b, nj, border),
                                   z = border_index(k + c, nk, border);
                const float value = x < 0 || y < 0 || z < 0 ? 0.0F : image(x, y, z);
                window.push_back(value == value ? value : std::numeric_limits<float>::infinity());
              }
            }
          }
          std::nth_element(window.begin(), window.begin() + static_cast<std::ptrdiff_t>(window.size() / 2), window.end());
          result(i, j, k) = window[window.size() / 2];
        }
      }
    }
  });
  return result;
}

}  // namespace gantry
