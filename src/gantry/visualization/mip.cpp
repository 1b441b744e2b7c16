// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/mip.h"

#include "gantry/operation/frames.h"

namespace gantry {

void IntensityProjection::describe(Description<IntensityProjection>& d) {
  d.summary("Projects a volume on a plane: maximum, minimum or mean along each line of sight.");
  d.input("image", "Volume to project");
  d.parameter("method", &IntensityProjection::method, "What becomes of the values along a line of sight");
  d.parameter("plane", &IntensityProjection::plane, "Plane of the picture, along the voxel axes nearest to the patient's");
  d.parameter("angle", &IntensityProjection::angle, "Walk around the patient: 0 is the plane's own view, 90 from the left (coronal only)")
      .unit("deg")
      .range(-360, 360);
  d.parameter("slab", &IntensityProjection::slab, "Thickness of the part that is projected; 0 is the whole volume")
      .unit("mm")
      .range(0, 10000);
  d.parameter("position", &IntensityProjection::position,
              "Middle of the slab along the patient axis that the plane crosses (x, y or z in LPS); the volume's middle when not given")
      .unit("mm")
      .range(-100000, 100000);
  d.output("projection", "2-D image in the plane");
  d.example("gantry visualization mip pet.nii.gz mip.png");
  d.example("gantry visualization mip ct.nii.gz slab.nii --plane axial --slab 10 --position -120");
  d.reference("Wallis JW et al. Three-dimensional display in nuclear medicine. IEEE Trans Med Imaging 1989;8:297-303.");
  d.rule([](const IntensityProjection& p) {
    if (p.angle != 0 && p.plane != Plane::coronal) throw Error(ErrorCode::parameter, "angle: needs the coronal plane");
    if (p.angle != 0 && p.slab != 0) throw Error(ErrorCode::parameter, "angle: does not go with a slab");
    if (p.position && p.slab == 0) throw Error(ErrorCode::parameter, "position: needs a slab");
  });
}

Image IntensityProjection::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  const Grid& grid = image.grid();
  return per_frame(image, run, [&](const Image& frame, Run& part) {
    if (angle != 0) {
      return image_of(project_rotated(frame, angle, method, part), false, false, 1).as<float>().clone();
    }
    const PlaneAxes axes = plane_axes(grid, plane);
    const double step = grid.spacing_mm()[axes.through];
    std::int64_t first = 0;
    std::int64_t last = grid.size(axes.through) - 1;
    if (slab > 0) {
      std::int64_t middle = slice_index(grid, plane, std::nullopt);
      if (position) {
        Vec3 point = grid.world_from_voxel({0.5 * static_cast<double>(grid.size(0) - 1), 0.5 * static_cast<double>(grid.size(1) - 1),
                                            0.5 * static_cast<double>(grid.size(2) - 1)});
        point[plane == Plane::axial ? 2 : plane == Plane::coronal ? 1 : 0] = *position;
        const double index = grid.voxel_from_world(point)[axes.through];
        if (!(index >= -0.5 && index <= static_cast<double>(last) + 0.5)) {
          throw Error(ErrorCode::not_possible, fmt::format("position: lies outside the volume; got {:g} mm", *position));
        }
        middle = slice_index(grid, plane, point);
      }
      const auto half = static_cast<std::int64_t>(std::floor(0.5 * slab / step + 1e-9));
      first = std::max<std::int64_t>(0, middle - half);
      last = std::min(last, middle + half);
    }
    const Lattice lattice = project_slices(frame, plane, first, last, method, part);
    return image_of(lattice, axes.right_flipped, axes.down_flipped, step * static_cast<double>(last - first + 1)).as<float>().clone();
  });
}

Cost IntensityProjection::cost(const Image& image) const {
  const auto voxels = static_cast<double>(image.count());
  return {.bytes = static_cast<std::uint64_t>(std::pow(voxels, 2.0 / 3.0) * 16), .seconds = voxels * (angle == 0 ? 1.5e-9 : 6e-8)};
}

}  // namespace gantry
