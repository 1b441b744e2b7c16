// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "gantry/base/files.h"
#include "gantry/base/run.h"

namespace gantry::io {

/// Memory without initial values for bytes that are about to be read; counted in the voxel budget.
struct Scratch {
  std::shared_ptr<std::byte[]> data;
  std::size_t size = 0;
  std::span<std::byte> bytes() { return {data.get(), size}; }
  std::span<const std::byte> bytes() const { return {data.get(), size}; }
};
Scratch allocate_scratch(std::size_t size);

/// A regular file that is read by position, large parts on several threads.
class InputFile {
 public:
  /// Throws Error(not_found), Error(not_permitted) or Error(unreadable).
  explicit InputFile(Path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const Path& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  /// Throws Error(unreadable) unless the file has `count` bytes from `offset` on.
  void require(std::uint64_t offset, std::uint64_t count) const;
  /// Fills `out` with the bytes from `offset`. Throws Error(unreadable) when the file ends before.
  void read_at(std::uint64_t offset, std::span<std::byte> out, const Run& run) const;
  /// The first `count` bytes, fewer when the file is shorter.
  Bytes head(std::size_t count) const;
  /// The bytes from `offset` to the end.
  Scratch tail(std::uint64_t offset, const Run& run) const;

 private:
  Path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// The file that a header names beside itself. Throws Error(refused) unless `name` is a plain name in the same folder: a header must not
/// reach other files of the machine.
Path sibling_file(const Path& header, std::string_view name);

/// Little-endian and big-endian numbers out of and into bytes that the caller has checked to be long enough.
template <class T>
T load_number(std::span<const std::byte> bytes, std::size_t offset, bool big_endian = false) {
  std::array<std::byte, sizeof(T)> raw;
  for (std::size_t n = 0; n < sizeof(T); ++n) raw[n] = bytes[offset + (big_endian ? sizeof(T) - 1 - n : n)];
  T value;
  std::memcpy(&value, raw.data(), sizeof(T));
  return value;
}
template <class T>
void store_number(std::span<std::byte> bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

}  // namespace gantry::io
