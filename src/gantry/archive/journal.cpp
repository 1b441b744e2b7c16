// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <type_traits>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

namespace fs = std::filesystem;

/// Heads and contents begin at multiples of it, so that no page of the system holds parts of two records.
constexpr std::uint64_t block = 4096;
constexpr std::uint64_t spare_bytes = std::uint64_t{1} << 30;  ///< of the disk, beside all segments: below it none is made
constexpr auto retry_time = std::chrono::seconds(1);
using Digest = std::array<std::uint8_t, 32>;

enum class Kind : std::uint64_t { segment = 1, object = 2, removal = 3 };

/// At the start of a segment (kind, generation) and of each record in it. In the byte order of the machine: another one's is not whole.
struct Head {
  std::array<char, 8> magic{'G', 'T', 'R', 'Y', 'J', 'N', 'L', '1'};
  Kind kind = Kind::segment;
  std::uint64_t generation = 0;  ///< of the segment; a record of another one is left over from before
  std::uint64_t number = 0;      ///< of the record among all
  std::uint64_t before = 0;      ///< of a removal: the numbers that it reaches
  std::uint64_t size = 0;        ///< of the content
  std::uint64_t start_size = 0;  ///< bytes before the data set, which `start` digests
  std::array<char, 64> uid{};
  std::array<char, 64> sha256{};  ///< of the data set
  Digest start{};
  Digest own{};  ///< of everything above
};
static_assert(std::is_trivially_copyable_v<Head> && sizeof(Head) < block);

Digest digest_of(const Head& head) { return Sha256().add(std::as_bytes(std::span(&head, 1)).first(offsetof(Head, own))).finish(); }

template <std::size_t N>
void put(std::array<char, N>& field, std::string_view text) {
  std::memcpy(field.data(), text.data(), std::min(N, text.size()));
}

template <std::size_t N>
std::string taken(const std::array<char, N>& field) {
  return std::string(field.data(), ::strnlen(field.data(), N));
}

std::uint64_t room_for(std::uint64_t size) { return block + (size + block - 1) / block * block; }

