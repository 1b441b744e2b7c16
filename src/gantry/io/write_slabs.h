// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/files.h"
#include "gantry/base/run.h"
#include "gantry/image/slabs.h"

namespace gantry::io {

/// Writes the same bytes as `write` of the whole image, in a few MiB of memory per thread. False, with nothing written, for a format that
/// cannot grow in slabs (all but .nii) and for a source that gives up.
bool write_slabs(const Path& path, const SlabSource& source, Run& run);

}  // namespace gantry::io
