// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/files.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "gantry/base/atomic_file.h"
#include "gantry/base/error.h"

namespace gantry {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void throw_errno(const Path& path, std::string_view act, int number) {
  const auto code = number == ENOENT || number == ENOTDIR                     ? ErrorCode::not_found
                    : number == EACCES || number == EPERM || number == EROFS  ? ErrorCode::not_permitted
                    : number == ENOSPC || number == EDQUOT || number == EFBIG ? ErrorCode::disk_full
                                                                              : ErrorCode::unreadable;
  throw Error(code, fmt::format("{}: cannot {}: {}", path.filename().string(), act, std::strerror(number)));
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const Path& path, int flags, mode_t mode = 0644) : value_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (value_ < 0) throw_errno(path, (flags & O_CREAT) ? "create" : "open", errno);
  }
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

struct ::stat stat_regular(const Path& path, int descriptor) {
  struct ::stat status {};
  if (::fstat(descriptor, &status) != 0) throw_errno(path, "inspect", errno);
  if (S_ISDIR(status.st_mode)) throw Error(ErrorCode::unreadable, fmt::format("{}: is a folder, not a file", path.filename().string()));
  return status;
}

template <class Container>
Container read_all(const Path& path, std::uint64_t max_bytes) {
  const Descriptor file(path, O_RDONLY);
  const auto size = static_cast<std::uint64_t>(stat_regular(path, file.value()).st_size);
  if (size > max_bytes) {
    throw Error(ErrorCode::refused, fmt::format("{}: at most {} bytes are read; has {}", path.filename().string(), max_bytes, size));
  }
  Container content;
  content.resize(size);
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t count = ::read(file.value(), content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(path, "read", errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  content.resize(done);
  return content;
}

void sync_folder(const Path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

Path parent_of(const Path& path) {
  const Path parent = path.parent_path();
  return parent.empty() ? Path(".") : parent;
}

/// "NAME/" and "NAME" are the same folder.
Path without_trailing_slash(Path path) { return path.filename().empty() ? path.parent_path() : path; }

}  // namespace

Bytes read_bytes(const Path& path, std::uint64_t max_bytes) { return read_all<Bytes>(path, max_bytes); }
std::string read_text(const Path& path, std::uint64_t max_bytes) { return read_all<std::string>(path, max_bytes); }

void write_atomic(const Path& path, std::span<const std::byte> bytes) { write_atomic(path, std::span(&bytes, 1)); }

void write_atomic(const Path& path, std::span<const std::span<const std::byte>> pieces) {
  AtomicFile file(path);
  std::uint64_t at = 0;
  for (const std::span<const std::byte> bytes : pieces) {
    file.write_at(at, bytes);
    at += bytes.size();
  }
  file.commit();
}

void write_atomic(const Path& path, std::string_view text) { write_atomic(path, std::as_bytes(std::span(text.data(), text.size()))); }

AtomicFile::AtomicFile(Path path)
    : path_(std::move(path)), temporary_(parent_of(path_) / fmt::format(".{}.{}.part", path_.filename().string(), ::getpid())) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw_errno(path_, "create", errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  // After each block the disk begins to store what is there while the next one is copied, so that the final fsync has little left to wait
  // for.
  constexpr std::size_t block = std::size_t{8} << 20;
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto at = static_cast<off_t>(offset + done);
    const ssize_t count = ::pwrite(descriptor_, bytes.data() + done, std::min(block, bytes.size() - done), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(path_, "write", errno);
    done += static_cast<std::size_t>(count);
    const std::uint64_t before = written_.fetch_add(static_cast<std::uint64_t>(count));
    if (before / block != (before + static_cast<std::uint64_t>(count)) / block) ::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) throw_errno(path_, "write", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw_errno(path_, "write", errno);
  ::close(std::exchange(descriptor_, -1));
  sync_folder(parent_of(path_));
}

MappedFile::MappedFile(const Path& path) {
  const Descriptor file(path, O_RDONLY);
  size_ = static_cast<std::size_t>(stat_regular(path, file.value()).st_size);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.value(), 0);
  if (address == MAP_FAILED) throw_errno(path, "map", errno);
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

StagedFolder::StagedFolder(Path destination) : destination_(without_trailing_slash(std::move(destination))) {
  const Path parent = parent_of(destination_);
  const std::string prefix = fmt::format(".{}.staging-", destination_.filename().string());
  std::error_code ignored;
  fs::create_directories(parent, ignored);
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const pid_t owner = static_cast<pid_t>(std::atol(name.c_str() + prefix.size()));
    if (owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
  staging_ = parent / (prefix + std::to_string(::getpid()));
  fs::remove_all(staging_, ignored);
  if (::mkdir(staging_.c_str(), 0755) != 0) throw_errno(destination_, "create", errno);
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(staging_, ignored);
}

void StagedFolder::commit() {
  for (const auto& entry : fs::recursive_directory_iterator(staging_)) {
    if (entry.is_directory()) {
      sync_folder(entry.path());
    } else {
      const Descriptor file(entry.path(), O_RDONLY);
      if (::fsync(file.value()) != 0) throw_errno(entry.path(), "write", errno);
    }
  }
  sync_folder(staging_);
  std::error_code failure;
  if (fs::exists(destination_)) {
    if (::syscall(SYS_renameat2, AT_FDCWD, staging_.c_str(), AT_FDCWD, destination_.c_str(), RENAME_EXCHANGE) != 0) {
      throw_errno(destination_, "exchange", errno);
    }
    committed_ = true;
    fs::remove_all(staging_, failure);
  } else {
    if (::rename(staging_.c_str(), destination_.c_str()) != 0) throw_errno(destination_, "write", errno);
    committed_ = true;
  }
  sync_folder(parent_of(destination_));
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "gantry-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw_errno(pattern, "create", errno);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

Path find_resource(const Path& relative) {
  std::error_code ignored;
  if (const char* home = std::getenv("GANTRY_HOME"); home && *home) {
    const Path candidate = Path(home) / relative;
    return fs::exists(candidate, ignored) ? candidate : Path();
  }
  Dl_info info{};
  if (!::dladdr(reinterpret_cast<void*>(&find_resource), &info) || !info.dli_fname) return {};
  const Path library = fs::weakly_canonical(info.dli_fname, ignored).parent_path();
  // Installed: lib/libgantry.so with share/gantry and libexec/gantry; build tree: build/PRESET/lib in the source tree.
  for (const char* base :
       {"../share/gantry", "../libexec/gantry", "../../share/gantry", "../../libexec/gantry", "../bin", "../lib", "../../.."}) {
    const Path candidate = (library / base / relative).lexically_normal();
    if (fs::exists(candidate, ignored)) return candidate;
  }
  // Bundles that a user imported.
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* user = std::getenv("HOME");
  const Path own = data && *data ? Path(data) : user && *user ? Path(user) / ".local/share" : Path();
  if (own.is_absolute() && fs::exists(own / "gantry" / relative, ignored)) return own / "gantry" / relative;
  return {};
}

}  // namespace gantry
