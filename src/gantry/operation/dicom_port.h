// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gantry/operation/value.h"

namespace gantry {

/// DICOM objects as the files they came in, for operations that must keep every element.
struct DicomFiles {
  struct File {
    std::string name;  ///< relative path with forward slashes
    std::shared_ptr<const Bytes> bytes;
  };
  std::vector<File> files;
};

/// One DICOM file, or all of a folder and the folders in it (what else lies there is passed over with a warning; at most 16 GiB together).
/// Written to a file that ends with `.dcm` when there is one object, else into a new or empty folder.
template <>
struct PortType<DicomFiles> {
  static constexpr std::string_view id = "dicom";
  static constexpr std::string_view endings = ".dcm";
  static DicomFiles read(const Path& path, Run& run);
  static void write(const Path& path, const DicomFiles& objects, Run& run);
  static Bytes to_bytes(const DicomFiles& objects);
  static DicomFiles from_bytes(std::span<const std::byte> bytes);
};

/// `slice`: the middle slice of the image phantom `shepp_logan` times 1000 as a CT of 64 x 64 pixels. `versions`: three segmentations of a
/// source of 32 x 32 x 8 voxels of 1 x 1 x 2.5 mm: a box of 10 x 10 x 4 voxels and one of 6 x 6 x 4 beside it; the first box moved by two
/// voxels by a reader who names the first version as predecessor; and the same as the first with one slice less by a reader who does not.
/// Throws Error(usage) that lists the names.
DicomFiles phantom_dicom(std::string_view name);

}  // namespace gantry
