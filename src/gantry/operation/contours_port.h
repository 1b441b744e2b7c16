// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/contours.h"
#include "gantry/operation/value.h"

namespace gantry {

/// Contours: read from a DICOM RT structure set or the JSON that `write` makes.
template <>
struct PortType<Contours> {
  static constexpr std::string_view id = "contours";
  static constexpr std::string_view endings = ".json";
  static Contours read(const Path& path, Run& run);
  static void write(const Path& path, const Contours& contours, Run& run);
  static Bytes to_bytes(const Contours& contours);
  static Contours from_bytes(std::span<const std::byte> bytes);
};

/// The port types that every surface knows by name, in the order in which messages list them.
std::span<const PortInfo* const> shared_ports();

}  // namespace gantry
