// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <optional>
#include <string>

#include "gantry/image/geometry.h"

namespace gantry::io::ismrmrd {

/// What the XML header of an ISMRMRD file says about its first encoding.
struct Encoding {
  Size3 encoded_size{0, 0, 0}, image_size{0, 0, 0};  ///< 0: not stated
  Vec3 encoded_field_mm{0, 0, 0}, image_field_mm{0, 0, 0};
  std::string trajectory;
  std::optional<std::int64_t> centre_1, centre_2;  ///< phase encoding step of frequency 0
};

/// The text of the first element of each path of names in an XML document ("a/b/c"), without attributes, comments and entities: all that
/// such a header needs. Throws Error(unreadable) for tags that do not match and more than 32 levels.
std::map<std::string, std::string> first_texts(std::string_view xml);
/// Throws Error(unreadable) for what is no such header.
Encoding parse_header(std::string_view xml);

}  // namespace gantry::io::ismrmrd
