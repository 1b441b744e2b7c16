// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/backprojection.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"

namespace gantry::reconstruction {

namespace {

constexpr int together = 4;  // views added in one pass over a row of pixels

/// For one view and one row of pixels: at pixel i the ray lies at the padded column (column + i column_step) / (depth + i depth_step) +
/// shift.
struct Line {
  const float* row = nullptr;
  float column = 0, column_step = 0, depth = 1, depth_step = 0;
};

GANTRY_SIMD void add_parallel(float* __restrict sums, std::int64_t count, const Line& a, const Line& b, const Line& c, const Line& d) {
  const float *ra = a.row, *rb = b.row, *rc = c.row, *rd = d.row;
  for (std::int64_t i = 0; i < count; ++i) {
    const float x = static_cast<float>(static_cast<std::int32_t>(i));
    const float ta = a.column + x * a.column_step, tb = b.column + x * b.column_step;
    const float tc = c.column + x * c.column_step, td = d.column + x * d.column_step;
    const auto ka = static_cast<std::int32_t>(ta), kb = static_cast<std::int32_t>(tb);
    const auto kc = static_cast<std::int32_t>(tc), kd = static_cast<std::int32_t>(td);
    const float va = ra[ka] + (ta - static_cast<float>(ka)) * (ra[ka + 1] - ra[ka]);
    const float vb = rb[kb] + (tb - static_cast<float>(kb)) * (rb[kb + 1] - rb[kb]);
    const float vc = rc[kc] + (tc - static_cast<float>(kc)) * (rc[kc + 1] - rc[kc]);
    const float vd = rd[kd] + (td - static_cast<float>(kd)) * (rd[kd + 1] - rd[kd]);
    sums[i] += (va + vb) + (vc + vd);
  }
}

GANTRY_SIMD void add_fan(float* __restrict sums, std::int64_t count, const Line& line, float shift) {
  const float* row = line.row;
  for (std::int64_t i = 0; i < count; ++i) {
    const float x = static_cast<float>(static_cast<std::int32_t>(i));
    const float near = 1.0F / (line.depth + x * line.depth_step);
    const float t = (line.column + x * line.column_step) * near + shift;
    const auto k = static_cast<std::int32_t>(t);
    sums[i] += near * near * (row[k] + (t - static_cast<float>(k)) * (row[k + 1] - row[k]));
  }
}

}  // namespace

void back_project(std::span<const float> projections, const Beam& beam, std::span<const double> shares, std::int64_t size, double pixel_mm,
                  std::span<float> slice, const Run& run) {
  const auto views = static_cast<std::int64_t>(shares.size());
  const double middle = 0.5 * static_cast<double>(size - 1), reach = std::sqrt(2.0) * middle * pixel_mm;
  double widest = reach;
  if (beam.fan) {
    if (!(reach < 0.95 * beam.source_mm))
      throw Error(ErrorCode::parameter,
                  fmt::format("source_distance: must leave the slice, which reaches {:.1f} mm, outside the source; got {} mm", reach,
                              beam.source_mm));
    widest = reach / (1 - reach / beam.source_mm);
  }
  // Rows with zeros on both sides, so that every pixel's ray can be read; the shares are multiplied in.
  if (!(widest / beam.spacing_mm < 1e6))
    throw Error(ErrorCode::parameter,
                fmt::format("pixel: the slice reaches {:.4g} detector columns far, at most a million", widest / beam.spacing_mm));
  const auto before = static_cast<std::int64_t>(std::max(0.0, std::ceil(widest / beam.spacing_mm - beam.centre))) + 2;
  const auto behind =
      static_cast<std::int64_t>(std::max(0.0, std::ceil(widest / beam.spacing_mm + beam.centre - static_cast<double>(beam.columns - 1)))) +
      3;
  const std::int64_t padded = before + beam.columns + behind;
  const std::int64_t rows = (views + together - 1) / together * together;
  std::vector<float> lines(static_cast<std::size_t>(rows * padded));
  for (std::int64_t n = 0; n < views; ++n) {
    const auto share = static_cast<float>(shares[static_cast<std::size_t>(n)]);
    for (std::int64_t c = 0; c < beam.columns; ++c)
      lines[static_cast<std::size_t>(n * padded + before + c)] = share * projections[static_cast<std::size_t>(n * beam.columns + c)];
  }
  const double shift = beam.centre + static_cast<double>(before);
  const auto line_of = [&](std::int64_t view, std::int64_t j) {
    const double angle = view < views ? beam.angles_rad[static_cast<std::size_t>(view)] : 0;
    const double cosine = std::cos(angle), sine = std::sin(angle), first = -middle * pixel_mm,
                 v = (static_cast<double>(j) - middle) * pixel_mm;
    Line line{.row = lines.data() + view * padded};
    line.column = static_cast<float>((first * cosine + v * sine) / beam.spacing_mm + (beam.fan ? 0 : shift));
    line.column_step = static_cast<float>(pixel_mm * cosine / beam.spacing_mm);
    if (beam.fan) {
      line.depth = static_cast<float>((beam.source_mm - first * sine + v * cosine) / beam.source_mm);
      line.depth_step = static_cast<float>(-pixel_mm * sine / beam.source_mm);
    }
    return line;
  };
  parallel_for(run, size, 8, [&](std::int64_t begin, std::int64_t end) {
    std::fill(slice.begin() + begin * size, slice.begin() + end * size, 0.0F);
    for (std::int64_t n = 0; n < rows; n += together) {
      for (std::int64_t j = begin; j < end; ++j) {
        float* sums = slice.data() + j * size;
        const std::array<Line, together> at{line_of(n, j), line_of(n + 1, j), line_of(n + 2, j), line_of(n + 3, j)};
        if (!beam.fan) {
          add_parallel(sums, size, at[0], at[1], at[2], at[3]);
        } else {
          for (int m = 0; m < together && n + m < views; ++m)
            add_fan(sums, size, at[static_cast<std::size_t>(m)], static_cast<float>(shift));
        }
      }
    }
  });
}

}  // namespace gantry::reconstruction
