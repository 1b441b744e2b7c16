// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string_view>

#include "gantry/io/input_file.h"
#include "gantry/io/io.h"

namespace gantry::io {

/// The formats behind `read` and `write`, one trio each: `looks_like` asks the first bytes (for .gz the first uncompressed ones), `read`
/// takes the open file, `write` writes atomically. All throw as io.h says.

/// NIfTI-1 and NIfTI-2, single files and .hdr/.img pairs. https://nifti.nimh.nih.gov
namespace nifti {
bool looks_like(std::span<const std::byte> head);
/// `file` is the .nii, .nii.gz or .hdr file.
Image read(const InputFile& file, Run& run, const ReadOptions& options);
void write(const Path& path, const Image& image, Run& run);
}  // namespace nifti

}  // namespace gantry::io
