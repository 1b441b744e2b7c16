// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/random.h"
#include "gantry/io/io.h"

namespace gantry::learning::test {

/// Noise with a bright ball (1) and a dark one (2), each of a radius of 4 to 5 voxels, on a grid whose axes run to +L, +P, +S.
struct Balls {
  Voxels<float> image;
  Voxels<std::uint8_t> labels;

  explicit Balls(std::uint64_t seed, Size3 size = {20, 18, 24}, double spacing_mm = 1) {
    Random random(seed, 3);
    const Grid grid(size, {spacing_mm, spacing_mm, spacing_mm}, {-5, 10, 20});
    image = Voxels<float>(grid);
    labels = Voxels<std::uint8_t>(grid);
    const auto place = [&](std::int64_t from) {
      return Vec3{random.next_uniform(5, static_cast<double>(size[0]) - 6), random.next_uniform(5, static_cast<double>(size[1]) - 6),
                  random.next_uniform(static_cast<double>(from), static_cast<double>(from) + 3)};
    };
    const Vec3 bright = place(4), dark = place(size[2] - 8);
    const double radius = random.next_uniform(4, 5);
    for (std::int64_t k = 0; k < size[2]; ++k)
      for (std::int64_t j = 0; j < size[1]; ++j)
        for (std::int64_t i = 0; i < size[0]; ++i) {
          const Vec3 at{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
          const int label = norm(at - bright) < radius ? 1 : norm(at - dark) < radius ? 2 : 0;
          labels(i, j, k) = static_cast<std::uint8_t>(label);
          image(i, j, k) = static_cast<float>((label == 1 ? 900 : label == 2 ? 100 : 500) + random.next_uniform(-80, 80));
        }
  }
};

/// Writes cases ball_00, ball_01, ... below `root`.
inline void write_balls(const Path& root, int count = 10) {
  Run run;
  std::filesystem::create_directories(root / "images");
  std::filesystem::create_directories(root / "labels");
  for (int n = 0; n < count; ++n) {
    Balls balls(static_cast<std::uint64_t>(n + 1));
    const std::string name = fmt::format("ball_{:02}.nii", n);
    io::write(root / "images" / name, Image(std::move(balls.image)), run);
    io::write(root / "labels" / name, Image(std::move(balls.labels)), run);
  }
}

}  // namespace gantry::learning::test
