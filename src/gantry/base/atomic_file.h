// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "gantry/base/files.h"

namespace gantry {

/// A file that is written beside `path` and put in its place by `commit`, so that `path` holds either its former content or all of the new
/// one. Destroyed without `commit`, it removes what was written. Throws Error(disk_full) or Error(not_permitted).
class AtomicFile {
 public:
  explicit AtomicFile(Path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  /// Writes at a byte offset; several threads may do so at once.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// fsync, rename, and fsync of the folder.
  void commit();

 private:
  Path path_, temporary_;
  int descriptor_ = -1;
  std::atomic<std::uint64_t> written_{0};
};

}  // namespace gantry
