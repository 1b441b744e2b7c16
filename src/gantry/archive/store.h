// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gantry/base/files.h"
#include "gantry/base/hash.h"
#include "gantry/dicom/network/part10.h"

namespace gantry::archive {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : value_(other.value_) { other.value_ = -1; }
  Descriptor& operator=(Descriptor&&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

/// Size of a file and the digest of its data set.
struct Fingerprint {
  std::uint64_t size = 0;
  std::string sha256;
};

/// Takes the bytes of a DICOM file in any portions and digests what lies behind the meta header. Error(refused) for what has none.
class DataSetDigest {
 public:
  void add(std::span<const std::byte> bytes);
  /// The object is spent afterwards. Error(refused) when the meta header was never complete.
  Fingerprint finish();

 private:
  Bytes start_;  ///< until the meta header is complete
  bool in_data_set_ = false;
  std::uint64_t size_ = 0;
  Sha256 hash_;
};

/// Reads a file through the digest. Errors: not_found, unreadable, refused.
Fingerprint fingerprint_of(const Path& path);

class Store;

/// A temporary file of a store. Destroyed without `publish`, it is removed.
class StoreFile {
 public:
  StoreFile(Store& store, Path path, int descriptor);
  ~StoreFile();
  StoreFile(const StoreFile&) = delete;
  StoreFile& operator=(const StoreFile&) = delete;

  /// Appends; the disk begins to store what is complete of it. Error(disk_full) and the like.
  void write(std::span<const std::byte> bytes);
  /// Hands what is buffered to the system, so that `path` can be read.
  void flush();
  const Path& path() const { return path_; }
  /// Names the file in `incoming` and returns when its content and its name are on disk.
  Path publish(std::string_view sop_instance_uid, const Fingerprint& fingerprint);

 private:
  Store& store_;
  Path path_;
  Descriptor file_;
  Bytes buffer_;
  std::int64_t written_ = 0, begun_ = 0;
  bool published_ = false;
};

/// The files of an archive (see Archive): names, durable writing, moving into place.
///
/// A file gets its name in `incoming` before the one fsync that makes content and name durable, so that each object costs one flush of the
/// disk: on ext4, XFS and Btrfs a rename is part of what a later fsync of the file stores, elsewhere the folder is synchronised too. The
/// name states size and digest: after a crash, a file that does not agree with its name was never acknowledged.
class Store {
 public:
  explicit Store(Path folder);

  const Path& folder() const { return folder_; }
  std::uint64_t free_bytes() const;
  std::unique_ptr<StoreFile> begin();
  /// Where the object lies once it is in the index.
  Path place_of(std::string_view sop_instance_uid) const;
  /// Moves a published file to its place.
  void settle(const Path& published, std::string_view sop_instance_uid) const;
  /// Removes temporary files and returns the published ones of former runs; those that are not whole go to `rejected`.
  std::vector<Path> recover() const;
  /// Calls for every file in place, in the order of the names.
  void each(const std::function<void(const Path&)>& visit) const;

 private:
  friend class StoreFile;
  Path folder_;
  Descriptor incoming_;
  bool file_carries_name_ = false;
};

}  // namespace gantry::archive
