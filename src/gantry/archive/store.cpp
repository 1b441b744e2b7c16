// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t block = std::size_t{256} << 10;

[[noreturn]] void fail(std::string_view act, int number) {
  const auto code = number == ENOSPC || number == EDQUOT || number == EFBIG  ? ErrorCode::disk_full
                    : number == EACCES || number == EPERM || number == EROFS ? ErrorCode::not_permitted
                    : number == ENOENT                                       ? ErrorCode::not_found
                                                                             : ErrorCode::unreadable;
  throw Error(code, fmt::format("archive: cannot {}: {}", act, std::strerror(number)));
}

void make_folder(const Path& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail("make its folders", errno);
}

void sync_folder(const Path& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.value() < 0 || ::fsync(folder.value()) != 0) fail("reach the disk", errno);
}

/// The name says nothing about the patient, and a hostile UID cannot name another file.
std::string name_of(std::string_view sop_instance_uid) { return sha256_hex(sop_instance_uid).substr(0, 32); }

/// "HASH-SIZE-DIGEST.dcm".
std::optional<Fingerprint> stated(const Path& path) {
  const auto parts = split(path.stem().string(), '-');
  if (parts.size() != 3) return std::nullopt;
  const auto size = parse_integer(parts[1]);
  if (!size || *size < 0) return std::nullopt;
  return Fingerprint{static_cast<std::uint64_t>(*size), parts[2]};
}

}  // namespace

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

void DataSetDigest::add(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  if (in_data_set_) {
    hash_.add(bytes);
    return;
  }
  start_.insert(start_.end(), bytes.begin(), bytes.end());
  const auto meta = dicom::read_file_meta(start_);
  if (!meta) return;
  in_data_set_ = true;
  hash_.add(std::span(start_).subspan(static_cast<std::size_t>(meta->data_set)));
  start_ = {};
}

Fingerprint DataSetDigest::finish() {
  if (!in_data_set_) throw Error(ErrorCode::refused, "meta header: a DICOM file must hold one and a data set; it ends too early");
  return {size_, hash_.finish_hex()};
}

Fingerprint fingerprint_of(const Path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value() < 0) fail("open a file", errno);
  DataSetDigest digest;
  Bytes buffer(std::size_t{1} << 20);
  for (;;) {
    const ssize_t count = ::read(file.value(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read a file", errno);
    if (count == 0) return digest.finish();
    digest.add(std::span(buffer).first(static_cast<std::size_t>(count)));
  }
}

StoreFile::StoreFile(Store& store, Path path, int descriptor) : store_(store), path_(std::move(path)), file_(descriptor) {
  buffer_.reserve(block);
}

StoreFile::~StoreFile() {
  if (!published_) ::unlink(path_.c_str());
}

void StoreFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t take = std::min(bytes.size(), block - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(take));
    bytes = bytes.subspan(take);
    if (buffer_.size() == block) flush();
  }
}

void StoreFile::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t count = ::write(file_.value(), buffer_.data() + done, buffer_.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write an object", errno);
    done += static_cast<std::size_t>(count);
  }
  written_ += static_cast<std::int64_t>(done);
  buffer_.clear();
  if (written_ - begun_ >= static_cast<std::int64_t>(block)) {
    ::sync_file_range(file_.value(), begun_, written_ - begun_, SYNC_FILE_RANGE_WRITE);
    begun_ = written_;
  }
}

Path StoreFile::publish(std::string_view sop_instance_uid, const Fingerprint& fingerprint) {
  flush();
  const Path name = store_.folder_ / "incoming" /
                    fmt::format("{}-{}-{}.dcm", name_of(sop_instance_uid), fingerprint.size, fingerprint.sha256.substr(0, 32));
  if (::rename(path_.c_str(), name.c_str()) != 0) fail("name an object", errno);
  path_ = name;
  if (::fsync(file_.value()) != 0 || (!store_.file_carries_name_ && ::fsync(store_.incoming_.value()) != 0)) {
    const int number = errno;
    fail("reach the disk", number);
  }
  published_ = true;
  return name;
}

Store::Store(Path folder)
    : folder_(std::move(folder)), incoming_([&] {
        make_folder(folder_ / "incoming");
        make_folder(folder_ / "instances");
        for (int n = 0; n < 256; ++n) make_folder(folder_ / "instances" / fmt::format("{:02x}", n));
        sync_folder(folder_ / "instances");
        sync_folder(folder_);
        const int incoming = ::open((folder_ / "incoming").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (incoming < 0) fail("open its folders", errno);
        return incoming;
      }()) {
  constexpr std::array<unsigned long, 3> journaled{0xEF53, 0x58465342, 0x9123683E};  // ext4, XFS, Btrfs (statfs(2))
  struct ::statfs status {};
  const bool known = ::fstatfs(incoming_.value(), &status) == 0;
  file_carries_name_ = known && std::find(journaled.begin(), journaled.end(), static_cast<unsigned long>(status.f_type)) != journaled.end();
}

std::uint64_t Store::free_bytes() const {
  struct ::statvfs status {};
  if (::statvfs(folder_.c_str(), &status) != 0) fail("ask for free space", errno);
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

std::unique_ptr<StoreFile> Store::begin() {
  static std::atomic<std::uint64_t> counter{0};
  Path path = folder_ / "incoming" / fmt::format("{}-{}.part", ::getpid(), ++counter);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) fail("begin an object", errno);
  return std::make_unique<StoreFile>(*this, std::move(path), file);
}

Path Store::place_of(std::string_view sop_instance_uid) const {
  const std::string name = name_of(sop_instance_uid);
  return folder_ / "instances" / name.substr(0, 2) / (name.substr(2) + ".dcm");
}

void Store::settle(const Path& published, std::string_view sop_instance_uid) const {
  if (::rename(published.c_str(), place_of(sop_instance_uid).c_str()) != 0) fail("move an object into place", errno);
}

std::vector<Path> Store::recover() const {
  std::vector<Path> found;
  for (const auto& entry : fs::directory_iterator(folder_ / "incoming")) {
    const Path& path = entry.path();
    if (path.extension() == ".part") {
      ::unlink(path.c_str());
      continue;
    }
    bool whole = false;
    if (const auto claim = stated(path)) {
      try {
        const Fingerprint real = fingerprint_of(path);
        whole = real.size == claim->size && real.sha256.starts_with(claim->sha256);
      } catch (const Error&) {
        whole = false;  // cut off within the meta header
      }
    }
    if (whole) {
      found.push_back(path);
      continue;
    }
    make_folder(folder_ / "rejected");
    std::error_code ignored;
    fs::rename(path, folder_ / "rejected" / path.filename(), ignored);
  }
  std::sort(found.begin(), found.end());
  return found;
}

void Store::each(const std::function<void(const Path&)>& visit) const {
  for (int n = 0; n < 256; ++n) {
    std::vector<Path> files;
    for (const auto& entry : fs::directory_iterator(folder_ / "instances" / fmt::format("{:02x}", n))) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const Path& file : files) visit(file);
  }
}

}  // namespace gantry::archive
