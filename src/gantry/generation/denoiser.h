// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/frames.h"

namespace gantry {

/// Takes noise off an image by a network that was trained on simulated pairs; frames each on their own, f32 result. Reference page:
/// generation.denoise.
struct Denoiser {
  std::string model = "pet_denoising";

  /// Throws what `bundle::installed_bundle` and `generation::denoise` throw. Warns when more than a percent of the values are negative: the
  /// network that ships learnt from activity.
  Image operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<Denoiser>& d);
};

}  // namespace gantry
