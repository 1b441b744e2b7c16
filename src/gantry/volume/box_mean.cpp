// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/compute/simd.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/filters.h"
#include "gantry/volume/lines.h"

namespace gantry {

namespace {

GANTRY_SIMD void add_row(const float* a, const float* b, float* sum, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sum[i] = a[i] + b[i];
}

GANTRY_SIMD void add_scaled_row(const float* a, const float* b, float scale, float* sum, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sum[i] = (a[i] + b[i]) * scale;
}

/// Means over windows of 2 r + 1 rows (van Herk 1992 and Gil and Werman 1993, with sums in place of maxima): every window is the tail
/// of one block and the head of the next, so nothing is ever subtracted and a NaN or infinity stays within its window.
void window_means(const Lines& lines, std::int64_t r, std::vector<float>& tails, std::vector<float>& head) {
  const std::int64_t window = 2 * r + 1;
  const std::int64_t w = lines.width;
  const float scale = 1.0F / static_cast<float>(window);
  tails.resize(static_cast<std::size_t>(window * w));
  head.resize(static_cast<std::size_t>(w));
  const std::vector<float> zeros(static_cast<std::size_t>(w));
  for (std::int64_t start = 0; start < lines.length; start += window) {
    std::copy_n(lines.rows[start + window - 1], w, tails.data() + (window - 1) * w);
    for (std::int64_t p = window - 2; p >= 0; --p) add_row(lines.rows[start + p], tails.data() + (p + 1) * w, tails.data() + p * w, w);
    add_scaled_row(tails.data(), zeros.data(), scale, lines.out + start * w, w);
    std::fill(head.begin(), head.end(), 0.0F);
    const std::int64_t stop = std::min(lines.length, start + window);
    for (std::int64_t p = start + 1; p < stop; ++p) {
      add_row(head.data(), lines.rows[p + window - 1], head.data(), w);
      add_scaled_row(tails.data() + (p - start) * w, head.data(), scale, lines.out + p * w, w);
    }
  }
}

}  // namespace

Voxels<float> box_mean(const VoxelView<float>& image, std::array<int, 3> radius, const Run& run) {
  require_volume(image, "image");
  for (const int r : radius) {
    if (!(r >= 0 && r <= 10000)) throw Error(ErrorCode::parameter, fmt::format("radius: must lie between 0 and 10000 voxels; got {}", r));
  }
  Voxels<float> result = image.clone();
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t r = radius[static_cast<std::size_t>(axis)];
    if (r == 0 || image.grid().size(axis) == 1) continue;
    for_each_lines(result, axis, r, Border::mirror, run, [r](const Lines& lines) {
      std::vector<float> tails, head;
      window_means(lines, r, tails, head);
    });
  }
  return result;
}

}  // namespace gantry
