// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gantry/base/files.h"

namespace gantry::dicom {

/// Random access to bytes: an open file, or memory.
class Reader {
 public:
  virtual ~Reader() = default;
  std::uint64_t size() const { return size_; }
  /// Copies up to `out.size()` bytes from `offset`; returns how many there were.
  virtual std::size_t read(std::uint64_t offset, std::span<std::byte> out) const = 0;

 protected:
  std::uint64_t size_ = 0;
};

/// Where the bytes of a DICOM object come from, so that pixels can be read again after the header was: a file, a member of a zip archive,
/// or memory; the data set behind the meta header may be deflated.
struct Origin {
  struct ZipMember {
    std::uint64_t offset = 0, compressed_size = 0, size = 0;  ///< of the member's data in the archive
    bool deflated = false;
    std::uint32_t crc = 0;
  };
  Path path;
  std::optional<ZipMember> member;
  std::shared_ptr<const Bytes> memory;          ///< instead of a file
  std::optional<std::uint64_t> deflated_after;  ///< the bytes from here on are a deflate stream (transfer syntax 1.2.840.10008.1.2.1.99)

  /// Opens; inflates what is compressed. Throws Error(not_found), Error(unreadable) or Error(refused) above `max_inflated` bytes.
  std::unique_ptr<Reader> open() const;

  /// Largest object that is inflated into memory.
  static constexpr std::uint64_t max_inflated = std::uint64_t{2} << 30;
};

/// The member files of a zip archive (stored or deflated, zip64 too; no encryption).
struct ZipEntry {
  std::string name;  ///< as stored
  Origin origin;
  std::string refusal;  ///< why it cannot be read; empty = it can
};
/// Throws Error(unreadable) for a broken directory. At most a million entries.
std::vector<ZipEntry> zip_entries(const Path& path);

/// The bytes of a raw deflate (or zlib) stream. Throws Error(unreadable), or Error(refused) above `max_bytes`.
Bytes inflate_bounded(std::span<const std::byte> stream, std::uint64_t max_bytes);

}  // namespace gantry::dicom
