// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/reconstruction/projector.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"

namespace gantry::reconstruction {

/// The rays of one view. In line n of the slice (row, or column where `steep` is false) ray c lies at the pixel `start[c] + n step[c]`,
/// counted from the zero before the first pixel; `length` is its way through one line in mm.
struct Projector::Rays {
  std::vector<float> start, step, length;
  std::vector<char> steep;
};

namespace {

/// Lines with one zero before and two behind, so that a ray outside reads zeros.
struct PaddedSlice {
  std::int64_t size = 0;
  std::vector<float> rows, columns;

  explicit PaddedSlice(std::int64_t n = 0) : size(n), rows(static_cast<std::size_t>(n * (n + 3))), columns(rows.size()) {}
  float* line(bool steep, std::int64_t n) { return (steep ? rows : columns).data() + n * (size + 3); }
  const float* line(bool steep, std::int64_t n) const { return (steep ? rows : columns).data() + n * (size + 3); }
};

GANTRY_SIMD void gather_line(const float* __restrict line, std::int64_t count, const float* __restrict start, const float* __restrict step,
                             float number, float last, float* __restrict sums) {
  for (std::int64_t c = 0; c < count; ++c) {
    float at = start[c] + number * step[c];
    at = at < 0.0F ? 0.0F : at;
    at = at > last ? last : at;
    const auto pixel = static_cast<std::int32_t>(at);
    const float share = at - static_cast<float>(pixel);
    sums[c] += line[pixel] + share * (line[pixel + 1] - line[pixel]);
  }
}

void scatter_line(float* line, std::int64_t count, const float* start, const float* step, float number, float last, const float* values) {
  for (std::int64_t c = 0; c < count; ++c) {
    const float at = std::clamp(start[c] + number * step[c], 0.0F, last);
    const auto pixel = static_cast<std::int32_t>(at);
    const float share = at - static_cast<float>(pixel);
    line[pixel] += (1.0F - share) * values[c];
    line[pixel + 1] += share * values[c];
  }
}

}  // namespace

Projector::Projector(Beam beam, std::int64_t size, double pixel_mm) : beam_(std::move(beam)), size_(size), pixel_mm_(pixel_mm) {
  const double reach = 0.5 * std::sqrt(2.0) * static_cast<double>(size) * pixel_mm;
  if (beam_.fan && !(reach < 0.95 * beam_.source_mm))
    throw Error(ErrorCode::parameter,
                fmt::format("source_distance: must leave the slice, which reaches {:.1f} mm, outside the source; got {} mm", reach,
                            beam_.source_mm));
}

Projector::Rays Projector::rays_of(std::int64_t view) const {
  const double angle = beam_.angles_rad[static_cast<std::size_t>(view)];
  const double cosine = std::cos(angle), sine = std::sin(angle), middle = 0.5 * static_cast<double>(size_ - 1);
  const auto count = static_cast<std::size_t>(beam_.columns);
  Rays rays{std::vector<float>(count), std::vector<float>(count), std::vector<float>(count), std::vector<char>(count)};
  for (std::size_t c = 0; c < count; ++c) {
    const double s = beam_.position_mm(static_cast<double>(c));
    // A point of the ray, and its direction.
    double u = s * cosine, v = s * sine, along_u = -sine, along_v = cosine;
    if (beam_.fan) {
      along_u = s * cosine - beam_.source_mm * sine;
      along_v = s * sine + beam_.source_mm * cosine;
    }
    const bool steep = std::abs(along_v) >= std::abs(along_u);
    if (!steep) {
      std::swap(u, v);
      std::swap(along_u, along_v);
    }
    const double slope = along_u / along_v;
    rays.steep[c] = steep;
    rays.step[c] = static_cast<float>(slope);
    rays.start[c] = static_cast<float>((u - slope * v) / pixel_mm_ - slope * middle + middle + 1);
    rays.length[c] = static_cast<float>(pixel_mm_ * std::sqrt(1 + slope * slope));
  }
  return rays;
}

namespace {

/// Calls body(steep, first, count) for each run of neighbouring rays that go the same way.
template <class Body>
void for_runs(const std::vector<char>& steep, const Body& body) {
  for (std::size_t first = 0; first < steep.size();) {
    std::size_t end = first + 1;
    while (end < steep.size() && steep[end] == steep[first]) ++end;
    body(steep[first] != 0, first, static_cast<std::int64_t>(end - first));
    first = end;
  }
}

}  // namespace

void Projector::forward(std::span<const float> slice, std::span<const std::int64_t> views, std::span<float> rows, const Run& run) const {
  PaddedSlice padded(size_);
  for (std::int64_t j = 0; j < size_; ++j) {
    for (std::int64_t i = 0; i < size_; ++i) {
      const float value = slice[static_cast<std::size_t>(i + size_ * j)];
      padded.line(true, j)[i + 1] = value;
      padded.line(false, i)[j + 1] = value;
    }
  }
  const float last = static_cast<float>(size_ + 1);
  parallel_for(run, std::ssize(views), 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const Rays rays = rays_of(views[static_cast<std::size_t>(n)]);
      float* sums = rows.data() + n * beam_.columns;
      std::fill_n(sums, beam_.columns, 0.0F);
      for_runs(rays.steep, [&](bool steep, std::size_t first, std::int64_t count) {
        for (std::int64_t l = 0; l < size_; ++l)
          gather_line(padded.line(steep, l), count, rays.start.data() + first, rays.step.data() + first, static_cast<float>(l), last,
                      sums + first);
      });
      for (std::int64_t c = 0; c < beam_.columns; ++c) sums[c] *= rays.length[static_cast<std::size_t>(c)];
    }
  });
}

void Projector::adjoint(std::span<const float> rows, std::span<const std::int64_t> views, std::span<float> slice, const Run& run) const {
  const float last = static_cast<float>(size_ + 1);
  const std::int64_t grain = std::max<std::int64_t>(4, (std::ssize(views) + 15) / 16);
  const PaddedSlice total = parallel_reduce(
      run, std::ssize(views), grain, PaddedSlice(),
      [&](std::int64_t begin, std::int64_t end) {
        PaddedSlice part(size_);
        std::vector<float> values(static_cast<std::size_t>(beam_.columns));
        for (std::int64_t n = begin; n < end; ++n) {
          const Rays rays = rays_of(views[static_cast<std::size_t>(n)]);
          for (std::size_t c = 0; c < values.size(); ++c)
            values[c] = rows[static_cast<std::size_t>(n * beam_.columns) + c] * rays.length[c];
          for_runs(rays.steep, [&](bool steep, std::size_t first, std::int64_t count) {
            for (std::int64_t l = 0; l < size_; ++l)
              scatter_line(part.line(steep, l), count, rays.start.data() + first, rays.step.data() + first, static_cast<float>(l), last,
                           values.data() + first);
          });
        }
        return part;
      },
      [](PaddedSlice& sum, PaddedSlice& part) {
        if (sum.rows.empty()) {
          std::swap(sum, part);
          return;
        }
        for (std::size_t n = 0; n < sum.rows.size(); ++n) {
          sum.rows[n] += part.rows[n];
          sum.columns[n] += part.columns[n];
        }
      });
  if (total.rows.empty()) return;
  for (std::int64_t j = 0; j < size_; ++j) {
    for (std::int64_t i = 0; i < size_; ++i)
      slice[static_cast<std::size_t>(i + size_ * j)] += total.line(true, j)[i + 1] + total.line(false, i)[j + 1];
  }
}

}  // namespace gantry::reconstruction
