// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry::analysis {

/// What a CT shows, out of its voxels at about 4 mm: "lungs" when most of at least one lung is in view (800 mL or more, or both
/// lungs from apex to base). Header words about body parts are often wrong; voxels are not.
std::vector<std::string> ct_contents(const Image& image, const Run& run);

}  // namespace gantry::analysis
