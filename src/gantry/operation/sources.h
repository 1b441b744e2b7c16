// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>

#include "gantry/operation/value.h"

namespace gantry {

/// Turns a reference into a value. A reference is a path (file, or folder of DICOM that holds one volume), or `scheme:rest` of a scheme
/// that the program filled in: `phantom:sphere`, `archive:STUDY/SERIES`. A surface that must not read files (REST) leaves paths out.
class Sources {
 public:
  using Resolver = std::function<Value(const PortInfo& type, const std::string& rest, Run& run)>;

  /// With `paths`, plain references are files.
  explicit Sources(bool paths = true);
  /// Adds or replaces a scheme.
  void add(std::string scheme, Resolver resolver) { resolvers_[std::move(scheme)] = std::move(resolver); }
  /// Throws Error(usage) for an unknown scheme, Error(not_found) and what reading throws; the reference's file name is the context.
  Value resolve(const PortInfo& type, const std::string& reference, Run& run) const;

 private:
  bool paths_;
  std::map<std::string, Resolver> resolvers_;
};

/// The image of a file of any kind that Gantry reads: NIfTI, NRRD, MetaImage, PNG, JPEG, NPY, a DICOM file, or a folder or archive of
/// DICOM. Of several series, `series_uid` chooses; without it more than one volume is an Error(refused) that names them.
Image read_any_image(const Path& path, Run& run, const std::string& series_uid = {}, bool stored = false);
/// Writes what `read_any_image` gives to an image file; slab by slab, in little memory, where the series and the format allow it.
void copy_any_image(const Path& from, const Path& to, Run& run, const std::string& series_uid = {}, bool stored = false);

}  // namespace gantry
