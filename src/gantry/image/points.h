// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/image/geometry.h"

namespace gantry {

/// Points in world (LPS mm), such as landmarks.
struct PointSet {
  std::vector<Vec3> positions_mm;
  std::vector<std::string> names;  ///< one for each point, or none at all
};

}  // namespace gantry
