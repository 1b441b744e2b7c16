// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"

namespace gantry {

/// What kind of noise an image has.
enum class NoiseModel { gaussian, rician };
constexpr std::array<std::pair<NoiseModel, std::string_view>, 2> choices_of(NoiseModel) {
  return {{{NoiseModel::gaussian, "gaussian"}, {NoiseModel::rician, "rician"}}};
}

/// Removes noise by averaging voxels whose surroundings look alike; frames each on their own, f32 result. Reference page: filter.nlm.
struct NonLocalMeans {
  std::optional<double> sigma;
  double strength = 0.6;
  int patch_radius = 1;
  int search_radius = 5;
  NoiseModel noise = NoiseModel::gaussian;

  struct Result {
    Image filtered;
    Json result;  ///< {"sigma": [of each frame]}
  };
  /// Throws Error(not_possible) for values that are not finite, colour, and an image without noise when sigma is to be estimated.
  Result operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<NonLocalMeans>& d);
};

/// Standard deviation of white noise in a volume: the median of the absolute finest diagonal details (Haar wavelet over blocks of two
/// voxels an axis), by the ratio of a normal distribution (Donoho and Johnstone, Biometrika 81:425, 1994). Edges along an axis and slopes
/// leave no details. 0 for a constant image; blocks of zeros, as padding has them, take no part.
double noise_deviation(const VoxelView<float>& image, const Run& run);

}  // namespace gantry
