// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/quality/structural_similarity.h"

namespace gantry {

/// How far an image is from a reference, voxel by voxel and in structure. Reference page: quality.compare.
struct CompareImages {
  std::optional<double> range;
  SimilarityWindow window = SimilarityWindow::uniform;
  bool slices = false;
  bool sample_covariance = true;

  struct Result {
    /// {"mse", "rmse", "mae", "maximum_error", "bias", "nrmse", "psnr_db", "ssim", "correlation", "range", "voxels"}. psnr_db is null for
    /// equal images, correlation for a constant one.
    Json result;
    Image map;  ///< structural similarity at each voxel
  };
  /// Throws Error(not_possible) for grids that differ, colour, several frames, values that are not finite, a reference without range (when
  /// none is given), or an axis shorter than the window.
  Result operator()(const Image& reference, const Image& image, Run& run) const;
  Cost cost(const Image& reference, const Image& image) const;
  static void describe(Description<CompareImages>& d);
};

}  // namespace gantry
