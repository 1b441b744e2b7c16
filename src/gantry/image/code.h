// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>

namespace gantry {

/// A coded concept (PS3.16 style triplet): scheme designator ("SCT", "DCM", "UCUM", "99GANTRY"), value, meaning.
struct Code {
  std::string scheme;
  std::string value;
  std::string meaning;
  friend bool operator==(const Code&, const Code&) = default;
};

}  // namespace gantry
