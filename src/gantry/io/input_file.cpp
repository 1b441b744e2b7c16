// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/image/image.h"

namespace gantry::io {

Scratch allocate_scratch(std::size_t size) { return {allocate_voxels(size), size}; }

InputFile::InputFile(Path path) : path_(std::move(path)) {
  const std::string name = path_.filename().string();
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) {
    const int number = errno;
    const auto code = number == ENOENT || number == ENOTDIR ? ErrorCode::not_found
                      : number == EACCES                    ? ErrorCode::not_permitted
                                                            : ErrorCode::unreadable;
    throw Error(code, fmt::format("{}: cannot open: {}", name, std::strerror(number)));
  }
  struct ::stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw Error(ErrorCode::unreadable, fmt::format("{}: is no regular file", name));
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::require(std::uint64_t offset, std::uint64_t count) const {
  if (offset <= size_ && count <= size_ - offset) return;
  throw Error(ErrorCode::unreadable, fmt::format("{}: is truncated: {} bytes are needed from byte {}; the file has {}",
                                                 path_.filename().string(), count, offset, size_));
}

void InputFile::read_at(std::uint64_t offset, std::span<std::byte> out, const Run& run) const {
  require(offset, out.size());
  parallel_for(run, static_cast<std::int64_t>(out.size()), std::int64_t{4} << 20, [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const ssize_t count = ::pread(descriptor_, out.data() + begin, static_cast<std::size_t>(end - begin),
                                    static_cast<off_t>(offset + static_cast<std::uint64_t>(begin)));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) throw Error(ErrorCode::unreadable, fmt::format("{}: cannot read", path_.filename().string()));
      begin += count;
    }
  });
}

Bytes InputFile::head(std::size_t count) const {
  Bytes bytes(std::min<std::uint64_t>(count, size_));
  read_at(0, bytes, Run(RunOptions{.threads = 1}));
  return bytes;
}

Scratch InputFile::tail(std::uint64_t offset, const Run& run) const {
  Scratch scratch = allocate_scratch(offset < size_ ? size_ - offset : 0);
  read_at(std::min(offset, size_), scratch.bytes(), run);
  return scratch;
}

Path sibling_file(const Path& header, std::string_view name) {
  const Path plain = Path(name);
  if (name.empty() || name.find('\0') != std::string_view::npos || name == "." || name == ".." || plain.filename() != plain) {
    throw Error(ErrorCode::refused, fmt::format("{}: its data file must be a plain name in the same folder", header.filename().string()));
  }
  return header.parent_path() / plain;
}

}  // namespace gantry::io
