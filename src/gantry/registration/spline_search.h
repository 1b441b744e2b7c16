// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/transform.h"
#include "gantry/registration/prepared.h"

namespace gantry {

/// How fine and how stiff the deformation is, and where it starts.
struct SplineSearchOptions {
  double spacing_mm = 8;   ///< of the control points at the last level
  double finest_mm = 1.3;  ///< voxel size of the last level, or that of the images
  double bending = 3;      ///< weight of the bending energy
  int iterations = 40;     ///< at most, of each level
  Transform start{};       ///< moving_from_fixed; linear
};

/// The deformation that was found and how well it fits.
struct SplineSearchResult {
  Transform moving_from_fixed;   ///< the linear start and a field that is zero beyond the reach of the control points
  double correlation = 0;        ///< mean squared correlation in the windows of the last level
  double first_correlation = 0;  ///< the same for the linear start
  double bending = 0;            ///< mean squared second derivative, 1/mm^2
  int levels = 0, evaluations = 0;
};

/// Free-form deformation (Rueckert et al. 1999) with the highest local correlation, from coarse to fine.
SplineSearchResult search_spline(const Prepared& fixed, const Prepared& moving, const SplineSearchOptions& options, Run& run);

}  // namespace gantry
