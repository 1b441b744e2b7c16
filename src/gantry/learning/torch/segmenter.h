// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>

#include "gantry/learning/engine.h"

namespace gantry::learning {

/// The segmenter of `Engine::segmenter` on LibTorch.
std::unique_ptr<Segmenter> make_torch_segmenter(const SegmenterDesign& design, Device device);

}  // namespace gantry::learning
