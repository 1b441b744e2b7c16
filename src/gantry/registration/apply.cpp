// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/apply.h"

#include "gantry/registration/warp.h"

namespace gantry {

void ApplyTransform::describe(Description<ApplyTransform>& d) {
  d.summary("Brings an image or labels to the grid of a reference by a transform.");
  d.input("moving", "Image to bring into place");
  d.input("transform",
          "Maps points of the reference to the moving image, as registrations give it: .json, .tfm or a field in mm (.nii.gz)");
  d.input("reference", "Image whose grid the result takes: the fixed one of the registration");
  d.parameter("interpolation", &ApplyTransform::interpolation, "How values come about; nearest keeps labels");
  d.parameter("outside", &ApplyTransform::outside, "Value where the moving image does not reach");
  d.output("registered", "The moving image on the grid of the reference");
  d.example("gantry registration apply mask.nii.gz moving-from-fixed.json fixed.nii.gz mask-on-fixed.nii.gz --interpolation nearest");
  d.reference("Unser M, Aldroubi A, Eden M. B-spline signal processing. IEEE Trans Signal Process 1993; 41:821-848.");
}

Image ApplyTransform::operator()(const Image& moving, const Transform& transform, const Image& reference, Run& run) const {
  check_parameters(*this);
  return warp(moving, transform, reference.grid(), interpolation, outside, run);
}

Grid ApplyTransform::output_grid(const Image&, const Transform&, const Image& reference) const { return reference.grid(); }

Cost ApplyTransform::cost(const Image& moving, const Transform&, const Image& reference) const {
  const auto result = static_cast<double>(reference.grid().voxel_count() * moving.components());
  const double bytes = 4 * (result + static_cast<double>(moving.count()) * (interpolation == Interpolation::cubic ? 2 : 1));
  return {.bytes = static_cast<std::uint64_t>(bytes), .seconds = result * (interpolation == Interpolation::cubic ? 4e-7 : 1e-7)};
}

void ApplyToPoints::describe(Description<ApplyToPoints>& d) {
  d.summary("Takes points through a transform, or back through its inverse.");
  d.input("points", "Points in LPS mm: CSV with x, y, z, or a text file of ITK's tools (point, count, then x y z)");
  d.input("transform", "A transform; what registrations give takes points of the fixed to the moving volume");
  d.parameter("inverse", &ApplyToPoints::inverse, "The other way: from the moving to the fixed volume");
  d.output("moved", "The points where they come to lie; CSV or, by the ending .txt, a text file");
  d.example("gantry registration apply-points landmarks.csv moving-from-fixed.json there.csv");
}

PointSet ApplyToPoints::operator()(const PointSet& points, const Transform& transform, Run& run) const {
  check_parameters(*this);
  PointSet moved;
  moved.names = points.names;
  std::int64_t outside = 0;
  const Transform linear(transform.linear(), transform.translation_mm());
  for (std::size_t n = 0; n < points.positions_mm.size(); ++n) {
    if (n % 1024 == 0) run.progress(static_cast<double>(n) / static_cast<double>(points.positions_mm.size()));
    const Vec3& point = points.positions_mm[n];
    Vec3 from = point;
    if (inverse) {
      const std::optional<Vec3> back = inverse_point(transform, point);
      if (!back) throw Error(ErrorCode::not_possible, fmt::format("points: point {} has no inverse: the transform folds there", n + 1));
      moved.positions_mm.push_back(*back);
      from = *back;
    } else {
      moved.positions_mm.push_back(transform(point));
    }
    if (transform.is_linear()) continue;
    const Grid& grid = transform.displacement_mm()->grid();
    const Vec3 voxel = grid.voxel_from_world(linear(from));
    for (int axis = 0; axis < 3; ++axis) {
      if (voxel[axis] >= 0 && voxel[axis] <= static_cast<double>(grid.size(axis) - 1)) continue;
      ++outside;
      break;
    }
  }
  if (outside > 0)
    run.warn(fmt::format("{} of {} points lie outside the field of the transform: only its linear part moves them", outside,
                         points.positions_mm.size()));
  return moved;
}

}  // namespace gantry
