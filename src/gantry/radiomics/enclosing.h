// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <vector>

#include "gantry/radiomics/surface.h"

namespace gantry::radiomics {

/// Lengths of the semi-axes of an ellipsoid in mm, longest first.
using SemiAxes = std::array<double, 3>;

double ellipsoid_volume(const SemiAxes& axes);
/// By Legendre polynomials to the 20th (IBSI 1, area density of the approximate enclosing ellipsoid, RDD2).
double ellipsoid_area(const SemiAxes& axes);

/// Corners of a hull in mm about its first corner.
std::vector<Vec3> corners_mm(const ConvexHull& hull, Vec3 spacing_mm);
struct HullMeasures {
  double volume_mm3 = 0, area_mm2 = 0, diameter_mm = 0;
};
HullMeasures hull_measures(const ConvexHull& hull, const std::vector<Vec3>& corners);
/// Side lengths of the smallest box with one side on a face of the hull.
Vec3 oriented_box_mm(const ConvexHull& hull, const std::vector<Vec3>& corners);
/// The smallest ellipsoid around the corners, to 0.1 % of its volume (Khachiyan 1996).
SemiAxes enclosing_ellipsoid_mm(const std::vector<Vec3>& corners);

}  // namespace gantry::radiomics
