// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/lines.h"

#include "gantry/compute/parallel.h"
#include "gantry/volume/checks.h"

namespace gantry {

namespace {

constexpr std::int64_t lanes = 16;  // lines along i that are transposed together

/// rows[p] for a panel of `length` rows of `width` values.
std::vector<const float*> bordered(const float* panel, std::int64_t length, std::int64_t width, std::int64_t margin, Border border,
                                   const float* zeros) {
  std::vector<const float*> rows(static_cast<std::size_t>(length + 2 * margin));
  for (std::int64_t p = 0; p < length + 2 * margin; ++p) {
    const std::int64_t from = border_index(p - margin, length, border);
    rows[static_cast<std::size_t>(p)] = from < 0 ? zeros : panel + from * width;
  }
  return rows;
}

void transpose_in(const float* image, std::int64_t rows, std::int64_t length, float* panel) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < length; ++i) panel[i * lanes + r] = image[r * length + i];
  }
}

void transpose_out(const float* panel, std::int64_t rows, std::int64_t length, float* image) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < length; ++i) image[r * length + i] = panel[i * lanes + r];
  }
}

}  // namespace

void for_each_lines(Voxels<float>& image, int axis, std::int64_t margin, Border border, const Run& run,
                    const std::function<void(const Lines&)>& kernel) {
  const auto [ni, nj, nk] = image.grid().size();
  float* const data = image.data();
  if (axis == 0) {
    const std::int64_t rows = nj * nk;
    const std::int64_t groups = (rows + lanes - 1) / lanes;
    parallel_for(run, groups, 64, [&, ni = ni](std::int64_t begin, std::int64_t end) {
      std::vector<float> panel(static_cast<std::size_t>(ni * lanes)), out(panel.size()), zeros(lanes);
      const auto pointers = bordered(panel.data(), ni, lanes, margin, border, zeros.data());
      for (std::int64_t group = begin; group < end; ++group) {
        const std::int64_t first = group * lanes;
        const std::int64_t count = std::min(lanes, rows - first);
        transpose_in(data + first * ni, count, ni, panel.data());
        kernel({pointers.data(), ni, lanes, out.data()});
        transpose_out(out.data(), count, ni, data + first * ni);
      }
    });
    return;
  }
  // A panel holds all samples along the axis of one row of voxels (or a part of it, so that it stays in the second-level cache).
  const std::int64_t length = axis == 1 ? nj : nk;
  const std::int64_t others = axis == 1 ? nk : nj;
  const std::int64_t stride = axis == 1 ? ni : ni * nj;
  const std::int64_t other_stride = axis == 1 ? ni * nj : ni;
  const std::int64_t width = std::min<std::int64_t>(ni, std::max<std::int64_t>(16, (131072 / length) & ~std::int64_t{15}));
  const std::int64_t parts = (ni + width - 1) / width;
  parallel_for(run, others * parts, 4, [&, ni = ni](std::int64_t begin, std::int64_t end) {
    std::vector<float> panel(static_cast<std::size_t>(length * width)), out(panel.size()), zeros(static_cast<std::size_t>(width));
    for (std::int64_t n = begin; n < end; ++n) {
      float* const corner = data + (n / parts) * other_stride + (n % parts) * width;
      const std::int64_t w = std::min(width, ni - (n % parts) * width);
      for (std::int64_t p = 0; p < length; ++p) std::copy_n(corner + p * stride, w, panel.data() + p * w);
      const auto pointers = bordered(panel.data(), length, w, margin, border, zeros.data());
      kernel({pointers.data(), length, w, out.data()});
      for (std::int64_t p = 0; p < length; ++p) std::copy_n(out.data() + p * w, w, corner + p * stride);
    }
  });
}

}  // namespace gantry
