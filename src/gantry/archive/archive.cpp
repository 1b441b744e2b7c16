// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/archive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "gantry/archive/index.h"
#include "gantry/archive/store.h"
#include "gantry/base/error.h"

namespace gantry::archive {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largest_group = 512;
constexpr auto group_time = std::chrono::milliseconds(1000);
constexpr auto index_retry_time = std::chrono::seconds(1);

std::shared_ptr<const dicom::Header::Data> header_at(const Path& path) {
  dicom::Origin origin;
  origin.path = path;
  return dicom::read_header(origin);
}

/// Refuses a file that ends before its data set does, as far as that shows.
void check_whole(const dicom::Header::Data& header, const Path& path) {
  const dicom::PixelElement& pixel = header.pixel;
  dicom::Origin origin;
  origin.path = path;
  origin.deflated_after = header.origin.deflated_after;
  if (pixel.tag != 0) {
    bool whole = pixel.present >= pixel.length;
    if (pixel.encapsulated && whole) {
      std::byte delimiter[8];
      whole = origin.open()->read(pixel.offset + pixel.length, delimiter) == sizeof(delimiter) &&
              std::memcmp(delimiter, "\xFE\xFF\xDD\xE0", 4) == 0;
    }
    if (!whole) throw Error(ErrorCode::refused, "PixelData: must be whole; the object is cut off");
    return;
  }
  std::uint64_t end = 0;
  for (const dicom::Element& element : header.root.elements()) {
    if (element.external) return;
    end = std::max(end, element.offset + element.length + (element.undefined ? 8 : 0));
  }
  if (header.root.elements().empty()) throw Error(ErrorCode::refused, "data set: must hold attributes; it is empty");
  // Some writers pad with zeros; anything else behind the last element is the start of one that is not there.
  std::byte rest{};
  if (header.source_size > end && header.source_size - end < 12 && origin.open()->read(end, std::span(&rest, 1)) == 1 &&
      rest != std::byte{}) {
    throw Error(ErrorCode::refused, "data set: must be whole; it ends within an element");
  }
}

Path prepared(const ArchiveOptions& options) {
  const Path& data = options.data;
  if (options.must_exist && !fs::exists(data / "lock")) {
    throw Error(ErrorCode::not_found, fmt::format("{}: holds no archive", data.filename().string()));
  }
  std::error_code failure;
  fs::create_directories(data, failure);
  if (failure) throw Error(ErrorCode::not_permitted, fmt::format("archive: cannot make its folder: {}", failure.message()));
  ::chmod(data.c_str(), 0700);
  return data;
}

/// Holds DATA/lock until it is closed.
int locked(const Path& data) {
  const int file = ::open((data / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) throw Error(ErrorCode::not_permitted, fmt::format("archive: cannot open its lock: {}", std::strerror(errno)));
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    throw Error(ErrorCode::refused, "archive: one process at a time may hold it; another one does");
  }
  return file;
}

/// The index, or a new one when its file is missing or damaged (`made`): it is then made from the files.
std::unique_ptr<Index> opened_index(const Path& data, bool& made) {
  const Path file = data / "index.sqlite";
  made = !fs::exists(file);
  try {
    return std::make_unique<Index>(file);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unreadable) throw;
  }
  made = true;
  std::error_code ignored;
  for (const char* ending : {"", "-wal", "-shm"}) {
    fs::rename(file.string() + ending, data / fmt::format("index.damaged{}", ending), ignored);
  }
  return std::make_unique<Index>(file);
}

}  // namespace

struct Archive::State {
  explicit State(ArchiveOptions o) : options(std::move(o)), lock(locked(prepared(options))), store(options.data) {
    bool made = false;
    index = opened_index(options.data, made);
    for (const std::string& uid : index->unfinished_removals()) ::unlink(store.place_of(uid).c_str());
    index->removal_done();
    if (made) {
      Run quiet;
      reindex(quiet);
    }
    recover();
    indexer = std::thread([this] { index_loop(); });
  }

  ~State() {
    {
      const std::lock_guard guard(mutex);
      stopping = true;
    }
    work.notify_all();
    indexer.join();
  }

