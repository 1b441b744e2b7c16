// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string_view>

#include "gantry/io/input_file.h"
#include "gantry/io/io.h"
#include "gantry/io/write_slabs.h"

namespace gantry::io {

/// The formats behind `read` and `write`, one trio each: `looks_like` asks the first bytes (for .gz the first uncompressed ones), `read`
/// takes the open file, `write` writes atomically. All throw as io.h says.

/// NIfTI-1 and NIfTI-2, single files and .hdr/.img pairs. https://nifti.nimh.nih.gov
namespace nifti {
bool looks_like(std::span<const std::byte> head);
/// `file` is the .nii, .nii.gz or .hdr file.
Image read(const InputFile& file, Run& run, const ReadOptions& options);
void write(const Path& path, const Image& image, Run& run);
/// As io::write_slabs, of a single file without compression.
bool write_slabs(const Path& path, const SlabSource& source, Run& run);
}  // namespace nifti

/// MetaImage, .mha and .mhd with a separate data file. World is LPS already. https://itk.org/Wiki/ITK/MetaIO/Documentation
namespace metaimage {
bool looks_like(std::span<const std::byte> head);
Image read(const InputFile& file, Run& run, const ReadOptions& options);
void write(const Path& path, const Image& image, Run& run);
}  // namespace metaimage

/// NRRD 1 to 5, attached and detached headers; raw, gzip and text. https://teem.sourceforge.net/nrrd/format.html
namespace nrrd {
bool looks_like(std::span<const std::byte> head);
Image read(const InputFile& file, Run& run, const ReadOptions& options);
void write(const Path& path, const Image& image, Run& run);
}  // namespace nrrd

/// NumPy arrays (z, y, x[, component]), with a leading time axis when they have five; without geometry: 1 mm, origin 0.
namespace npy {
bool looks_like(std::span<const std::byte> head);
Image read(const InputFile& file, Run& run, const ReadOptions& options);
void write(const Path& path, const Image& image, Run& run);
}  // namespace npy

/// Zip archives of NumPy arrays. Archives of several arrays are refused, naming them.
namespace npz {
bool looks_like(std::span<const std::byte> head);
Image read(const InputFile& file, Run& run, const ReadOptions& options);
void write(const Path& path, const Image& image, Run& run);
}  // namespace npz

/// Two-dimensional pictures of 1 mm pixels: PNG (u8, u16; 1 to 4 components) and JPEG (u8; 1 or 3).
namespace png {
bool looks_like(std::span<const std::byte> head);
Image read(const InputFile& file, Run& run, const ReadOptions& options);
void write(const Path& path, const Image& image, Run& run);
}  // namespace png
namespace jpeg {
bool looks_like(std::span<const std::byte> head);
Image read(const InputFile& file, Run& run, const ReadOptions& options);
void write(const Path& path, const Image& image, Run& run);
}  // namespace jpeg

}  // namespace gantry::io
