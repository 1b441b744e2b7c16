// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "gantry/base/error.h"

namespace gantry::dicom {

namespace {

class FileReader : public Reader {
 public:
  explicit FileReader(const Path& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw Error(errno == ENOENT ? ErrorCode::not_found : ErrorCode::unreadable, "file: cannot be opened");
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      throw Error(ErrorCode::unreadable, "file: is not a regular file");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~FileReader() override { ::close(descriptor_); }
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  std::size_t read(std::uint64_t offset, std::span<std::byte> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

 private:
  int descriptor_;
};

class MemoryReader : public Reader {
 public:
  explicit MemoryReader(std::shared_ptr<const Bytes> bytes) : bytes_(std::move(bytes)) { size_ = bytes_->size(); }
  std::size_t read(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset >= size_) return 0;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
    std::memcpy(out.data(), bytes_->data() + offset, n);
    return n;
  }

 private:
  std::shared_ptr<const Bytes> bytes_;
};

Bytes read_part(const Reader& reader, std::uint64_t offset, std::uint64_t length) {
  if (offset > reader.size() || length > reader.size() - offset) throw Error(ErrorCode::unreadable, "archive: ends too early");
  Bytes bytes(static_cast<std::size_t>(length));
  if (reader.read(offset, bytes) != bytes.size()) throw Error(ErrorCode::unreadable, "archive: ends too early");
  return bytes;
}

std::uint64_t little_endian(std::span<const std::byte> bytes, std::size_t offset, int count) {
  std::uint64_t value = 0;
  for (int n = count - 1; n >= 0; --n) value = value << 8 | std::to_integer<std::uint64_t>(bytes[offset + static_cast<std::size_t>(n)]);
  return value;
}

Bytes member_bytes(const Reader& archive, const Origin::ZipMember& member) {
  if (member.size > Origin::max_inflated) {
    throw Error(ErrorCode::refused, fmt::format("archive member: may hold at most {} bytes; states {}", Origin::max_inflated, member.size));
  }
  const Bytes local = read_part(archive, member.offset, 30);
  if (little_endian(local, 0, 4) != 0x04034b50U) throw Error(ErrorCode::unreadable, "archive member: has no local header");
  const std::uint64_t start = member.offset + 30 + little_endian(local, 26, 2) + little_endian(local, 28, 2);
  Bytes bytes = read_part(archive, start, member.compressed_size);
  if (member.deflated) bytes = inflate_bounded(bytes, member.size);
  if (bytes.size() != member.size) throw Error(ErrorCode::unreadable, "archive member: its size differs from the directory's");
  const auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (crc != member.crc) throw Error(ErrorCode::unreadable, "archive member: its checksum is wrong");
  return bytes;
}

}  // namespace

Bytes inflate_bounded(std::span<const std::byte> stream, std::uint64_t max_bytes) {
  Bytes out;
  for (const int window : {-MAX_WBITS, MAX_WBITS}) {
    z_stream state{};
    if (::inflateInit2(&state, window) != Z_OK) throw Error(ErrorCode::out_of_memory, "deflate: no memory for its state");
    const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&state, ::inflateEnd);
    out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(max_bytes, std::max<std::uint64_t>(stream.size() * 3, 4096))));
    std::size_t taken = 0, made = 0;
    int status = Z_OK;
    while (status == Z_OK) {
      if (made == out.size()) {
        if (out.size() >= max_bytes) {
          std::byte spare{};
          state.next_out = reinterpret_cast<Bytef*>(&spare);
          state.avail_out = 1;
          status = ::inflate(&state, Z_NO_FLUSH);
          if (state.avail_out == 1 && status == Z_STREAM_END) break;
          throw Error(ErrorCode::refused, fmt::format("deflate stream: expands to more than the allowed {} bytes", max_bytes));
        }
        out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(max_bytes, out.size() * 2 + 1)));
      }
      const std::size_t in = std::min<std::size_t>(stream.size() - taken, 1U << 30);
      const std::size_t room = std::min<std::size_t>(out.size() - made, 1U << 30);
      state.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(stream.data() + taken));
      state.avail_in = static_cast<uInt>(in);
      state.next_out = reinterpret_cast<Bytef*>(out.data() + made);
      state.avail_out = static_cast<uInt>(room);
      status = ::inflate(&state, Z_NO_FLUSH);
      taken += in - state.avail_in;
      made += room - state.avail_out;
      if (status == Z_OK && in == 0 && state.avail_out != 0) status = Z_BUF_ERROR;
    }
    if (status == Z_STREAM_END) {
      out.resize(made);
      return out;
    }
  }
  throw Error(ErrorCode::unreadable, "deflate stream: is damaged or truncated");
}

