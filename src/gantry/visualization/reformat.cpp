// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/reformat.h"

#include "gantry/operation/frames.h"
#include "gantry/visualization/slice.h"

namespace gantry {

namespace {

/// Right, down and through of the pictures, as columns.
Mat3 frame_of(const Reformat& reformat) {
  const Vec3 left{1, 0, 0};
  const Vec3 posterior{0, 1, 0};
  const Vec3 head{0, 0, 1};
  switch (reformat.plane) {
    case StackPlane::axial:
      return {{left, posterior, head}};
    case StackPlane::coronal:
      return {{left, -1.0 * head, posterior}};
    case StackPlane::sagittal:
      return {{posterior, -1.0 * head, -1.0 * left}};
    default:
      break;
  }
  const Vec3 through = normalized(reformat.normal);
  const Vec3 towards = std::abs(through.x) < 0.9 ? left : posterior;
  const Vec3 right = normalized(towards - dot(towards, through) * through);
  return {{right, cross(through, right), through}};
}

}  // namespace

void Reformat::describe(Description<Reformat>& d) {
  d.summary("Samples a volume on a stack of axial, coronal, sagittal or oblique planes.");
  d.input("image", "Volume to reformat");
  d.parameter("plane", &Reformat::plane, "Planes of the stack, in the patient's axes");
  d.parameter("normal", &Reformat::normal, "Direction of the stack of oblique planes, in LPS").range(-1e6, 1e6);
  d.parameter("spacing", &Reformat::spacing, "Size of a pixel; 0 is the smallest spacing of the image").unit("mm").range(0, 1000);
  d.parameter("slice_spacing", &Reformat::slice_spacing, "Distance of the planes; 0 is the pixel size").unit("mm").range(0, 1000);
  d.parameter("interpolation", &Reformat::interpolation, "How values between voxel centres come about");
  d.parameter("outside", &Reformat::outside, "Value outside the volume; its minimum when not given").range(-1e9, 1e9);
  d.output("stack", "Planes along k");
  d.example("gantry visualization reformat ct.nii.gz coronal.nii.gz --plane coronal --slice-spacing 3");
  d.example("gantry visualization reformat mr.nii.gz oblique.nii.gz --plane oblique --normal 0,0.3,0.95 --interpolation cubic");
  d.rule([](const Reformat& r) {
    if (r.plane == StackPlane::oblique && !(norm(r.normal) > 1e-6)) {
      throw Error(ErrorCode::parameter, "normal: must not be zero; got 0, 0, 0");
    }
  });
}

Grid Reformat::output_grid(const Image& image) const {
  const Grid& grid = image.grid();
  const Mat3 frame = frame_of(*this);
  const Vec3 own = grid.spacing_mm();
  const double pixel = spacing > 0 ? spacing : std::min({own.x, own.y, own.z});
  const Vec3 step{pixel, pixel, slice_spacing > 0 ? slice_spacing : pixel};
  Vec3 low{1e300, 1e300, 1e300};
  Vec3 high{-1e300, -1e300, -1e300};
  for (int corner = 0; corner < 8; ++corner) {
    Vec3 voxel;
    for (int axis = 0; axis < 3; ++axis) voxel[axis] = (corner >> axis & 1) ? static_cast<double>(grid.size(axis)) - 0.5 : -0.5;
    const Vec3 world = grid.world_from_voxel(voxel);
    for (int axis = 0; axis < 3; ++axis) {
      const double at = dot(world, frame.column[static_cast<std::size_t>(axis)]);
      low[axis] = std::min(low[axis], at);
      high[axis] = std::max(high[axis], at);
    }
  }
  Size3 size{};
  Vec3 origin;
  for (int axis = 0; axis < 3; ++axis) {
    // As many voxels as hold the box, up to a thousandth of one, with the box in their middle.
    const double count = std::max(1.0, std::ceil((high[axis] - low[axis]) / step[axis] - 1e-3));
    if (!(count < 100000)) throw Error(ErrorCode::not_possible, "spacing: too small for this volume");
    size[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(count);
    const double first = 0.5 * (low[axis] + high[axis]) - 0.5 * (count - 1) * step[axis];
    origin = origin + first * frame.column[static_cast<std::size_t>(axis)];
  }
  return Grid(size, step, origin, frame);
}

Image Reformat::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  const Grid target = output_grid(image);
  return per_frame(image, run, [&](const Image& frame, Run& part) {
    double background = outside.value_or(0);
    if (!outside) {
      const auto values = frame.as<float>();
      float lowest = INFINITY;
      for (const float value : values.values()) lowest = value < lowest ? value : lowest;
      background = std::isfinite(lowest) ? lowest : 0;
    }
    return resample(frame.as<float>(), target, interpolation, static_cast<float>(background), part);
  });
}

Cost Reformat::cost(const Image& image) const {
  const auto voxels = static_cast<double>(output_grid(image).voxel_count());
  const double each = interpolation == Interpolation::cubic ? 6e-8 : 1.5e-8;
  return {.bytes = static_cast<std::uint64_t>(voxels) * 4 + static_cast<std::uint64_t>(image.count()) * 4, .seconds = voxels * each};
}

}  // namespace gantry
