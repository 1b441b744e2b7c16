// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string_view>

#include "gantry/base/json.h"

namespace gantry {

/// A small summary of an analysis with known findings, by name; throws Error(usage) that lists the names.
/// `findings`: a chest CT with no nodule in the left lung, two in the right, lung volumes, a density that must not be compared, a score
/// that was not measured, and noise that limits it.
Json phantom_summary(std::string_view name);

}  // namespace gantry
