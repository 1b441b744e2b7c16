// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>

#include "gantry/base/random.h"
#include "gantry/image/image.h"

namespace gantry {

/// A made head-sized scene that can be sampled anywhere: a smooth-edged ellipsoid full of blobs of many sizes. Values 0 to about 1,000.
class BlobScene {
 public:
  BlobScene() {
    Random random(5);
    while (blobs_.size() < 300) {
      const Vec3 at{random.next_uniform(-60, 60), random.next_uniform(-70, 70), random.next_uniform(-55, 55)};
      if (inside(at) > 0.8) continue;
      blobs_.push_back({at, random.next_uniform(2.5, 7), random.next_uniform(-250, 350)});
    }
  }
  double operator()(Vec3 p) const {
    double value = 500 / (1 + std::exp(14 * (inside(p) - 1)));
    for (const Blob& blob : blobs_) {
      const double squared = dot(p - blob.centre, p - blob.centre) / (2 * blob.width * blob.width);
      if (squared < 12) value += blob.height * std::exp(-squared);
    }
    return value;
  }
  /// Below 1 inside.
  static double inside(Vec3 p) { return p.x * p.x / 3600 + p.y * p.y / 4900 + p.z * p.z / 3025; }

 private:
  struct Blob {
    Vec3 centre;
    double width, height;
  };
  std::vector<Blob> blobs_;
};

/// The scene as a scanner sees it that has it moved: the value at a voxel is `seen` of the scene at `scene_from_world` of its centre, with
/// noise.
inline Image scan_of(const BlobScene& scene, const Grid& grid, const std::function<Vec3(Vec3)>& scene_from_world,
                     const std::function<double(double)>& seen, double noise, std::uint64_t seed) {
  auto image = Voxels<float>::uninitialized(grid);
  const Random random(seed);
  const auto [ni, nj, nk] = grid.size();
  for (std::int64_t n = 0; n < image.count(); ++n) {
    const Vec3 world =
        grid.world_from_voxel({static_cast<double>(n % ni), static_cast<double>(n / ni % nj), static_cast<double>(n / (ni * nj))});
    image[n] = static_cast<float>(seen(scene(scene_from_world(world))) + noise * random.normal(static_cast<std::uint64_t>(n)));
  }
  return image;
}

}  // namespace gantry