std::unique_ptr<Reader> Origin::open() const {
  std::unique_ptr<Reader> reader;
  if (memory) {
    reader = std::make_unique<MemoryReader>(memory);
  } else {
    reader = std::make_unique<FileReader>(path);
    if (member) reader = std::make_unique<MemoryReader>(std::make_shared<const Bytes>(member_bytes(*reader, *member)));
  }
  if (!deflated_after) return reader;
  const std::uint64_t start = std::min(*deflated_after, reader->size());
  if (reader->size() > max_inflated) throw Error(ErrorCode::refused, "deflated data set: is too large");
  Bytes whole = read_part(*reader, 0, start);
  const Bytes rest = inflate_bounded(read_part(*reader, start, reader->size() - start), max_inflated);
  whole.insert(whole.end(), rest.begin(), rest.end());
  return std::make_unique<MemoryReader>(std::make_shared<const Bytes>(std::move(whole)));
}

std::vector<ZipEntry> zip_entries(const Path& path) {
  const FileReader archive(path);
  const std::uint64_t tail_size = std::min<std::uint64_t>(archive.size(), 66000);
  const std::uint64_t tail_start = archive.size() - tail_size;
  const Bytes tail = read_part(archive, tail_start, tail_size);
  std::size_t end = std::string::npos;
  for (std::size_t at = tail.size() >= 22 ? tail.size() - 22 + 1 : 0; at-- > 0;) {
    if (little_endian(tail, at, 4) == 0x06054b50U) {
      end = at;
      break;
    }
  }
  if (end == std::string::npos) throw Error(ErrorCode::unreadable, "zip archive: has no directory (truncated?)");
  std::uint64_t count = little_endian(tail, end + 10, 2);
  std::uint64_t size = little_endian(tail, end + 12, 4);
  std::uint64_t start = little_endian(tail, end + 16, 4);
  if ((count == 0xFFFF || size == 0xFFFFFFFFU || start == 0xFFFFFFFFU) && end >= 20 && little_endian(tail, end - 20, 4) == 0x07064b50U) {
    const Bytes record = read_part(archive, little_endian(tail, end - 12, 8), 56);
    if (little_endian(record, 0, 4) != 0x06064b50U) throw Error(ErrorCode::unreadable, "zip archive: its zip64 directory is damaged");
    count = little_endian(record, 32, 8);
    size = little_endian(record, 40, 8);
    start = little_endian(record, 48, 8);
  }
  if (count > 1000000 || size > (std::uint64_t{1} << 28)) throw Error(ErrorCode::refused, "zip archive: lists more than a million members");
  const Bytes directory = read_part(archive, start, size);
  std::vector<ZipEntry> entries;
  std::size_t at = 0;
  for (std::uint64_t n = 0; n < count; ++n) {
    if (directory.size() - at < 46 || little_endian(directory, at, 4) != 0x02014b50U) {
      throw Error(ErrorCode::unreadable, "zip archive: its directory is damaged");
    }
    const auto flags = little_endian(directory, at + 8, 2), method = little_endian(directory, at + 10, 2);
    const auto name_size = static_cast<std::size_t>(little_endian(directory, at + 28, 2));
    const auto extra_size = static_cast<std::size_t>(little_endian(directory, at + 30, 2));
    const auto comment_size = static_cast<std::size_t>(little_endian(directory, at + 32, 2));
    if (directory.size() - at - 46 < name_size + extra_size + comment_size) {
      throw Error(ErrorCode::unreadable, "zip archive: its directory is damaged");
    }
    ZipEntry entry;
    entry.name.assign(reinterpret_cast<const char*>(directory.data() + at + 46), name_size);
    Origin::ZipMember member;
    member.crc = static_cast<std::uint32_t>(little_endian(directory, at + 16, 4));
    member.compressed_size = little_endian(directory, at + 20, 4);
    member.size = little_endian(directory, at + 24, 4);
    member.offset = little_endian(directory, at + 42, 4);
    member.deflated = method == 8;
    for (std::size_t extra = at + 46 + name_size, stop = extra + extra_size; extra + 4 <= stop;) {
      const auto length = static_cast<std::size_t>(little_endian(directory, extra + 2, 2));
      if (extra + 4 + length > stop) break;
      if (little_endian(directory, extra, 2) == 1) {
        std::size_t field = extra + 4;
        for (std::uint64_t* value : {&member.size, &member.compressed_size, &member.offset}) {
          if (*value != 0xFFFFFFFFU || field + 8 > extra + 4 + length) continue;
          *value = little_endian(directory, field, 8);
          field += 8;
        }
      }
      extra += 4 + length;
    }
    if ((flags & 1U) != 0)
      entry.refusal = "the archive member is encrypted";
    else if (method != 0 && method != 8)
      entry.refusal = fmt::format("the archive member uses compression method {}", method);
    entry.origin.path = path;
    entry.origin.member = member;
    if (!entry.name.empty() && entry.name.back() != '/') entries.push_back(std::move(entry));
    at += 46 + name_size + extra_size + comment_size;
  }
  return entries;
}

}  // namespace gantry::dicom
