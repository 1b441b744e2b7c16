// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <numbers>
#include <vector>

#include "gantry/reconstruction/beam.h"

namespace gantry::reconstruction {

/// An ellipse of constant value in a slice; lengths in mm, turned by `degrees` from the first axis towards the second.
struct Ellipse {
  double value, half_u, half_v, u, v, degrees;
};

/// The head of Shepp and Logan (1974) with the contrast of Toft (1996), its oval 184 mm high.
inline const std::vector<Ellipse> shepp_logan{{1.0, 69, 92, 0, 0, 0},      {-0.8, 66.24, 87.4, 0, 1.84, 0}, {-0.2, 11, 31, 22, 0, 18},
                                              {-0.2, 16, 41, -22, 0, -18}, {0.1, 21, 25, 0, -35, 0},        {0.1, 4.6, 4.6, 0, -10, 0},
                                              {0.1, 4.6, 4.6, 0, 10, 0},   {0.1, 4.6, 2.3, -8, 60.5, 0},    {0.1, 2.3, 2.3, 0, 60.5, 0},
                                              {0.1, 2.3, 4.6, 6, 60.5, 0}};

/// The sum of the ellipses at a point.
inline double value_at(const std::vector<Ellipse>& ellipses, double u, double v) {
  double sum = 0;
  for (const Ellipse& e : ellipses) {
    const double turn = e.degrees * std::numbers::pi / 180;
    const double a = ((u - e.u) * std::cos(turn) + (v - e.v) * std::sin(turn)) / e.half_u;
    const double b = (-(u - e.u) * std::sin(turn) + (v - e.v) * std::cos(turn)) / e.half_v;
    if (a * a + b * b <= 1) sum += e.value;
  }
  return sum;
}

/// The line integral along the line through (u, v) in the direction (du, dv), in closed form.
inline double integral(const std::vector<Ellipse>& ellipses, double u, double v, double du, double dv) {
  double sum = 0;
  for (const Ellipse& e : ellipses) {
    const double turn = e.degrees * std::numbers::pi / 180, cosine = std::cos(turn), sine = std::sin(turn);
    const double a = ((u - e.u) * cosine + (v - e.v) * sine) / e.half_u, b = (-(u - e.u) * sine + (v - e.v) * cosine) / e.half_v;
    const double da = (du * cosine + dv * sine) / e.half_u, db = (-du * sine + dv * cosine) / e.half_v;
    const double square = da * da + db * db, half = a * da + b * db, rest = half * half - square * (a * a + b * b - 1);
    if (rest > 0) sum += e.value * 2 * std::sqrt(rest) / square * std::hypot(du, dv);
  }
  return sum;
}

/// The projections of the ellipses: columns, views, one slice. Each is the mean of five rays across the detector element.
inline Image projections_of(const std::vector<Ellipse>& ellipses, const Beam& beam, double detector_spacing_mm) {
  const auto views = static_cast<std::int64_t>(beam.angles_rad.size());
  Voxels<float> rows(Grid({beam.columns, views, 1}, {detector_spacing_mm, 1, 1}));
  for (std::int64_t n = 0; n < views; ++n) {
    const double cosine = std::cos(beam.angles_rad[static_cast<std::size_t>(n)]),
                 sine = std::sin(beam.angles_rad[static_cast<std::size_t>(n)]);
    for (std::int64_t c = 0; c < beam.columns; ++c) {
      double sum = 0;
      for (int part = -2; part <= 2; ++part) {
        const double s = beam.position_mm(static_cast<double>(c) + 0.2 * part), along = beam.fan ? s / beam.source_mm : 0;
        sum += integral(ellipses, s * cosine, s * sine, along * cosine - sine, along * sine + cosine);
      }
      rows[c + beam.columns * n] = static_cast<float>(sum / 5);
    }
  }
  return rows;
}

/// The mean of a slice over the pixels whose centres lie within `radius_mm` of (u, v).
inline double mean_near(const Image& slices, double u, double v, double radius_mm) {
  const VoxelView<float> values = slices.as<float>();
  const Grid& grid = slices.grid();
  double sum = 0, count = 0;
  for (std::int64_t j = 0; j < grid.size(1); ++j) {
    for (std::int64_t i = 0; i < grid.size(0); ++i) {
      const Vec3 at = grid.world_from_voxel({static_cast<double>(i), static_cast<double>(j), 0});
      if (std::hypot(at.x - u, at.y - v) > radius_mm) continue;
      sum += values[grid.index(i, j, 0)];
      ++count;
    }
  }
  return sum / count;
}

}  // namespace gantry::reconstruction
