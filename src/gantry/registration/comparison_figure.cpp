// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/comparison_figure.h"

#include "gantry/registration/warp.h"
#include "gantry/visualization/figure.h"

namespace gantry {

namespace {

constexpr int height_px = 420;
constexpr double lattice_mm = 10;

/// Pixels of a coronal plane through the middle of a grid: where each lies in the world, head up, the patient's right on the left.
class Plane2 {
 public:
  explicit Plane2(const Grid& grid) {
    Vec3 low{INFINITY, INFINITY, INFINITY}, high{-INFINITY, -INFINITY, -INFINITY};
    for (int corner = 0; corner < 8; ++corner) {
      Vec3 voxel;
      for (int axis = 0; axis < 3; ++axis) voxel[axis] = corner >> axis & 1 ? static_cast<double>(grid.size(axis)) - 0.5 : -0.5;
      const Vec3 world = grid.world_from_voxel(voxel);
      for (int axis = 0; axis < 3; ++axis) {
        low[axis] = std::min(low[axis], world[axis]);
        high[axis] = std::max(high[axis], world[axis]);
      }
    }
    step = (high.z - low.z) / height_px;
    width = static_cast<int>(std::clamp(std::round((high.x - low.x) / step), 16.0, 4096.0));
    first = {low.x + 0.5 * step, 0.5 * (low.y + high.y), high.z - 0.5 * step};
  }
  Vec3 world(int x, int y) const { return {first.x + x * step, first.y, first.z - y * step}; }
  double step;
  int width;
  Vec3 first;
};

template <class Shade>
Image drawn(const Plane2& plane, Shade shade) {
  auto image = Voxels<std::uint8_t>::uninitialized(Grid({plane.width, height_px, 1}, {plane.step, plane.step, 1}), 3);
  for (int y = 0; y < height_px; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      const std::array<double, 3> rgb = shade(plane.world(x, y));
      for (std::size_t c = 0; c < 3; ++c)
        image[3 * (static_cast<std::int64_t>(y) * plane.width + x) + static_cast<std::int64_t>(c)] =
            static_cast<std::uint8_t>(std::lround(255 * std::clamp(rgb[c], 0.0, 1.0)));
    }
  }
  return image;
}

/// Values of a range as 0 to 1; 0 outside the volume.
class Shown {
 public:
  Shown(const Image& image, const ValueRange& range) : sampler_(image, NAN), low_(range.low), scale_(1 / (range.high - range.low)) {}
  double operator()(Vec3 world) const {
    const float value = sampler_.linear(world);
    return std::isnan(value) ? 0 : std::clamp((value - low_) * scale_, 0.0, 1.0);
  }

 private:
  WorldSampler sampler_;
  double low_, scale_;
};

}  // namespace

Image comparison_figure(const Image& fixed, const ValueRange& fixed_range, const Image& before, const Image& after,
                        const ValueRange& moving_range, const Transform& moving_from_fixed, Run& run) {
  run.check();
  const Plane2 plane(fixed.grid());
  const Shown ground(fixed, fixed_range), first(before, moving_range), second(after, moving_range);
  const auto over = [&](const Shown& other) {
    return drawn(plane, [&](Vec3 world) {
      const double g = ground(world), m = other(world);
      return std::array<double, 3>{m, g, m};
    });
  };
  const Transform back = inverse_linear(Transform(moving_from_fixed.linear(), moving_from_fixed.translation_mm()));
  const Image lattice = drawn(plane, [&](Vec3 world) {
    const double grey = 0.7 * ground(world);
    // How near a line of the lattice is, in pixels, along the two directions of the picture.
    double line = 0;
    const Vec3 here = back(moving_from_fixed(world));
    for (const int axis : {0, 2}) {
      Vec3 step;
      step[axis] = 0.5 * plane.step;
      const Vec3 slope = back(moving_from_fixed(world + step)) - back(moving_from_fixed(world - step));
      const double away = std::abs(here[axis] - lattice_mm * std::round(here[axis] / lattice_mm));
      line = std::max(line, std::clamp(1.2 - away / std::max(std::abs(slope[axis]), 0.2 * plane.step), 0.0, 1.0));
    }
    return std::array<double, 3>{grey + line * (1 - grey), grey + line * (0.8 - grey), grey * (1 - line) + 0.1 * line};
  });
  const std::vector<Image> parts{over(first), over(second), lattice};
  return montage(parts, 3);
}

}  // namespace gantry
