// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/random.h"
#include "gantry/io/io.h"

namespace gantry::learning::test {

/// A noisy picture of 12 x 12 with a bright bar that lies (0) or stands (1).
inline Image bar(int label, std::uint64_t seed) {
  Random random(seed, 9);
  Voxels<std::uint8_t> voxels(Grid({12, 12, 1}));
  const std::int64_t place = random.next_integer(3, 8);
  for (std::int64_t j = 0; j < 12; ++j) {
    for (std::int64_t i = 0; i < 12; ++i) {
      const bool bright = (label == 0 ? j : i) == place;
      voxels(i, j, 0) = static_cast<std::uint8_t>((bright ? 170 : 60) + random.next_integer(0, 60));
    }
  }
  return voxels;
}

/// Writes `count` bars of each class below `folder`.
inline void write_bars(const Path& folder, int count, std::uint64_t seed) {
  Run run;
  for (int label = 0; label < 2; ++label) {
    const Path of_class = folder / (label == 0 ? "lying" : "standing");
    std::filesystem::create_directories(of_class);
    for (int n = 0; n < count; ++n)
      io::write(of_class / fmt::format("{:03}.png", n), bar(label, seed + static_cast<std::uint64_t>(2 * n + label)), run);
  }
}

/// A data set of three parts in `root`.
inline void write_bar_set(const Path& root, int train = 48) {
  write_bars(root / "train", train, 1000);
  write_bars(root / "val", 12, 2000);
  write_bars(root / "test", 12, 3000);
}

}  // namespace gantry::learning::test
