// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace gantry::dicom {

/// The named values of a Siemens CSA header ((0029,1010) image, (0029,1020) series), both known layouts ("SV10" and the older one). At most
/// 1024 names of 1024 values; damaged parts are left out. Never throws for bad bytes.
std::map<std::string, std::vector<std::string>> read_csa(std::span<const std::byte> bytes);

}  // namespace gantry::dicom
