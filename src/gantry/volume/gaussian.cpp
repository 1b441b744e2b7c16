// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/convolve.h"
#include "gantry/volume/filters.h"
#include "gantry/volume/lines.h"

namespace gantry {

namespace {

constexpr double largest_sigma_voxels = 1000;

/// Taps along an axis; empty when the axis is left alone.
std::vector<float> taps_along(const Grid& grid, Vec3 sigma_mm, int axis) {
  const double sigma = sigma_mm[axis];
  if (!(sigma >= 0 && sigma / grid.spacing_mm()[axis] <= largest_sigma_voxels)) {
    throw Error(ErrorCode::parameter,
                fmt::format("sigma: must lie between 0 and {} voxels; got {} mm", largest_sigma_voxels, shortest(sigma)));
  }
  if (sigma == 0 || grid.size(axis) == 1) return {};
  return gaussian_taps(sigma / grid.spacing_mm()[axis]).smooth;
}

/// Row pointers from -radius to length - 1 + radius, index 0 first.
std::vector<const float*> row_pointers(const float* first, std::int64_t stride, std::int64_t length, std::int64_t radius, Border border,
                                       const float* zeros) {
  std::vector<const float*> rows(static_cast<std::size_t>(length + 2 * radius));
  for (std::int64_t p = 0; p < length + 2 * radius; ++p) {
    const std::int64_t from = border_index(p - radius, length, border);
    rows[static_cast<std::size_t>(p)] = from < 0 ? zeros : first + from * stride;
  }
  return rows;
}

/// One row along i: a bordered copy shifted by 0, 1, ... is what the row kernel calls rows.
void smooth_row(const float* row, std::int64_t n, const std::vector<float>& taps, Border border, std::vector<float>& padded,
                std::vector<const float*>& shifted, float* out) {
  const auto radius = static_cast<std::int64_t>(taps.size()) - 1;
  std::copy_n(row, n, padded.data() + radius);
  for (std::int64_t p = 1; p <= radius; ++p) {
    const std::int64_t before = border_index(-p, n, border);
    const std::int64_t after = border_index(n - 1 + p, n, border);
    padded[static_cast<std::size_t>(radius - p)] = before < 0 ? 0.0F : row[before];
    padded[static_cast<std::size_t>(radius + n - 1 + p)] = after < 0 ? 0.0F : row[after];
  }
  for (std::size_t t = 0; t < shifted.size(); ++t) shifted[t] = padded.data() + t;
  convolve_even(shifted.data() + radius, taps.data(), radius, out, n);
}

}  // namespace

Voxels<float> gaussian(const VoxelView<float>& image, Vec3 sigma_mm, Border border, const Run& run) {
  require_volume(image, "image");
  const Grid& grid = image.grid();
  const auto [ni, nj, nk] = grid.size();
  std::array<std::vector<float>, 3> taps;
  for (int axis = 0; axis < 3; ++axis) taps[static_cast<std::size_t>(axis)] = taps_along(grid, sigma_mm, axis);

  auto result = Voxels<float>::uninitialized(grid);
  const std::int64_t slice = ni * nj;
  parallel_for(run, nk, 2, [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
    const std::int64_t ri = taps[0].empty() ? 0 : static_cast<std::int64_t>(taps[0].size()) - 1;
    const std::int64_t rj = taps[1].empty() ? 0 : static_cast<std::int64_t>(taps[1].size()) - 1;
    std::vector<float> padded(static_cast<std::size_t>(ni + 2 * ri));
    std::vector<const float*> shifted(static_cast<std::size_t>(2 * ri + 1));
    std::vector<float> between(taps[0].empty() || taps[1].empty() ? 0 : static_cast<std::size_t>(slice));
    const std::vector<float> zeros(static_cast<std::size_t>(ni));
    for (std::int64_t k = begin; k < end; ++k) {
      const float* source = image.data() + k * slice;
      float* const target = result.data() + k * slice;
      if (!taps[0].empty()) {
        float* const rows = taps[1].empty() ? target : between.data();
        for (std::int64_t j = 0; j < nj; ++j) smooth_row(source + j * ni, ni, taps[0], border, padded, shifted, rows + j * ni);
        source = rows;
      }
      if (!taps[1].empty()) {
        const auto rows = row_pointers(source, ni, nj, rj, border, zeros.data());
        for (std::int64_t j = 0; j < nj; ++j) convolve_even(rows.data() + rj + j, taps[1].data(), rj, target + j * ni, ni);
      } else if (source != target) {
        std::copy_n(source, slice, target);
      }
    }
  });
  if (!taps[2].empty()) {
    const auto radius = static_cast<std::int64_t>(taps[2].size()) - 1;
    for_each_lines(result, 2, radius, border, run, [&](const Lines& lines) {
      for (std::int64_t p = 0; p < lines.length; ++p) {
        convolve_even(lines.rows + radius + p, taps[2].data(), radius, lines.out + p * lines.width, lines.width);
      }
    });
  }
  return result;
}

}  // namespace gantry
