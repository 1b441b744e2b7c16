// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>

#include "gantry/learning/engine.h"

namespace gantry::learning {

/// The regressor of `Engine::regressor` on LibTorch.
std::unique_ptr<Regressor> make_torch_regressor(const ChainDesign& design, Device device);

}  // namespace gantry::learning
