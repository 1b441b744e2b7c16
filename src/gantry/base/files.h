// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gantry {

using Path = std::filesystem::path;
using Bytes = std::vector<std::byte>;

/// The whole file. Throws Error(not_found), Error(unreadable) or, above `max_bytes`, Error(refused).
Bytes read_bytes(const Path& path, std::uint64_t max_bytes = std::uint64_t{1} << 34);
/// The whole file as text.
std::string read_text(const Path& path, std::uint64_t max_bytes = std::uint64_t{1} << 30);

/// Writes so that `path` holds either its former content or all of the new one: temporary sibling, fsync, rename.
/// Throws Error(disk_full) or Error(not_permitted) and leaves no temporary file behind.
void write_atomic(const Path& path, std::span<const std::byte> bytes);
void write_atomic(const Path& path, std::string_view text);
/// The pieces one after the other.
void write_atomic(const Path& path, std::span<const std::span<const std::byte>> pieces);

/// A read-only memory map of a file, for readers that touch each byte once.
class MappedFile {
 public:
  explicit MappedFile(const Path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A folder that is written beside its destination and exchanged with it by `commit`: the destination is always whole or
/// untouched. Destroyed without `commit`, it removes what was written.
class StagedFolder {
 public:
  /// Creates an empty hidden sibling of `destination`. Leftovers of a killed run beside it are removed.
  explicit StagedFolder(Path destination);
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;
  const Path& path() const { return staging_; }
  /// Puts the folder in place of the destination in one step and removes the former one.
  void commit();

 private:
  Path destination_;
  Path staging_;
  bool committed_ = false;
};

/// A folder under the system's temporary one, mode 0700, removed with its content at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const Path& path() const { return path_; }

 private:
  Path path_;
};

/// Where `profiles/`, `models/`, plug-ins and `gantry-decode` lie: $GANTRY_HOME, else relative to libgantry.so
/// (an installed tree, a build tree or a source tree). `relative` names a file or folder below it; empty when there is none.
Path find_resource(const Path& relative);

}  // namespace gantry
