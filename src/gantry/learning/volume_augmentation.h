// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>

#include "gantry/base/json.h"
#include "gantry/base/random.h"
#include "gantry/image/image.h"

namespace gantry::learning {

/// How patches of volumes are drawn and varied while a network learns; each range is drawn from evenly.
struct VolumeAugmentation {
  double turned = 0.5;             ///< how often a patch is turned and scaled
  double rotation_degrees = 15;    ///< about each axis, up to this, either way
  double scale = 0.2;              ///< from 1 / (1 + scale) to 1 + scale
  double contrast = 0.2;           ///< factor from 1 - contrast to 1 + contrast
  double brightness = 0.2;         ///< added, either way
  double gamma = 0.4;              ///< exponent from 1 / (1 + gamma) to 1 + gamma on the range of the patch, mean and deviation kept
  double gamma_share = 0.3;        ///< how often
  double noise = 0.3;              ///< greatest standard deviation of normal noise
  double noise_share = 0.2;        ///< how often
  double foreground_share = 0.33;  ///< how often a patch is centred on a voxel of a class, each class equally likely
  bool mirror = false;             ///< along each axis, half of the time
};

/// As it stands in the training record of a manifest.
Json to_json(const VolumeAugmentation& augmentation);

/// A prepared volume to draw patches from.
struct VolumeSource {
  Voxels<float> image;                               ///< `prepare_volume`
  Voxels<std::uint8_t> labels;                       ///< on the same grid
  std::vector<std::vector<std::int64_t>> positions;  ///< of each class but the first: voxels, at most 10000, evenly taken
};

/// Draws a patch of `patch` voxels: its place (anywhere the patch lies inside, plus two voxels either way, or on a voxel of a class), one
/// affine map in mm (linear for values, nearest for labels; 0 outside the volume), then contrast, brightness, gamma, noise.
void draw_patch(const VolumeSource& source, const Size3& patch, const VolumeAugmentation& augmentation, Random random,
                std::span<float> values, std::span<std::uint8_t> labels);

}  // namespace gantry::learning
