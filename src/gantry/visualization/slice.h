// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry {

/// A plane through the patient. Planes follow the voxel axes nearest to the patient's, so that the pixels of a tilted volume stay crisp.
enum class Plane { axial, coronal, sagittal };
constexpr std::array<std::pair<Plane, std::string_view>, 3> choices_of(Plane) {
  return {{{Plane::axial, "axial"}, {Plane::coronal, "coronal"}, {Plane::sagittal, "sagittal"}}};
}

/// How voxels along the line of sight become one pixel.
enum class Projection { none, maximum, minimum, mean };
/// What may be asked for: all but `none`.
constexpr std::array<std::pair<Projection, std::string_view>, 3> choices_of(Projection) {
  return {{{Projection::maximum, "maximum"}, {Projection::minimum, "minimum"}, {Projection::mean, "mean"}}};
}

/// A plane of samples where they were measured: value (i, j) lies at origin + u_mm[i] * u_axis + v_mm[j] * v_axis. Axes are unit vectors
/// in world and need not be at right angles (tilted gantry); positions rise.
struct Lattice {
  std::vector<float> values;  ///< i fastest
  Vec3 origin_mm, u_axis, v_axis;
  std::vector<double> u_mm, v_mm;
  int width() const { return static_cast<int>(u_mm.size()); }
  int height() const { return static_cast<int>(v_mm.size()); }
  float at(int i, int j) const { return values[static_cast<std::size_t>(j) * u_mm.size() + static_cast<std::size_t>(i)]; }
};

/// Which voxel axis of a grid runs to the right of the picture, which downwards and which along the line of sight, and whether against
/// the voxel order. Axial and coronal pictures have the patient's right on the left, sagittal ones anterior on the left.
struct PlaneAxes {
  int right = 0, down = 1, through = 2;
  bool right_flipped = false, down_flipped = false;
};
PlaneAxes plane_axes(const Grid& grid, Plane plane);

/// Index along the line of sight of the slice nearest to a world position; nothing = the middle slice. Clamped to the volume.
std::int64_t slice_index(const Grid& grid, Plane plane, const std::optional<Vec3>& position_mm);

/// One slice (first frame, first component) as it was sampled.
Lattice extract_slice(const Image& image, Plane plane, std::int64_t index);
/// The slices from `first` to `last` projected on one.
Lattice project_slices(const Image& image, Plane plane, std::int64_t first, std::int64_t last, Projection projection, const Run& run);
/// The whole volume seen by a viewer who walks around the patient: 0 degrees from the front, 90 from the patient's left. Rays are
/// sampled linearly at the smallest spacing.
Lattice project_rotated(const Image& image, double angle_degrees, Projection projection, const Run& run);

/// A lattice as a 2-D image (f32, one slice of `thickness_mm`) whose rows run to the right of the picture and whose columns run down it;
/// uneven positions become even ones of the mean step by linear interpolation.
Image image_of(const Lattice& lattice, bool right_flipped, bool down_flipped, double thickness_mm);

/// Linear samples of a volume at world positions: first frame, first component; `outside` beyond half a voxel around the volume.
class WorldSampler {
 public:
  explicit WorldSampler(const Image& image, float outside = 0);
  float linear(Vec3 world_mm) const;
  float nearest(Vec3 world_mm) const;

 private:
  float value(std::int64_t i, std::int64_t j, std::int64_t k) const;
  Image image_;
  Grid grid_;
  Mat3 local_from_world_;
  float outside_;
};

/// Quantiles of (at most about a million, evenly spaced) finite values of the first component that exceed `above`.
std::vector<double> sampled_quantiles(const Image& image, double above, const std::vector<double>& q);

}  // namespace gantry
