// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gantry::dicom::network {

/// SOP classes of the services (PS3.4, PS3.6 table A-1).
namespace sop_class {
constexpr std::string_view verification = "1.2.840.10008.1.1";
constexpr std::string_view patient_root_find = "1.2.840.10008.5.1.4.1.2.1.1";
constexpr std::string_view patient_root_move = "1.2.840.10008.5.1.4.1.2.1.2";
constexpr std::string_view patient_root_get = "1.2.840.10008.5.1.4.1.2.1.3";
constexpr std::string_view study_root_find = "1.2.840.10008.5.1.4.1.2.2.1";
constexpr std::string_view study_root_move = "1.2.840.10008.5.1.4.1.2.2.2";
constexpr std::string_view study_root_get = "1.2.840.10008.5.1.4.1.2.2.3";
}  // namespace sop_class

/// Transfer syntaxes of uncompressed data sets.
namespace transfer_syntax {
constexpr std::string_view implicit_little = "1.2.840.10008.1.2";
constexpr std::string_view explicit_little = "1.2.840.10008.1.2.1";
constexpr std::string_view deflated = "1.2.840.10008.1.2.1.99";
constexpr std::string_view explicit_big = "1.2.840.10008.1.2.2";
}  // namespace transfer_syntax

/// True for a transfer syntax of the standard, also a newer one, in which an object can be stored as it is.
bool is_transfer_syntax(std::string_view uid);
/// True when the data set lies open and uncompressed in it: such objects can be sent in another one of these.
bool is_native(std::string_view transfer_syntax_uid);
/// True for the SOP classes of stored objects: the standard's, and private ones.
bool is_storage_class(std::string_view uid);
/// The storage SOP classes to propose to a peer whose objects are not known beforehand: the most common ones, at most 120.
const std::vector<std::string>& common_storage_classes();

}  // namespace gantry::dicom::network
