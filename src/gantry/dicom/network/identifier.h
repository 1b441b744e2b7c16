// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "gantry/dicom/data_set.h"

namespace gantry::dicom::network {

/// A flat data set of text, as queries and their answers are: UTF-8 by tag, several values joined by backslash. Numbers (US, SS, UL, SL,
/// FL, FD, AT) are given as text too; what is no number of its type is written with length zero, and sequences are written empty.
using Identifier = std::map<Tag, std::string>;

/// The bytes of the data set, with SpecificCharacterSet ISO_IR 192 when a value is not ASCII. Values longer than an element takes are cut.
Bytes encode_identifier(const Identifier& identifier, Encoding encoding);

/// A data set that lies in memory whole, written down in another way: implicit or explicit value representations, little or big endian.
/// Value representations come from the dictionary where they are not written; unknown ones become UN. Sequences get undefined lengths.
/// Error(not_possible) for encapsulated pixel data, Error(unreadable) for sequences nested deeper than 64.
Bytes recode(const DataSet& set, Encoding encoding);

}  // namespace gantry::dicom::network
