// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/video/frames.h"

#include "gantry/base/error.h"

namespace gantry {

std::vector<float> grey_frame(const Image& frames, std::int64_t frame) {
  const Image one = frames.frame(frame);
  const VoxelView<float> values = one.as<float>();
  const std::int64_t count = one.grid().size(0) * one.grid().size(1);
  const int components = one.components();
  std::vector<float> grey(static_cast<std::size_t>(count));
  for (std::int64_t n = 0; n < count; ++n) {
    const float* v = values.data() + n * components;
    const float sum = components >= 3 ? 0.299F * v[0] + 0.587F * v[1] + 0.114F * v[2] : v[0];
    grey[static_cast<std::size_t>(n)] = std::isfinite(sum) ? sum : 0.0F;
  }
  return grey;
}

std::pair<float, float> display_range(const std::vector<float>& grey) {
  std::vector<float> sorted = grey;
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&](double part) { return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))]; };
  float low = at(0.01), high = at(0.995);
  if (!(high > low)) {
    low = sorted.front();
    high = std::max(sorted.back(), std::nextafter(low + 1.0F, INFINITY));
  }
  return {low, high};
}

Image picture_frame(const std::vector<float>& grey, const Grid& grid, std::pair<float, float> range) {
  auto picture = Voxels<std::uint8_t>::uninitialized(Grid({grid.size(0), grid.size(1), 1}, grid.spacing_mm()));
  for (std::int64_t n = 0; n < picture.count(); ++n) {
    const float part = (grey[static_cast<std::size_t>(n)] - range.first) / (range.second - range.first);
    picture[n] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(part, 0.0F, 1.0F)));
  }
  return picture;
}

Image picture_frame(const Image& frames, std::int64_t frame, std::pair<float, float> range) {
  if (frames.components() == 3 && frames.type() == PixelType::u8) {
    const Image one = frames.frame(frame);
    auto picture = Voxels<std::uint8_t>::uninitialized(Grid({one.grid().size(0), one.grid().size(1), 1}, one.grid().spacing_mm()), 3);
    const auto values = one.as<std::uint8_t>();
    std::copy_n(values.data(), picture.count(), picture.data());
    return picture;
  }
  return picture_frame(grey_frame(frames, frame), frames.grid(), range);
}

}  // namespace gantry
