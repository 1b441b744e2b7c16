// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/picture.h"

#include "gantry/base/error.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/resample.h"

namespace gantry {

Image picture_of(const Image& image) {
  const Grid& grid = image.grid();
  const Image frame = image.frame(0);
  const bool bytes = image.type() == PixelType::u8 || (image.type() == PixelType::u16 && image.components() == 1);
  if (grid.size(2) == 1 && bytes) return frame;
  if (image.components() != 1) throw Error(ErrorCode::not_possible, "picture: colour must be 2-D of 8 bits");
  Voxels<float> slice = crop<float>(frame.as<float>(), {0, 0, grid.size(2) / 2}, {grid.size(0), grid.size(1), 1});
  const Vec3 spacing = slice.grid().spacing_mm();
  if (const double finest = std::min(spacing.x, spacing.y); std::max(spacing.x, spacing.y) > 1.01 * finest) {
    slice = resample(slice, with_spacing(slice.grid(), {finest, finest, spacing.z}), Interpolation::linear, 0, Run());
  }
  std::vector<float> finite;
  for (const float value : slice.values()) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  const double low = finite.empty() ? 0 : quantile(finite, 0.005);
  const double high = finite.empty() ? 1 : std::max(low + 1e-6, quantile(std::move(finite), 0.995));
  auto grey = Voxels<std::uint8_t>::uninitialized(slice.grid());
  for (std::int64_t n = 0; n < slice.count(); ++n) {
    const double share = (static_cast<double>(slice[n]) - low) / (high - low);
    grey[n] = static_cast<std::uint8_t>(std::lround(255 * (std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.0)));
  }
  return grey;
}

}  // namespace gantry
