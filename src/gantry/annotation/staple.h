// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gantry {

/// A set of raters (bit n: rater n) who marked the same voxels, and how many voxels those are.
struct RaterPattern {
  std::uint64_t marked = 0;
  std::int64_t voxels = 0;
};

/// What STAPLE finds for one structure.
struct Staple {
  std::vector<double> sensitivity, specificity;  ///< of each rater
  std::vector<double> probability;               ///< that the structure is where the pattern is, of each pattern
  int iterations = 0;
};

/// Simultaneous truth and performance level estimation: expectation maximisation of what each rater is worth and where the structure is.
/// The prior is the raters' mean share; starts with all rates at 0.99999, ends when no rate changes by more than 1e-7, after 1000 steps at
/// most. Voxels count by patterns, so its cost does not grow with the image. Warfield SK, Zou KH, Wells WM. IEEE Trans Med Imaging 2004;
/// 23:903-921.
Staple staple(std::span<const RaterPattern> patterns, std::size_t raters);

}  // namespace gantry
