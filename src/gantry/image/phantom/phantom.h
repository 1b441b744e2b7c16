// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gantry/image/image.h"

namespace gantry {

/// A small f32 image (64 x 64 x 64, 1 mm, its centre at the world's origin) whose properties are known in closed form, by name. Throws
/// Error(usage) that lists the names.
Image phantom(std::string_view name);

/// Names that `phantom` takes, with what is known of each.
struct PhantomInfo {
  std::string name, facts;
};
const std::vector<PhantomInfo>& phantoms();

}  // namespace gantry