bool write_all(int file, std::vector<::iovec> pieces, std::uint64_t offset) {
  std::size_t first = 0;
  while (first < pieces.size()) {
    ssize_t count = ::pwritev(file, pieces.data() + first, static_cast<int>(pieces.size() - first), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    offset += static_cast<std::uint64_t>(count);
    for (; first < pieces.size() && static_cast<std::size_t>(count) >= pieces[first].iov_len; ++first)
      count -= static_cast<ssize_t>(pieces[first].iov_len);
    if (first < pieces.size()) {
      pieces[first].iov_base = static_cast<std::byte*>(pieces[first].iov_base) + count;
      pieces[first].iov_len -= static_cast<std::size_t>(count);
    }
  }
  return true;
}

/// Writes a head and its content, filled up to whole blocks.
bool write_record(int file, Head head, std::span<const std::byte> content, std::uint64_t offset) {
  head.own = digest_of(head);
  std::array<std::byte, block> first{};
  std::memcpy(first.data(), &head, sizeof head);
  static std::array<std::byte, block> zeros{};
  const std::uint64_t rest = room_for(content.size()) - block - content.size();
  return write_all(file, {{first.data(), block}, {const_cast<std::byte*>(content.data()), content.size()}, {zeros.data(), rest}}, offset);
}

bool read_exactly(int file, std::span<std::byte> out, std::uint64_t offset) {
  while (!out.empty()) {
    const ssize_t count = ::pread(file, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

/// The head at `offset` when it is whole.
std::optional<Head> head_at(int file, std::uint64_t offset) {
  Head head;
  if (!read_exactly(file, std::as_writable_bytes(std::span(&head, 1)), offset)) return std::nullopt;
  if (head.magic != Head{}.magic || digest_of(head) != head.own || head.start_size > head.size) return std::nullopt;
  return head;
}

std::optional<Bytes> content_at(int file, const Head& head, std::uint64_t offset) {
  Bytes content(static_cast<std::size_t>(head.size));
  if (!read_exactly(file, content, offset + block)) return std::nullopt;
  const auto all = std::span<const std::byte>(content);
  const auto start = all.first(static_cast<std::size_t>(head.start_size)), rest = all.subspan(static_cast<std::size_t>(head.start_size));
  if (Sha256().add(start).finish() != head.start) return std::nullopt;
  if (head.kind == Kind::object && sha256_hex(rest) != taken(head.sha256)) return std::nullopt;
  return content;
}

}  // namespace

struct Journal::State {
  enum class Use { free, open, full };
  struct Segment {
    explicit Segment(Path p, int descriptor) : path(std::move(p)), file(descriptor) {}
    Path path;
    Descriptor file;
    std::uint64_t generation = 0, used = block;
    int held = 0;              ///< objects that are not yet handed over to the index
    std::uint64_t closed = 0;  ///< its place among those that became full
    Use use = Use::free;
    bool dirty = false;
  };

  State(Path f, JournalOptions o, std::function<void()> s) : folder(std::move(f)), options(o), settle(std::move(s)) {}

  Path path_of(std::size_t number) const { return folder / fmt::format("{}.log", number); }

  /// Makes the segment on disk ready for records of a new generation, and void what it holds.
  static bool begin_generation(const Segment& segment, std::uint64_t generation) {
    Head head;
    head.generation = generation;
    return write_record(segment.file.value(), head, {}, 0) && ::fdatasync(segment.file.value()) == 0;
  }

  /// A segment full of zeros, so that later writes change data alone; null when the disk has no room to spare.
  std::unique_ptr<Segment> made(const Path& path) const {
    struct ::statvfs status {};
    const std::uint64_t needed = spare_bytes + options.segment_bytes * static_cast<std::uint64_t>(options.most_segments);
    if (::statvfs(folder.c_str(), &status) != 0 || std::uint64_t{status.f_bavail} * status.f_frsize < needed) return nullptr;
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return nullptr;
    auto segment = std::make_unique<Segment>(path, file);
    Bytes zeros(std::size_t{1} << 20);
    bool good = true;
    for (std::uint64_t at = 0; good && at < options.segment_bytes; at += zeros.size()) {
      const std::uint64_t size = std::min<std::uint64_t>(zeros.size(), options.segment_bytes - at);
      good = write_all(file, {{zeros.data(), size}}, at);
    }
    const Descriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    segment->generation = 1;
    if (good && begin_generation(*segment, 1) && ::fsync(file) == 0 && parent.value() >= 0 && ::fsync(parent.value()) == 0) return segment;
    ::unlink(path.c_str());
    return nullptr;
  }

  bool close_current() {
    if (!current) return false;
    current->use = Use::full;
    current->closed = ++closings;
    current = nullptr;
    work.notify_all();
    return true;
  }

  /// Called with the lock held: the segment in which so many bytes find room; null when there is none now.
  Segment* segment_for(std::uint64_t bytes) {
    if (!running || broken || bytes > options.segment_bytes - block) return nullptr;
    if (current && current->used + bytes > options.segment_bytes) close_current();
    if (!current) {
      const auto found = std::find_if(segments.begin(), segments.end(), [](const auto& one) { return one->use == Use::free; });
      if (found != segments.end()) {
        current = found->get();
        current->use = Use::open;
      }
    }
    if (!current && !segments.empty()) {
      wanted = true;
      work.notify_all();
    }
    return current;
  }

  /// Called with the lock held: writes a record. False when the disk fails.
  bool add(Segment& segment, const Head& head, std::span<const std::byte> content) {
    if (!write_record(segment.file.value(), head, content, segment.used)) {
      broken = true;
      return false;
    }
    segment.used += room_for(content.size());
    segment.dirty = true;
    ++written;
    return true;
  }

  /// Returns when the record `ticket` is on disk; false when the disk fails. One of those who wait flushes for all.
  bool wait_for_disk(std::unique_lock<std::mutex>& guard, std::uint64_t ticket) {
    while (synced < ticket && !broken) {
      if (syncing) {
        flushed.wait(guard);
        continue;
      }
      syncing = true;
      const std::uint64_t target = written;
      std::vector<int> files;
      for (const auto& segment : segments) {
        if (std::exchange(segment->dirty, false)) files.push_back(segment->file.value());
      }
      guard.unlock();
      const bool good = std::all_of(files.begin(), files.end(), [](int file) { return ::fdatasync(file) == 0; });
      guard.lock();
      syncing = false;
      if (good) synced = std::max(synced, target);
      broken = broken || !good;
      flushed.notify_all();
    }
    return synced >= ticket;
  }

  bool may_make() const {
    return !no_more && segments.size() < static_cast<std::size_t>(options.most_segments) &&
           (segments.empty() ? misses >= options.begins_after : wanted);
  }
  /// Those that can be made free: in the order in which they became full, so that a removal never goes before what it removed.
  std::vector<Segment*> finished() const {
    std::vector<Segment*> full;
    for (const auto& one : segments) {
      if (one->use == Use::full) full.push_back(one.get());
    }
    std::sort(full.begin(), full.end(), [](const Segment* a, const Segment* b) { return a->closed < b->closed; });
    full.erase(std::find_if(full.begin(), full.end(), [](const Segment* one) { return one->held > 0; }), full.end());
    return full;
  }

  /// Brings all files of the objects in these segments to the disk and makes the segments free. The lock is not held.
  bool retire(const std::vector<Segment*>& full) const {
    try {
      settle();
    } catch (const Error&) {
      return false;
    }
    if (::syncfs(full.front()->file.value()) != 0) return false;
    return std::all_of(full.begin(), full.end(), [](const Segment* one) { return begin_generation(*one, one->generation + 1); });
  }

  void keep() {
    std::unique_lock guard(mutex);
    for (;;) {
      work.wait(guard, [&] { return stopping || !finished().empty() || may_make(); });
      if (stopping) return;
      if (const auto full = finished(); !full.empty()) {
        guard.unlock();
        const bool good = retire(full);
        guard.lock();
        if (good) {
          for (Segment* one : full) {
            ++one->generation;
            one->used = block;
            one->use = Use::free;
          }
        } else {
          ++failures;
        }
        flushed.notify_all();
        if (!good) work.wait_for(guard, retry_time, [&] { return stopping; });
        continue;
      }
      const Path path = path_of(segments.size());
      guard.unlock();
      auto segment = made(path);
      guard.lock();
      wanted = false;
      if (segment) {
        segments.push_back(std::move(segment));
      } else {
        no_more = true;
      }
    }
  }

  const Path folder;
  const JournalOptions options;
  const std::function<void()> settle;

  mutable std::mutex mutex;  ///< of everything below
  std::condition_variable work, flushed;
  std::vector<std::unique_ptr<Segment>> segments;
  Segment* current = nullptr;
  std::uint64_t next = 1, highest_generation = 0;
  std::uint64_t written = 0, synced = 0, failures = 0, closings = 0;
  std::map<std::uint64_t, Path> found;  ///< segments by the number of their first record, on opening
  int misses = 0;
  bool running = false, stopping = false, syncing = false, broken = false, wanted = false, no_more = false;
  std::thread keeper;
};

Journal::Place::~Place() {
  if (journal_) journal_->release(segment_);
}
Journal::Place::Place(Place&& other) noexcept : journal_(std::exchange(other.journal_, nullptr)), segment_(other.segment_) {}
Journal::Place& Journal::Place::operator=(Place&& other) noexcept {
  std::swap(journal_, other.journal_);
  std::swap(segment_, other.segment_);
  return *this;
}

Journal::Journal(Path folder, JournalOptions options, std::function<void()> settle)
    : state_(std::make_unique<State>(std::move(folder), options, std::move(settle))) {
  if (::mkdir(state_->folder.c_str(), 0700) != 0 && errno != EEXIST)
    throw Error(ErrorCode::not_permitted, fmt::format("archive: cannot make its journal: {}", std::strerror(errno)));
}

Journal::~Journal() {
  {
    const std::lock_guard guard(state_->mutex);
    state_->stopping = true;
  }
  state_->work.notify_all();
  if (state_->keeper.joinable()) state_->keeper.join();
}

std::vector<Journal::Found> Journal::recover() {
  State& s = *state_;
  std::map<std::uint64_t, Found> found;  // by number
  std::map<std::string, std::uint64_t> removed;
  for (const auto& entry : fs::directory_iterator(s.folder)) {
    const auto file = std::make_shared<Descriptor>(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    const auto segment = file->value() < 0 ? std::nullopt : head_at(file->value(), 0);
    if (!segment || segment->kind != Kind::segment) continue;
    s.highest_generation = std::max(s.highest_generation, segment->generation);
    const std::uint64_t end = entry.file_size();
    for (std::uint64_t at = block; at + block <= end;) {
      // Records are written one after the other and acknowledged in that order: behind one that is not whole there is none that counts.
      const auto head = head_at(file->value(), at);
      if (!head || head->generation != segment->generation || head->size > end - at - block) break;
      const auto content = content_at(file->value(), *head, at);
      if (!content) break;
      if (head->kind == Kind::removal) {
        const std::string_view text(reinterpret_cast<const char*>(content->data()), content->size());
        for (const std::string& uid : split(text, '\n')) removed[uid] = std::max(removed[uid], head->before);
      } else {
        found[head->number] = {taken(head->uid), {head->size, taken(head->sha256)}, [file, head = *head, at] {
                                 auto bytes = content_at(file->value(), head, at);
                                 if (!bytes) throw Error(ErrorCode::unreadable, "archive: its journal cannot be read twice");
                                 return std::move(*bytes);
                               }};
      }
      if (at == block) s.found[head->number] = entry.path();
      s.next = std::max(s.next, head->number + 1);
      at += room_for(head->size);
    }
  }
  std::vector<Found> kept;
  for (auto& [number, one] : found) {
    const auto gone = removed.find(one.sop_instance_uid);
    if (gone == removed.end() || gone->second <= number) kept.push_back(std::move(one));
  }
  return kept;
}

void Journal::clear() {
  State& s = *state_;
  // The oldest first: should this be cut off, no removal is forgotten before what it removed.
  for (const auto& [number, path] : s.found) {
    const State::Segment segment(path, ::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!s.begin_generation(segment, s.highest_generation + 1))
      throw Error(ErrorCode::unreadable, "archive: its journal cannot be written");
  }
  for (std::size_t number = 0; number < static_cast<std::size_t>(s.options.most_segments); ++number) {
    const Path path = s.path_of(number);
    std::error_code none;
    if (fs::file_size(path, none) != s.options.segment_bytes || none) break;
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) break;
    auto segment = std::make_unique<State::Segment>(path, file);
    segment->generation = s.highest_generation + 1;
    if (!s.begin_generation(*segment, s.highest_generation + 1))
      throw Error(ErrorCode::unreadable, "archive: its journal cannot be written");
    s.segments.push_back(std::move(segment));
  }
  for (const auto& entry : fs::directory_iterator(s.folder)) {
    if (std::none_of(s.segments.begin(), s.segments.end(), [&](const auto& one) { return one->path == entry.path(); }))
      ::unlink(entry.path().c_str());
  }
  s.running = true;
  s.keeper = std::thread([&s] { s.keep(); });
}

bool Journal::takes(std::uint64_t bytes) const {
  const std::lock_guard guard(state_->mutex);
  return state_->running && !state_->broken && !state_->segments.empty() && room_for(bytes) <= state_->options.segment_bytes - block;
}

Journal::Place Journal::append(std::string_view sop_instance_uid, std::span<const std::byte> file, const Fingerprint& fingerprint) {
  State& s = *state_;
  Head head;
  head.kind = Kind::object;
  head.size = file.size();
  const auto meta = dicom::read_file_meta(file);
  if (!meta || sop_instance_uid.size() > head.uid.size()) return {};
  head.start_size = meta->data_set;
  head.start = Sha256().add(file.first(static_cast<std::size_t>(meta->data_set))).finish();
  put(head.uid, sop_instance_uid);
  put(head.sha256, fingerprint.sha256);
  std::unique_lock guard(s.mutex);
  State::Segment* segment = s.segment_for(room_for(file.size()));
  if (!segment) return {};
  head.generation = segment->generation;
  head.number = s.next++;
  Place place;
  place.segment_ = static_cast<std::size_t>(
      std::find_if(s.segments.begin(), s.segments.end(), [&](const auto& one) { return one.get() == segment; }) - s.segments.begin());
  ++segment->held;
  if (s.add(*segment, head, file) && s.wait_for_disk(guard, s.written)) {
    place.journal_ = this;
    return place;
  }
  --segment->held;
  return {};
}

void Journal::release(std::size_t segment) {
  const std::lock_guard guard(state_->mutex);
  if (--state_->segments[segment]->held == 0) state_->work.notify_all();
}

void Journal::missed() {
  const std::lock_guard guard(state_->mutex);
  if (++state_->misses == state_->options.begins_after) state_->work.notify_all();
}

std::uint64_t Journal::next_number() const {
  const std::lock_guard guard(state_->mutex);
  return state_->next;
}

void Journal::forget(const std::vector<std::string>& sop_instance_uids, std::uint64_t before) {
  State& s = *state_;
  const std::string text = join(sop_instance_uids, "\n");
  const auto content = std::as_bytes(std::span(text.data(), text.size()));
  Head head;
  head.kind = Kind::removal;
  head.before = before;
  head.size = head.start_size = content.size();
  head.start = Sha256().add(content).finish();
  for (int attempt = 0; attempt < 2; ++attempt) {
    {
      std::unique_lock guard(s.mutex);
      if (std::all_of(s.segments.begin(), s.segments.end(), [](const auto& one) { return one->used == block; })) return;
      if (State::Segment* segment = s.segment_for(room_for(content.size()))) {
        head.generation = segment->generation;
        head.number = s.next++;
        ++segment->held;
        const bool good = s.add(*segment, head, content) && s.wait_for_disk(guard, s.written);
        if (--segment->held == 0) s.work.notify_all();
        if (good) return;
      }
    }
    checkpoint();
  }
  throw Error(ErrorCode::disk_full, "archive: its journal cannot note the removal; after a loss of power the objects may be there again");
}

void Journal::checkpoint() {
  State& s = *state_;
  std::unique_lock guard(s.mutex);
  if (!s.running) return;
  if (s.current && s.current->used > block) s.close_current();
  const std::uint64_t before = s.failures;
  s.flushed.wait(guard, [&] {
    return s.failures != before ||
           std::none_of(s.segments.begin(), s.segments.end(), [](const auto& one) { return one->use == State::Use::full; });
  });
}

}  // namespace gantry::archive
