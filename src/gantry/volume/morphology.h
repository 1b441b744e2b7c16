// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/volume/filters.h"

namespace gantry {

/// Which voxels are neighbours: sharing a face, also an edge, also a corner.
enum class Connectivity { faces = 6, edges = 18, corners = 26 };
constexpr std::array<std::pair<Connectivity, std::string_view>, 3> choices_of(Connectivity) {
  return {{{Connectivity::faces, "faces"}, {Connectivity::edges, "edges"}, {Connectivity::corners, "corners"}}};
}

/// Connected components of the non-zero voxels. `labels` is numbered 1.. in order of falling size (ties: first voxel first).
struct Components {
  Voxels<std::int32_t> labels;
  struct Item {
    std::int64_t voxels = 0;
    std::array<std::int64_t, 3> begin{}, end{};  ///< bounding box, end exclusive
    Vec3 centroid_voxel;
    bool touches_border = false;  ///< of the grid in i or j (not k)
  };
  std::vector<Item> items;  ///< items[n] describes label n + 1
};
Components connected_components(const MaskView& mask, Connectivity connectivity, const Run& run);

/// The component with the most voxels; empty mask in, empty mask out.
Mask largest_component(const MaskView& mask, Connectivity connectivity, const Run& run);
/// Background components that do not reach the border of the grid become foreground; `per_slice` works on each k alone
/// (its border is that of the slice).
Mask fill_holes(const MaskView& mask, bool per_slice, const Run& run);

/// Exact Euclidean distance in mm from each voxel centre to the nearest voxel centre with mask != 0 (0 inside); infinity for an empty mask.
/// Honours slice positions. One volume of f32.
/// Lower envelope of parabolas (Felzenszwalb and Huttenlocher 2012).
Voxels<float> distance(const MaskView& mask, const Run& run);

/// Morphology by a ball of `radius_mm`: all voxels whose centre lies within the radius (1e-6 more, against rounding). Beyond the grid is
/// background for dilation and foreground for erosion. The result is 0 or 1.
Mask dilate(const MaskView& mask, double radius_mm, const Run& run);
Mask erode(const MaskView& mask, double radius_mm, const Run& run);
Mask open(const MaskView& mask, double radius_mm, const Run& run);
/// The grid is extended inside, so that closing does not stick to its border (axes of one voxel are not: a slice is closed as a plane).
Mask close(const MaskView& mask, double radius_mm, const Run& run);

}  // namespace gantry
