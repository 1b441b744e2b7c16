// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "gantry/base/run.h"

namespace gantry {

/// A position in a plane, in pixels: the centre of the first pixel is (0, 0).
struct PixelPoint {
  double i = 0, j = 0;
};

/// A plane of floats, rows one behind the other, and the same plane at half, a quarter, ... of the resolution.
struct PlanePyramid {
  struct Level {
    int columns = 0, rows = 0;
    std::vector<float> values;
  };
  std::vector<Level> levels;  ///< from fine to coarse
};

/// Smooths with (1 4 6 4 1) / 16 along both axes and keeps every second pixel, `levels` - 1 times; stops before a side falls below 16
/// pixels (Burt and Adelson 1983).
PlanePyramid pyramid_of(std::span<const float> values, int columns, int rows, int levels);

/// How patches are followed.
struct TrackerOptions {
  int window = 21;               ///< side of the square patch in pixels, odd
  int iterations = 30;           ///< most steps on one level
  double step_px = 0.005;        ///< a smaller step ends a level
  double min_correlation = 0.7;  ///< of the patch with where it is found; below, the point is lost
};

/// Where a patch was found.
struct PatchMatch {
  PixelPoint at;
  double correlation = 0;  ///< normalised, on the finest level
  bool found = false;
};

/// Finds the patch around `from` in `first` again in `second`, beginning at `guess`: Lucas and Kanade's least squares from the coarsest
/// level of `first_level`... to the finest, in the inverse form of Baker and Matthews (2004), without mean brightness, between pixels by
/// Catmull-Rom's cubic. With `coarse_levels` = 1 on the finest level alone. Not found: a patch without texture in two directions, or one
/// that leaves the plane or resembles itself too little.
PatchMatch match_patch(const PlanePyramid& first, PixelPoint from, const PlanePyramid& second, PixelPoint guess, int coarse_levels,
                       const TrackerOptions& options);

/// The surroundings of a point as they are found again: turned, stretched and sheared by `linear` (rows (a, b), (c, d)) about `match.at`.
struct AffineMatch {
  PatchMatch match;
  std::array<double, 4> linear{1, 0, 0, 1};
};

/// A patch prepared for `match_affine`.
class AffinePatch {
 public:
  /// The patch around `centre` in the finest level of `plane`.
  AffinePatch(const PlanePyramid& plane, PixelPoint centre, int window);
  /// Where it lies in the finest level of `plane`, from a guess that is a few pixels off at most: the same least squares over six numbers,
  /// without mean and contrast (Shi and Tomasi 1994). Not found also where it would be stretched by more than two.
  AffineMatch match(const PlanePyramid& plane, const AffineMatch& guess, const TrackerOptions& options) const;

 private:
  int window_ = 0;
  std::vector<float> values_, slope_i_, slope_j_;
  std::array<double, 36> inverse_{};     ///< of the products of the six derivatives
  std::array<double, 6> sums_{};         ///< of the six derivatives
  std::array<double, 6> with_values_{};  ///< sums of their products with the values
  double power_ = 0;
  float mean_ = 0;
  bool textured_ = false;
};

/// Up to `count` points whose surroundings (of side `window`) have the most texture in their weaker direction (Shi and Tomasi 1994), at
/// least half a window apart and from the border, the strongest first; none with less than a hundredth of the strongest.
std::vector<PixelPoint> textured_points(const PlanePyramid& plane, int count, int window, const Run& run);

/// The way of one point: one position for each frame up to where it was lost.
struct PointTrack {
  std::vector<PixelPoint> at;
  std::vector<double> correlations;
};

/// Follows points from plane 0 on. Each step begins where the patch of the plane before is found, and is then drawn to where the patch of
/// plane 0 itself is found, turned and stretched, if that lies within 2 pixels and resembles it: so errors of the steps do not add up (Shi
/// and Tomasi 1994; Matthews, Ishikawa and Baker 2004). `plane(n)` is asked once for each n in rising order. Time grows with points x
/// frames x window^2; 6 KB are held for each point at a window of 21.
std::vector<PointTrack> track_points(const std::vector<PixelPoint>& points, int frames, const std::function<PlanePyramid(int)>& plane,
                                     const TrackerOptions& options, Run& run);

}  // namespace gantry
