// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/filters.h"

namespace gantry {

namespace {

/// One row; `a..` are the rows before and after in j and k, `scale` the inverse distances between them.
GANTRY_SIMD void magnitude_row(const float* row, const float* j0, const float* j1, float sj, const float* k0, const float* k1, float sk,
                               float si, float* out, std::int64_t n) {
  const auto at = [&](std::int64_t i, std::int64_t l, std::int64_t r, float s) __attribute__((always_inline)) {
    const float x = (row[r] - row[l]) * s, y = (j1[i] - j0[i]) * sj, z = (k1[i] - k0[i]) * sk;
    return std::sqrt(x * x + y * y + z * z);
  };
  if (n == 1) {
    out[0] = at(0, 0, 0, 0.0F);
    return;
  }
  const float half = 0.5F * si;
  for (std::int64_t i = 1; i < n - 1; ++i) out[i] = at(i, i - 1, i + 1, half);
  out[0] = at(0, 0, 1, si);
  out[n - 1] = at(n - 1, n - 2, n - 1, si);
}

}  // namespace

Voxels<float> gradient_magnitude(const VoxelView<float>& image, const Run& run) {
  require_volume(image, "image");
  const Grid& grid = image.grid();
  const auto [ni, nj, nk] = grid.size();
  const auto& positions = grid.slice_positions_mm();
  auto result = Voxels<float>::uninitialized(grid);
  const std::int64_t slice = ni * nj;
  parallel_for(run, nk, 2, [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const std::int64_t below = std::max<std::int64_t>(0, k - 1), above = std::min(nk - 1, k + 1);
      double step = static_cast<double>(above - below) * grid.spacing_mm().z;
      if (positions.size() > 1) step = positions[static_cast<std::size_t>(above)] - positions[static_cast<std::size_t>(below)];
      const float sk = above == below ? 0.0F : static_cast<float>(1 / step);
      for (std::int64_t j = 0; j < nj; ++j) {
        const std::int64_t front = std::max<std::int64_t>(0, j - 1), back = std::min(nj - 1, j + 1);
        const float sj = front == back ? 0.0F : static_cast<float>(1 / (static_cast<double>(back - front) * grid.spacing_mm().y));
        const float* const here = image.data() + k * slice;
        magnitude_row(here + j * ni, here + front * ni, here + back * ni, sj, image.data() + below * slice + j * ni,
                      image.data() + above * slice + j * ni, sk, static_cast<float>(1 / grid.spacing_mm().x),
                      result.data() + k * slice + j * ni, ni);
      }
    }
  });
  return result;
}

}  // namespace gantry
