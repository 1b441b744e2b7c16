// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/learning/engine.h"
#include "gantry/learning/mesh_network.h"

namespace gantry::learning {

/// Where tiles of `tile` voxels begin so that they cover `size` voxels and each overlaps the next by at least half: evenly spread, as
/// nnU-Net's; 0 alone when one is enough.
std::vector<std::int64_t> tile_starts(std::int64_t size, std::int64_t tile);

/// Runs a segmenter over a volume (one frame a channel) in overlapping tiles; each voxel's scores are the mean over its tiles, weighted by
/// a separable Gaussian about the tile's middle (standard deviation an eighth of the tile, at least 0.001). What lies outside the volume
/// counts as 0. Calls `sink` for slices k = 0, 1, 2, ... with (classes, rows, columns), and never holds more of the scores than one tile's
/// height of slices. The same bits for any number of threads on a CPU. Throws Error(out_of_memory) when that does not fit the budget and
/// Error(not_possible) for scores that are not finite.
void run_tiles(const Segmenter& network, int classes, const Voxels<float>& volume, const Size3& tile, Run& run, const SliceSink& sink);

/// Takes scores slice by slice on one grid and gives the class with the highest score, the first one of equals, on another grid with the
/// same axes: linear interpolation of scores, where the grids differ, held at the ends. Holds two slices of scores.
class LabelsOnGrid {
 public:
  LabelsOnGrid(const Grid& from, const Grid& to, int classes, const Run& run);
  /// The next slice: (classes, rows, columns).
  void take(std::int64_t k, std::span<const float> scores);
  /// After the last slice.
  Voxels<std::uint8_t> labels() && { return std::move(labels_); }

 private:
  /// Between which two neighbours each voxel of the other grid lies, along one axis.
  struct Place {
    std::int64_t below = 0;
    float part = 0;
  };
  void label_slice(std::int64_t z, std::span<const float> below, std::span<const float> above, float part);

  int classes_;
  Size3 from_;
  std::array<std::vector<Place>, 3> places_;
  std::vector<float> before_;
  std::int64_t next_ = 0;
  Voxels<std::uint8_t> labels_;
  Run run_;
};

}  // namespace gantry::learning
