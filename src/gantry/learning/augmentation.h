// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>

#include "gantry/base/json.h"
#include "gantry/base/random.h"
#include "gantry/learning/preprocessing.h"

namespace gantry::learning {

/// How pictures are varied while a network learns; each range is drawn from evenly.
struct Augmentation {
  double rotation_degrees = 10;  ///< up to this, either way
  double shift = 0.08;           ///< of the size, along each axis
  double scale = 0.1;            ///< from 1 / (1 + scale) to 1 + scale
  double contrast = 0.2;         ///< factor about the picture's mean, from 1 - contrast to 1 + contrast
  double brightness = 0.1;       ///< added to values in [0, 1]
  bool mirror = false;           ///< left and right, half of the time
};

/// As it stands in the training record of a manifest.
Json to_json(const Augmentation& augmentation);

/// Writes one varied copy of a picture (values in [0, 1], channel by channel) to `out`: one affine map with linear interpolation, the
/// border repeated; then contrast and brightness. What comes out may leave [0, 1].
void augment(std::span<const float> picture, const PictureInput& input, const Augmentation& augmentation, Random random,
             std::span<float> out);

}  // namespace gantry::learning
