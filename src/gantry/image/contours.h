// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/image/geometry.h"
#include "gantry/image/structures.h"

namespace gantry {

/// A closed planar polygon in world (LPS mm); the last point joins the first. At least three points.
using Contour = std::vector<Vec3>;

/// One named region: all its polygons, in no order. Polygons of one plane are combined by the even-odd rule, so that a polygon inside
/// another is a hole.
struct ContouredRegion {
  int number = 0;    ///< unique within the set
  std::string name;  ///< as its author wrote it; need not be unique
  std::string kind;  ///< RT ROI Interpreted Type (PS3.3 C.8.8.8.1): "PTV", "ORGAN", "EXTERNAL", ...; may be empty
  Color color{};
  std::vector<Contour> polygons;
};

/// What a structure set holds: regions drawn as planar polygons, independent of any grid.
struct Contours {
  std::string frame_of_reference_uid;
  std::vector<ContouredRegion> regions;
};

/// The regions of one plane each, as needed to measure and to fill: polygons with coordinates in that plane.
struct ContourPlane {
  double height_mm = 0;  ///< along the normal, from the world's origin
  /// Polygons; x and y count along `ContourStack::across` and `ContourStack::along`, z is 0.
  std::vector<Contour> polygons;
};

/// A region's polygons sorted into parallel planes.
struct ContourStack {
  Vec3 across{1, 0, 0}, along{0, 1, 0}, normal{0, 0, 1};  ///< orthonormal, right-handed
  double spacing_mm = 0;                                  ///< smallest distance of two neighbouring planes; 0 for a single plane
  std::vector<ContourPlane> planes;                       ///< by rising height
  Vec3 world(double x_mm, double y_mm, double height_mm) const { return x_mm * across + y_mm * along + height_mm * normal; }
};

/// Throws Error(not_possible), with the region's name, when a polygon is not planar or two are not parallel (tolerance: `tolerance_mm`, at
/// most 1 degree) or a point is farther than 1 km. Planes nearer than `tolerance_mm` become one. An empty region gives no planes.
ContourStack stack_of(const ContouredRegion& region, double tolerance_mm = 0.1);

/// Contours whose measures are known, by the name of the image phantom of the same shape: `sphere` (radius 20 mm), `box`, `cylinder`, each
/// as one region of that name, with planes 1 mm apart through the centres of the phantom's slices; `two_spheres` as regions `left` and
/// `right`. Circles have 720 corners on a radius that gives them the circle's area. Throws Error(usage) that lists the names.
Contours phantom_contours(std::string_view name);

}  // namespace gantry
