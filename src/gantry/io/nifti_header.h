// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "gantry/base/files.h"
#include "gantry/image/grid.h"

namespace gantry::io::nifti {

/// Rows of a matrix to RAS millimetres, as in the file.
using RasRows = std::array<std::array<double, 4>, 3>;

/// What Gantry uses of a NIfTI-1 (348 bytes) or NIfTI-2 (540 bytes) header. Names follow the standard.
struct Header {
  int version = 1;
  bool big_endian = false;
  bool pair = false;  ///< voxels lie in a .img file
  std::array<std::int64_t, 8> dim{};
  int datatype = 0;
  int bitpix = 0;  ///< written, not read: the type decides
  std::array<double, 8> pixdim{};
  std::int64_t vox_offset = 0;
  double scl_slope = 0, scl_inter = 0;
  int qform_code = 0, sform_code = 0;
  std::array<double, 3> quatern{};  ///< b, c, d
  std::array<double, 3> qoffset{};
  RasRows srow{};
  int xyzt_units = 0;
  int intent_code = 0;

  static constexpr std::size_t max_size = 540;
  std::size_t size() const { return version == 1 ? 348 : 540; }
};

/// Version 1 or 2 when the bytes begin a NIfTI header of either byte order, else 0.
int version_of(std::span<const std::byte> head);
/// Throws Error(unreadable) when the bytes are no NIfTI header.
Header parse_header(std::span<const std::byte> head);
/// Little-endian, without the four extension bytes.
Bytes encode_header(const Header& header);

/// The grid in LPS of the header's first three dimensions: sform when its code is positive, else qform, else pixdim alone. `warning`
/// tells what could not be taken as it stands; empty otherwise.
Grid grid_of(const Header& header, std::string& warning);
/// Sets dim[1..3], pixdim, sform and (for orthogonal axes) qform.
void set_grid(Header& header, const Grid& grid);

}  // namespace gantry::io::nifti
