// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::dicom {

/// Group number in the upper 16 bits, element number in the lower ones.
using Tag = std::uint32_t;

/// One row of the data dictionary (PS3.6). Besides the standard's value representations, `vr` may be "XS" (US or SS, by Pixel
/// Representation) or "OX" (OB or OW).
struct DictionaryEntry {
  Tag tag = 0;
  std::string_view vr, keyword;
};

/// The row of a keyword; null for an unknown one. The first call reads the dictionary (about half a millisecond).
const DictionaryEntry* dictionary_entry(std::string_view keyword);
/// The row of a tag, also in repeating groups (60xx, 50xx); null for an unknown or private one.
const DictionaryEntry* dictionary_entry(Tag tag);

/// The tag that a keyword ("PatientSex") or a number ("(0009,100D)", "0009100D") names; nullopt for neither.
std::optional<Tag> tag_of(std::string_view name);
/// "(0010,0040)".
std::string text_of(Tag tag);

}  // namespace gantry::dicom