  void recover() {
    std::vector<IndexEntry> entries;
    std::vector<Path> paths;
    const auto store_group = [&] {
      index->add(entries);
      for (std::size_t n = 0; n < entries.size(); ++n) {
        store.settle(paths[n], entries[n].record.sop_instance_uid);
        recovered.push_back(entries[n].record);
      }
      entries.clear();
      paths.clear();
    };
    for (const Path& path : store.recover()) {
      const Fingerprint fingerprint = fingerprint_of(path);
      IndexEntry entry = index_entry(*header_at(path), {});
      entry.record.size = fingerprint.size;
      entry.record.sha256 = fingerprint.sha256;
      entries.push_back(std::move(entry));
      paths.push_back(path);
      if (entries.size() == largest_group) store_group();
    }
    store_group();
  }

  struct Waiting {
    IndexEntry entry;
    Path path;
  };

  void index_loop() {
    std::unique_lock guard(mutex);
    for (;;) {
      work.wait(guard, [&] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      work.wait_for(guard, group_time, [&] { return stopping || wanted > indexed || queue.size() >= largest_group; });
      const std::vector<std::shared_ptr<Waiting>> group(queue.begin(), queue.end());
      const auto tell = listener;
      guard.unlock();
      std::optional<Error> error;
      std::vector<InstanceRecord> records;
      try {
        const std::lock_guard writer(writing);
        std::vector<IndexEntry> entries;
        for (const auto& one : group) {
          entries.push_back(one->entry);
          records.push_back(one->entry.record);
        }
        index->add(entries);
        // Before the files leave `incoming`: what a crash keeps from the listener is recovered, and told, at the next start.
        if (tell) tell(records);
        for (const auto& one : group) store.settle(one->path, one->entry.record.sop_instance_uid);
      } catch (const Error& e) {
        error = e;
      }
      guard.lock();
      failure = error;
      if (error) {
        // What waits is on disk and enters the index later, at the latest when the archive is opened again.
        done.notify_all();
        if (stopping) return;
        work.wait_for(guard, index_retry_time, [&] { return stopping; });
        continue;
      }
      queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(group.size()));
      for (const auto& one : group) waiting.erase(one->entry.record.sop_instance_uid);
      indexed += group.size();
      done.notify_all();
    }
  }

  void flush() {
    std::unique_lock guard(mutex);
    const std::uint64_t target = queued;
    if (indexed >= target) return;
    wanted = std::max(wanted, target);
    work.notify_all();
    done.wait(guard, [&] { return indexed >= target || failure; });
    if (indexed < target) throw Error(*failure);
  }

  std::vector<Damage> reindex(Run& run) {
    std::vector<Damage> damages;
    std::vector<Path> files;
    store.each([&](const Path& path) { files.push_back(path); });
    std::size_t at = 0;
    const std::lock_guard writer(writing);
    index->replace([&]() -> std::optional<IndexEntry> {
      while (at < files.size()) {
        const Path& path = files[at++];
        run.progress(static_cast<double>(at) / static_cast<double>(files.size()), "reading the stored objects");
        std::string uid;
        try {
          const Fingerprint fingerprint = fingerprint_of(path);
          IndexEntry entry = index_entry(*header_at(path), {});
          uid = entry.record.sop_instance_uid;
          // What was stored before is what counts: a file that has changed since is damaged, and stays so in the index.
          const auto before = index->instance(uid);
          if (before && before->sha256 != fingerprint.sha256) damages.push_back({uid, "the content has changed since it was stored"});
          if (const auto received = index->received(uid)) {
            entry.source = received->source;
            entry.arrived = received->seconds;
          }
          entry.record.size = before ? before->size : fingerprint.size;
          entry.record.sha256 = before ? before->sha256 : fingerprint.sha256;
          if (store.place_of(uid) != path) {
            damages.push_back({uid, "the file does not have the name of its object"});
            continue;
          }
          return entry;
        } catch (const Error& error) {
          if (error.code() == ErrorCode::cancelled || error.code() == ErrorCode::disk_full) throw;
          damages.push_back({uid, error.what()});
        }
      }
      return std::nullopt;
    });
    return damages;
  }

  ArchiveOptions options;
  Descriptor lock;
  Store store;
  std::unique_ptr<Index> index;

