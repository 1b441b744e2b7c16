// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gantry/base/files.h"

namespace gantry {

/// Names for paths, fit to name folders and files: the last part of each without the ending of an image file, with as many parts before it,
/// joined by `_`, as make all differ. Control characters and what is no UTF-8 are replaced, a dot at the front gets `_` before it, names
/// longer than 120 bytes end in a digest; should two be the same after all, or be that
/// of a file of the cohort, the later gets a number. `known` names, by path_key, stay as they
/// are: a path that was named once keeps its name whatever is named beside it. Throws Error(usage) for a path that is given twice.
std::vector<std::string> study_names(const std::vector<Path>& paths, const std::map<std::string, std::string>& known = {});

/// Digest of the absolute path, that stands for it without telling it.
std::string path_key(const Path& path);

}  // namespace gantry
