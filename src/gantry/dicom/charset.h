// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>

namespace gantry::dicom {

/// UTF-8 of a text value that was written in the character sets of Specific Character Set (0008,0005), values joined by backslash
/// (PS3.3 C.12.1.1.2): single-byte sets, ISO 2022 code extensions (Japanese, Korean, Chinese and the rest), UTF-8, GB18030 and GBK.
/// `person_name` resets code extensions at "^" and "=" too. What cannot be decoded becomes U+FFFD; unknown sets are taken as ISO 8859-1
/// when the bytes are not UTF-8.
std::string utf8_from(std::string_view bytes, std::string_view character_set, bool person_name = false);

}  // namespace gantry::dicom
