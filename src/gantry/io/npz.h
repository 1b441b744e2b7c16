// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <string>

#include "gantry/base/files.h"
#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry::io {

/// All arrays of an NPZ archive by their names, each as `read` gives a NumPy array: (z, y, x[, component]). Throws Error(unreadable) or
/// Error(refused), naming the array.
std::map<std::string, Image> read_arrays(const Path& path, Run& run);

}  // namespace gantry::io
