// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>

#include "gantry/learning/engine.h"

namespace gantry::learning {

/// The classifier of `Engine::classifier` on LibTorch.
std::unique_ptr<Classifier> make_torch_classifier(const ClassifierDesign& design, Device device);

}  // namespace gantry::learning