  std::mutex writing;  ///< held while index and files change together
  std::mutex mutex;    ///< of everything below
  std::condition_variable work, done;
  std::deque<std::shared_ptr<Waiting>> queue;                            ///< on disk, not yet in the index
  std::map<std::string, std::shared_ptr<Waiting>, std::less<>> waiting;  ///< the same by UID
  std::set<std::string, std::less<>> arriving;                           ///< between the check for duplicates and the disk
  std::uint64_t queued = 0, indexed = 0, wanted = 0;
  std::optional<Error> failure;
  std::function<void(std::span<const InstanceRecord>)> listener;
  std::vector<InstanceRecord> recovered;  ///< on opening, until a listener is told
  bool stopping = false;
  std::thread indexer;
};

namespace {

/// Marks a UID as arriving until it is destroyed.
template <class State>
class Reservation {
 public:
  Reservation(State& state, const std::string& uid) : state_(state), uid_(uid) {
    std::unique_lock guard(state_.mutex);
    state_.done.wait(guard, [&] { return !state_.arriving.contains(uid_); });
    const auto found = state_.waiting.find(uid_);
    if (found != state_.waiting.end()) known_ = found->second->entry.record;
    state_.arriving.insert(uid_);
  }
  ~Reservation() {
    const std::lock_guard guard(state_.mutex);
    state_.arriving.erase(uid_);
    state_.done.notify_all();
  }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  /// The object of this UID that waits for the index.
  const std::optional<InstanceRecord>& known() const { return known_; }

 private:
  State& state_;
  const std::string uid_;
  std::optional<InstanceRecord> known_;
};

template <class State>
class Arrival final : public Incoming {
 public:
  Arrival(State& state, std::string_view source) : state_(state), source_(source), file_(state.store.begin()) {}

  void write(std::span<const std::byte> bytes) override {
    size_ += bytes.size();
    if (size_ > state_.options.max_object_bytes) {
      throw Error(ErrorCode::refused, fmt::format("object: may take at most {} bytes", state_.options.max_object_bytes));
    }
    digest_.add(bytes);
    file_->write(bytes);
  }

  Added finish() override {
    const Fingerprint fingerprint = digest_.finish();
    file_->flush();
    const auto header = header_at(file_->path());
    check_whole(*header, file_->path());
    auto one = std::make_shared<typename State::Waiting>();
    one->entry = index_entry(*header, source_);
    InstanceRecord& record = one->entry.record;
    record.size = fingerprint.size;
    record.sha256 = fingerprint.sha256;
    const Reservation reservation(state_, record.sop_instance_uid);
    std::optional<InstanceRecord> known = reservation.known();
    if (!known) known = state_.index->instance(record.sop_instance_uid);
    if (known) {
      if (known->sha256 != record.sha256 || known->transfer_syntax_uid != record.transfer_syntax_uid) {
        throw Error(ErrorCode::refused, "SOPInstanceUID: must be unique; an object of other content with this UID is stored already");
      }
      return {*known, true};
    }
    one->path = file_->publish(record.sop_instance_uid, fingerprint);
    Added added{record, false};
    {
      const std::lock_guard guard(state_.mutex);
      state_.waiting[record.sop_instance_uid] = one;
      state_.queue.push_back(std::move(one));
      ++state_.queued;
    }
    state_.work.notify_all();
    return added;
  }

 private:
  State& state_;
  std::string source_;
  std::unique_ptr<StoreFile> file_;
  DataSetDigest digest_;
  std::uint64_t size_ = 0;
};

}  // namespace

