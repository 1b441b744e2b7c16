// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>

#include "gantry/operation/operation.h"

namespace gantry {

/// Results of operations on disk, by cache key. The folder has mode 0700 and holds at most `max_bytes`: the least recently used results go
/// first. Safe to share between processes; a damaged entry is a miss.
class ResultCache {
 public:
  explicit ResultCache(Path folder, std::uint64_t max_bytes = std::uint64_t{10} << 30);
  /// $XDG_CACHE_HOME/gantry, else ~/.cache/gantry.
  static Path default_folder();
  std::optional<Arguments> find(const std::string& key, const OperationInfo& info) const;
  /// A full disk or a missing right is no error: the result is not kept.
  void store(const std::string& key, const Arguments& outputs) const;

 private:
  Path folder_;
  std::uint64_t max_bytes_;
};

}  // namespace gantry
