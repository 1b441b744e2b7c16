// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry {

/// Over which neighbours structural similarity takes its means.
enum class SimilarityWindow { uniform, gaussian };
constexpr std::array<std::pair<SimilarityWindow, std::string_view>, 2> choices_of(SimilarityWindow) {
  return {{{SimilarityWindow::uniform, "uniform"}, {SimilarityWindow::gaussian, "gaussian"}}};
}

/// How `structural_similarity` compares.
struct SimilarityOptions {
  double range = 1;                                     ///< of the values: R in C1 = (0.01 R)^2, C2 = (0.03 R)^2
  SimilarityWindow window = SimilarityWindow::uniform;  ///< 7 voxels a side, or sigma 1.5 voxels on 11 a side
  bool slices = false;                                  ///< windows within slices instead of within the volume
  bool sample_covariance = true;                        ///< variances divided by n - 1 instead of n, n the voxels of a window
};

/// Structural similarity of two volumes of one size, and its mean.
struct Similarity {
  double mean = 0;    ///< over the voxels whose window lies inside
  Voxels<float> map;  ///< on the grid of the first; windows that reach outside are mirrored
};

/// SSIM of Wang et al. (IEEE TIP 13:600, 2004) with windows over the axes of the volume, or of its slices. Sums are taken in double. Axes
/// of one voxel take no part. Throws Error(not_possible) for sizes that differ or an axis shorter than the window. Cost: 25 ns a voxel in
/// space; five slices of doubles for each slice of a window.
Similarity structural_similarity(const VoxelView<float>& a, const VoxelView<float>& b, const SimilarityOptions& options, const Run& run);

}  // namespace gantry