Archive::Archive(ArchiveOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Archive::~Archive() = default;

std::unique_ptr<Incoming> Archive::receive(std::string_view source) {
  if (state_->store.free_bytes() < state_->options.min_free_bytes) {
    throw Error(ErrorCode::disk_full, fmt::format("archive: {} bytes must stay free; there are fewer", state_->options.min_free_bytes));
  }
  return std::make_unique<Arrival<State>>(*state_, source);
}

Added Archive::add(std::span<const std::byte> file, std::string_view source) {
  const auto incoming = receive(source);
  incoming->write(file);
  return incoming->finish();
}

Added Archive::add_file(const Path& path, std::string_view source) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value() < 0) throw Error(ErrorCode::not_found, fmt::format("file: cannot be opened: {}", std::strerror(errno)));
  const auto incoming = receive(source);
  Bytes buffer(std::size_t{1} << 18);
  for (;;) {
    const ssize_t count = ::read(file.value(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(ErrorCode::unreadable, fmt::format("file: cannot be read: {}", std::strerror(errno)));
    if (count == 0) return incoming->finish();
    incoming->write(std::span(buffer).first(static_cast<std::size_t>(count)));
  }
}

std::vector<Attributes> Archive::find(const Query& query) const {
  state_->flush();
  return state_->index->find(query);
}

std::int64_t Archive::count(const Query& query) const {
  state_->flush();
  return state_->index->count(query);
}

std::vector<InstanceRecord> Archive::instances(std::string_view study_uid, std::string_view series_uid,
                                               std::string_view sop_instance_uid) const {
  state_->flush();
  return state_->index->instances(study_uid, series_uid, sop_instance_uid);
}

std::optional<InstanceRecord> Archive::instance(std::string_view sop_instance_uid) const {
  state_->flush();
  return state_->index->instance(sop_instance_uid);
}

std::optional<Received> Archive::received(std::string_view sop_instance_uid) const {
  state_->flush();
  return state_->index->received(sop_instance_uid);
}

Path Archive::file_of(std::string_view sop_instance_uid) const {
  bool waits = false;
  {
    const std::lock_guard guard(state_->mutex);
    waits = state_->waiting.contains(sop_instance_uid);
  }
  if (waits) state_->flush();
  Path path = state_->store.place_of(sop_instance_uid);
  if (!fs::exists(path)) throw Error(ErrorCode::not_found, "object: is not in the archive");
  return path;
}

std::shared_ptr<const dicom::Header::Data> Archive::header_of(std::string_view sop_instance_uid) const {
  return header_at(file_of(sop_instance_uid));
}

std::int64_t Archive::remove(std::string_view study_uid, std::string_view series_uid, std::string_view sop_instance_uid) {
  state_->flush();
  const std::lock_guard writer(state_->writing);
  const std::vector<InstanceRecord> gone = state_->index->remove(study_uid, series_uid, sop_instance_uid);
  for (const InstanceRecord& record : gone) ::unlink(state_->store.place_of(record.sop_instance_uid).c_str());
  state_->index->removal_done();
  return static_cast<std::int64_t>(gone.size());
}

void Archive::on_indexed(std::function<void(std::span<const InstanceRecord>)> listener) {
  std::vector<InstanceRecord> recovered;
  {
    const std::lock_guard guard(state_->mutex);
    if (listener) recovered.swap(state_->recovered);
    state_->listener = listener;
  }
  if (!recovered.empty()) listener(recovered);
}

void Archive::flush() const { state_->flush(); }

Statistics Archive::statistics() const {
  state_->flush();
  return state_->index->statistics();
}

std::vector<Damage> Archive::verify(Run& run) const {
  std::vector<Damage> damages;
  std::vector<Path> files;
  state_->store.each([&](const Path& path) { files.push_back(path); });
  // Asked for after the files: an object is in the index before its file gets here.
  const std::vector<InstanceRecord> records = instances({});
  std::set<Path> known;
  for (std::size_t n = 0; n < records.size(); ++n) {
    const InstanceRecord& record = records[n];
    run.progress(static_cast<double>(n) / static_cast<double>(records.size()), "reading the stored objects");
    const Path path = state_->store.place_of(record.sop_instance_uid);
    known.insert(path);
    try {
      const Fingerprint found = fingerprint_of(path);
      if (found.size != record.size || found.sha256 != record.sha256) {
        damages.push_back({record.sop_instance_uid, "the content has changed since it was stored"});
      }
    } catch (const Error& error) {
      damages.push_back({record.sop_instance_uid, error.code() == ErrorCode::not_found ? "the file is missing" : error.what()});
    }
  }
  for (const Path& path : files) {
    if (!known.contains(path) && fs::exists(path)) {
      damages.push_back({"", fmt::format("{}/{}: is not in the index", path.parent_path().filename().string(), path.filename().string())});
    }
  }
  return damages;
}

std::vector<Damage> Archive::reindex(Run& run) {
  state_->flush();
  return state_->reindex(run);
}

}  // namespace gantry::archive
