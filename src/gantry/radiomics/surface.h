// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gantry/volume/filters.h"

namespace gantry::radiomics {

/// Area and enclosed volume of the triangle mesh of a mask at the level of one half (marching cubes, Lorensen and Cline 1987): its corners
/// lie half way between a voxel inside and a neighbour outside; beyond the grid is outside. Where a face of a cell has opposite corners
/// inside they are kept apart, so that the mesh is closed. Cost: one pass over the voxels.
struct SurfaceMesh {
  double area_mm2 = 0, volume_mm3 = 0;
};
SurfaceMesh surface_mesh(const MaskView& mask, const Run& run);

/// A point in half voxels.
using HalfVoxel = std::array<std::int64_t, 3>;

/// Triangles of the convex hull of the mesh, counter-clockwise from outside, and its corners. Exact: integer arithmetic in half voxels.
struct ConvexHull {
  std::vector<HalfVoxel> points;
  std::vector<std::array<std::int32_t, 3>> faces;
};
ConvexHull convex_hull(const MaskView& mask);

}  // namespace gantry::radiomics
