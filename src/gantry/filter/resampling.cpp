// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/resampling.h"

namespace gantry {

namespace {

constexpr double most_voxels = 0x1p33;

Voxels<float> one_frame(const VoxelView<float>& image, const Grid& target, Interpolation interpolation, double outside, Run& run) {
  return resample(image, target, interpolation, static_cast<float>(outside), run);
}

/// Nearest neighbours of each frame. T holds every value of the image: its own type, i16 for i8, f32 for f64 (rounded).
template <class T>
Image nearest_of(const Image& image, const Grid& target, double outside, Run& run) {
  auto joined = Voxels<T>::uninitialized(target, 1, image.frames());
  const T fill = Image(Voxels<double>(Grid(), outside)).as<T>()[0];
  for (std::int64_t t = 0; t < image.frames(); ++t) {
    run.check();
    const VoxelView<T> frame = image.frame(t).as<T>();
    const Voxels<T> values = resample_nearest(frame, target, fill, run);
    std::copy_n(values.data(), values.count(), joined.data() + t * values.count());
  }
  return joined;
}

}  // namespace

void Resampling::describe(Description<Resampling>& d) {
  d.summary("Brings an image to another spacing or to the grid of another image.");
  d.input("image", "Image to resample");
  d.input("reference", "Image whose grid the result takes; instead of a spacing");
  d.parameter("spacing", &Resampling::spacing, "Distance between voxels along i, j and k; the box of the image stays").unit("mm");
  d.parameter("interpolation", &Resampling::interpolation, "How values between voxel centres come about");
  d.parameter("outside", &Resampling::outside, "Value of voxels that lie outside the image");
  d.output("resampled", "Image on the new grid");
  d.example("gantry filter resample ct.nii.gz even.nii.gz --spacing 1,1,1");
  d.example("gantry filter resample labels.nii.gz on-ct.nii.gz --reference ct.nii.gz --interpolation nearest");
  d.reference("Unser M, Aldroubi A, Eden M. B-spline signal processing. IEEE Trans Signal Process 1993; 41:821-848.");
}

Grid Resampling::output_grid(const Image& image, const Image* reference) const {
  if (spacing.has_value() == (reference != nullptr)) {
    throw Error(ErrorCode::parameter,
                spacing ? "spacing: must not be given together with a reference" : "spacing: must be given, or a reference instead");
  }
  if (reference != nullptr) return reference->grid();
  double voxels = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const double step = (*spacing)[axis];
    if (!(step > 0 && std::isfinite(step))) {
      throw Error(ErrorCode::parameter, fmt::format("spacing: must be positive; got {} mm along axis {}", step, axis));
    }
    voxels *= std::max(1.0, static_cast<double>(image.grid().size(axis)) * image.grid().spacing_mm()[axis] / step);
  }
  if (!(voxels <= most_voxels)) {
    throw Error(ErrorCode::parameter, fmt::format("spacing: gives {:.3g} voxels; at most {:.3g} are allowed", voxels, most_voxels));
  }
  return with_spacing(image.grid(), *spacing);
}

Image Resampling::operator()(const Image& image, const Image* reference, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  const Grid target = output_grid(image, reference);
  if (interpolation != Interpolation::nearest) {
    return per_frame(image, run,
                     [&](const Image& frame, Run& part) { return one_frame(frame.as<float>(), target, interpolation, outside, part); });
  }
  switch (image.type()) {
    case PixelType::u8:
      return nearest_of<std::uint8_t>(image, target, outside, run);
    case PixelType::i16:
      return nearest_of<std::int16_t>(image, target, outside, run);
    case PixelType::u16:
      return nearest_of<std::uint16_t>(image, target, outside, run);
    case PixelType::i32:
      return nearest_of<std::int32_t>(image, target, outside, run);
    case PixelType::u32:
      return nearest_of<std::uint32_t>(image, target, outside, run);
    case PixelType::i8:
      return nearest_of<std::int16_t>(image, target, outside, run);
    default:
      return nearest_of<float>(image, target, outside, run);
  }
}

Cost Resampling::cost(const Image& image, const Image* reference) const {
  const auto result = static_cast<double>(output_grid(image, reference).voxel_count() * image.frames());
  const auto source = static_cast<double>(image.grid().voxel_count());
  const double bytes = 4 * (result + (interpolation == Interpolation::cubic ? 2 * source : source));
  return {.bytes = static_cast<std::uint64_t>(bytes), .seconds = result * (interpolation == Interpolation::cubic ? 1e-8 : 4e-9)};
}

}  // namespace gantry
