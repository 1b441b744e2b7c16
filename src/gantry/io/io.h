// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/files.h"
#include "gantry/base/run.h"
#include "gantry/image/image.h"

namespace gantry::io {

/// How `read` takes what a file holds.
struct ReadOptions {
  bool stored = false;  ///< stored values, no scaling
};

/// Reads an image file by its content (the ending decides only where the content cannot): NIfTI-1/2 (.nii, .nii.gz, .hdr/.img), NRRD
/// (.nrrd, .nhdr), MetaImage (.mha, .mhd), PNG, JPEG, NPY, NPZ. Integer types are kept unless a scaling makes them f32. World becomes LPS.
Image read(const Path& path, Run& run, ReadOptions options = {});
/// True when the content looks like one of the formats of `read`.
bool is_image_file(const Path& path);
/// Writes by the ending of `path`, atomically. Throws Error(usage) for an unknown ending, Error(not_possible) for what the format cannot
/// hold.
void write(const Path& path, const Image& image, Run& run);

}  // namespace gantry::io
