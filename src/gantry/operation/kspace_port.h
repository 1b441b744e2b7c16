// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/kspace.h"
#include "gantry/operation/value.h"

namespace gantry {

/// K-space: read from ISMRMRD files and from MATLAB files of version 5 that hold one complex array (rows: phase encoding, columns:
/// readout, then coil and image); written as ISMRMRD.
template <>
struct PortType<KSpace> {
  static constexpr std::string_view id = "kspace";
  static constexpr std::string_view endings = ".h5";
  static KSpace read(const Path& path, Run& run);
  static void write(const Path& path, const KSpace& kspace, Run& run);
  static Bytes to_bytes(const KSpace& kspace);
  static KSpace from_bytes(std::span<const std::byte> bytes);
};

/// K-space whose object is known, from closed forms: `disc`, one coil, 64 x 64 samples of a disc of value 1 and radius 20 mm in a field of
/// 64 mm; `head`, 192 lines of the head of Shepp and Logan (with the contrast of `phantom:shepp_logan`'s middle) in a field of 192 mm, seen
/// by two coils whose sensitivities have the sum of squares 1, with twice as many samples a line as the image wants. Scaled so that the
/// unitary transform gives the object. Throws Error(usage) that lists the names.
KSpace phantom_kspace(std::string_view name);

}  // namespace gantry
