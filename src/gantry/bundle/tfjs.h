// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/bundle/network.h"

namespace gantry::bundle {

/// Reads a TensorFlow.js layers model: `model.json` and the weight files beside it that its manifest names. It must be a chain of Conv3D
/// (same padding, stride 1, one group, channels last, equal along the three axes) and Activation layers with float32 weights. A layer
/// whose name ends in `_gn` is followed by the normalisation of each channel over the volume: the exporter of the brainchop models says
/// so by the name alone. `_comment` of these models may state quantiles for the input ("min = 5% quantile, max = 95% quantile").
/// Weight files are plain names: one with a folder in it is Error(refused), as are layers and settings that are not supported; malformed
/// or contradictory content is Error(unreadable). Classes are left empty.
ImportedNetwork read_tfjs(const Path& model_json);

}  // namespace gantry::bundle
