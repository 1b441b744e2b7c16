// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/volume/filters.h"

namespace gantry {

/// How `estimate_bias_field` works; the defaults are those of the published method.
struct BiasFieldOptions {
  int levels = 4;                 ///< 1 to 8; the spans of the spline double with each level
  int iterations = 50;            ///< at most, for each level
  double convergence = 1e-3;      ///< stop a level when the coefficient of variation of the change of the field falls below this
  double kernel_fwhm = 0.15;      ///< width of the blur of log intensities that the field is thought to cause
  double wiener_noise = 0.01;     ///< regularisation of the deconvolution
  int bins = 200;                 ///< of the histogram of log intensities
  double working_spacing_mm = 4;  ///< the image is averaged down to about this spacing
};

/// A smooth multiplicative field: the exponential of a sum of cubic B-splines over the box of the image it was made for.
class BiasField {
 public:
  /// One level: control values with (spans + 3) points along each axis, i fastest.
  struct Lattice {
    std::array<int, 3> points{};
    std::vector<double> control;
  };
  /// `extent`: what the splines span, in voxels of `domain` from its first corner.
  BiasField(Grid domain, Size3 extent, std::vector<Lattice> levels, int iterations);

  /// The factor by which the true intensity was multiplied, at the voxels of the image that it was estimated from.
  Voxels<float> factors(const Run& run) const;
  /// `image` (on that grid) divided by the factors.
  Voxels<float> corrected(const VoxelView<float>& image, const Run& run) const;
  /// Number of updates over all levels.
  int iterations() const { return iterations_; }

 private:
  Grid domain_;
  Size3 extent_;
  std::vector<Lattice> levels_;
  int iterations_;
};

/// Estimates the slowly varying receive and transmit field of an MR image by N4 (Tustison et al., IEEE TMI 29:1310, 2010), the
/// non-parametric sharpening of the histogram of Sled et al. (IEEE TMI 17:87, 1998) with a multilevel B-spline fit (Lee et al., IEEE TVCG
/// 3:228, 1997). Only voxels under `mask` with finite positive values take part. The mean of the log field over them is zero, so the
/// overall intensity stays. Throws Error(parameter) for options out of range or grids that differ, Error(not_possible) with fewer than 64
/// usable voxels or constant intensity. Cost: about a second for a head, independent of the image's size after averaging.
BiasField estimate_bias_field(const VoxelView<float>& image, const MaskView& mask, const BiasFieldOptions& options, const Run& run);

}  // namespace gantry
