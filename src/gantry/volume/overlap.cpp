// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <limits>

#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/volume/checks.h"
#include "gantry/volume/distance.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/resample.h"

namespace gantry {

namespace {

/// Voxels of the mask with a 6-neighbour outside it; beyond the grid is outside, but not across axes of one voxel.
Mask surface_of(const MaskView& mask, const Run& run) {
  const auto [ni, nj, nk] = mask.grid().size();
  auto surface = Mask::uninitialized(mask.grid());
  parallel_for(run, nj * nk, 256, [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t j = row % nj, k = row / nj;
      const bool edge = (nj > 1 && (j == 0 || j == nj - 1)) || (nk > 1 && (k == 0 || k == nk - 1));
      const std::uint8_t* const here = mask.data() + row * ni;
      const std::int64_t dj = nj > 1 ? ni : 0, dk = nk > 1 ? ni * nj : 0;
      std::uint8_t* const out = surface.data() + row * ni;
      for (std::int64_t i = 0; i < ni; ++i) {
        if (here[i] == 0) {
          out[i] = 0;
          continue;
        }
        const bool at_end = ni > 1 && (i == 0 || i == ni - 1);
        const std::int64_t di = ni > 1 ? 1 : 0;
        out[i] = edge || at_end || !here[i - di] || !here[i + di] || !here[i - dj] || !here[i + dj] || !here[i - dk] || !here[i + dk];
      }
    }
  });
  return surface;
}

void append_at(const Voxels<float>& distances, const Mask& surface, std::vector<float>& out) {
  for (std::int64_t n = 0; n < surface.count(); ++n) {
    if (surface[n] != 0) out.push_back(distances[n]);
  }
}

}  // namespace

Overlap overlap(const MaskView& a, const MaskView& b, double tolerance_mm, const Run& run) {
  require_volume(a, "first mask");
  require_volume(b, "second mask");
  if (!a.grid().same_space(b.grid())) throw Error(ErrorCode::not_possible, "masks: must lie on the same grid; resample one of them first");
  if (!(tolerance_mm >= 0 && std::isfinite(tolerance_mm))) {
    throw Error(ErrorCode::parameter, fmt::format("tolerance: must be at least 0 mm and finite; got {}", shortest(tolerance_mm)));
  }
  struct Counts {
    std::int64_t a = 0, b = 0, both = 0;
    Size3 begin{std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max(),
                std::numeric_limits<std::int64_t>::max()};
    Size3 end{};
  };
  const auto [ni, nj, nk] = a.grid().size();
  const Counts counts = parallel_reduce(
      run, nj * nk, 256, Counts{},
      [&, ni = ni, nj = nj](std::int64_t first, std::int64_t last) {
        Counts part;
        for (std::int64_t row = first; row < last; ++row) {
          for (std::int64_t i = 0; i < ni; ++i) {
            const bool in_a = a[row * ni + i] != 0, in_b = b[row * ni + i] != 0;
            if (!in_a && !in_b) continue;
            part.a += in_a;
            part.b += in_b;
            part.both += in_a && in_b;
            const Size3 at{i, row % nj, row / nj};
            for (std::size_t axis = 0; axis < 3; ++axis) {
              part.begin[axis] = std::min(part.begin[axis], at[axis]);
              part.end[axis] = std::max(part.end[axis], at[axis] + 1);
            }
          }
        }
        return part;
      },
      [](Counts& all, const Counts& part) {
        all.a += part.a;
        all.b += part.b;
        all.both += part.both;
        for (std::size_t axis = 0; axis < 3; ++axis) {
          all.begin[axis] = std::min(all.begin[axis], part.begin[axis]);
          all.end[axis] = std::max(all.end[axis], part.end[axis]);
        }
      });
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  Overlap result;
  result.volume_a_ml = static_cast<double>(counts.a) * a.grid().voxel_volume_mm3() / 1000;
  result.volume_b_ml = static_cast<double>(counts.b) * a.grid().voxel_volume_mm3() / 1000;
  if (counts.a == 0 || counts.b == 0) {
    const double agreement = counts.a == counts.b ? 1 : 0;
    result.dice = result.jaccard = result.nsd = agreement;
    result.hd95_mm = result.asd_mm = unknown;
    return result;
  }
  result.dice = 2 * static_cast<double>(counts.both) / static_cast<double>(counts.a + counts.b);
  result.jaccard = static_cast<double>(counts.both) / static_cast<double>(counts.a + counts.b - counts.both);

  // All surfaces and all nearest points lie in the common box.
  Size3 size{};
  for (std::size_t axis = 0; axis < 3; ++axis) size[axis] = counts.end[axis] - counts.begin[axis];
  const Mask surface_a = crop<std::uint8_t>(surface_of(a, run), counts.begin, size);
  const Mask surface_b = crop<std::uint8_t>(surface_of(b, run), counts.begin, size);
  std::vector<float> distances;
  append_at(squared_distance(surface_b, false, true, run), surface_a, distances);
  append_at(squared_distance(surface_a, false, true, run), surface_b, distances);
  double sum = 0;
  std::int64_t near = 0;
  const auto limit = static_cast<float>(tolerance_mm * (1 + 1e-6));
  for (const float d : distances) {
    sum += d;
    near += d <= limit;
  }
  result.asd_mm = sum / static_cast<double>(distances.size());
  result.nsd = static_cast<double>(near) / static_cast<double>(distances.size());
  result.hd95_mm = quantile(std::move(distances), 0.95);
  return result;
}

}  // namespace gantry
