// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gantry/archive/archive.h"

namespace gantry::archive {

/// An attribute that the index holds in a column of its own (named by the keyword), at the level whose property it is. Patient attributes
/// lie with the study.
struct IndexedAttribute {
  dicom::Tag tag = 0;
  std::string_view keyword, vr;
  Level level = Level::study;
  bool computed = false;  ///< kept by the index itself (counts, ModalitiesInStudy), not read from objects
};

/// All of them, by level and tag: the keys of PS3.4 C.6.1 and C.6.2 and those that QIDO-RS returns (PS3.18 10.6.3).
const std::vector<IndexedAttribute>& indexed_attributes();
/// The attribute of a tag; null when the index does not hold it.
const IndexedAttribute* indexed_attribute(dicom::Tag tag);

/// The value as the index keeps it: UTF-8, dates and times without separators of former versions; nullopt when absent.
std::optional<std::string> indexed_value(const dicom::DataSet& set, const IndexedAttribute& attribute);

/// A person name as it is compared: case folded, without empty components at the end of each group.
std::string folded_name(std::string_view name);

}  // namespace gantry::archive
