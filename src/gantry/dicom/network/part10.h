// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gantry/base/files.h"

namespace gantry::dicom {

/// What the file meta information (PS3.10 section 7.1) says of the object behind it.
struct FileMeta {
  std::string sop_class_uid, sop_instance_uid, transfer_syntax_uid;
  std::uint64_t data_set = 0;  ///< position in the file where the data set begins
};

/// Reads preamble and meta header at the start of a file. nullopt when `start` ends before the meta header does (at most 64 KiB are looked
/// at). Error(refused) for what is no DICOM file with a meta header, or one larger than that.
std::optional<FileMeta> read_file_meta(std::span<const std::byte> start);

/// The meta header of a file on disk. Errors: not_found, refused.
FileMeta read_file_meta(const Path& path);

/// Preamble and meta header to put before a data set. `source_ae_title` may be empty.
Bytes write_file_meta(std::string_view sop_class_uid, std::string_view sop_instance_uid, std::string_view transfer_syntax_uid,
                      std::string_view source_ae_title = {});

/// The class and version UID and the name by which Gantry's files and associations identify themselves (PS3.7 D.3.3.2).
std::string_view implementation_class_uid();
std::string_view implementation_version_name();

/// Digits and points only, 1 to 64 characters, no empty component (PS3.5 section 9.1; leading zeros are let pass).
bool is_uid(std::string_view text);

}  // namespace gantry::dicom
