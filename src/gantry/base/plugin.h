// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/files.h"

namespace gantry {

/// A shared library of Gantry that is opened on first use, because it draws in much that most commands do not need.
struct Plugin {
  const char* file;      ///< such as "libgantry_torch.so"
  const char* entry;     ///< its C function: takes `version()`, returns the plug-in's interface, or nullptr when it is of another version
  const char* need;      ///< who misses what without it, such as "trained networks: need the learning plug-in"
  const char* packages;  ///< "package X" or "packages X and Y" that bring it
};

/// The file in the folder of libgantry.so; empty when it is not there.
Path beside_library(const Path& file);

/// Opens the plug-in at `path` and returns what its entry gives; it stays open until the process ends. Throws Error(not_possible) that
/// begins with `need` and names the packages to install when the path is empty, does not load or is of another version.
const void* open_plugin(const Plugin& plugin, const Path& path);

}  // namespace gantry
