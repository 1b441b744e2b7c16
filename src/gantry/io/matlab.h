// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <complex>
#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/run.h"
#include "gantry/image/kspace.h"

namespace gantry::io::matlab {

/// A numeric array of a MATLAB file: column-major, as there.
struct Array {
  std::string name;
  std::vector<std::int64_t> dimensions;  ///< at least two
  bool is_complex = false;
  std::vector<std::complex<double>> values;
};

/// True when the bytes begin a MATLAB file of version 5 (or 7.3, which `read` refuses by name).
bool looks_like(std::span<const std::byte> head);
/// The numeric arrays of a MATLAB file of version 5, plain or compressed; text, cells and structures are passed over. Throws
/// Error(unreadable) for damage, before memory is taken for what the file cannot hold. Source: MATLAB MAT-File Format, R2019b, chapter 1.
std::vector<Array> read(std::span<const std::byte> bytes, Run& run);

/// The only complex array of two or more axes as k-space: rows are the phase encoding, columns the readout; a third axis is the coil and a
/// fourth the image. Pixels are of 1 mm. Throws Error(unreadable), or Error(refused) that names the arrays when there is not just one.
KSpace read_kspace(std::span<const std::byte> bytes, Run& run);

}  // namespace gantry::io::matlab
