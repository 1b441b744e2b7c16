// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/codec/worker_pool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "gantry/base/error.h"
#include "gantry/codec/decoders.h"
#include "gantry/codec/worker_protocol.h"
#include "gantry/compute/parallel.h"

namespace gantry::codec {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double start_seconds = 20.0;                          // a loaded machine may take its time
constexpr double seconds_per_megabyte = 0.5;                    // of a frame, on top of the pool's limit
constexpr double retirement_seconds = 120.0;                    // of work, well before the worker's own processor time limit
constexpr std::size_t kept_memory = std::size_t{64} << 20;      // an idle worker with more is not kept
constexpr std::uint64_t usual_memory = std::uint64_t{4} << 30;  // address space of a worker

/// Address space that decoding such a frame may take: a JPEG 2000 decoder holds each sample in several 32-bit buffers.
std::uint64_t memory_for(std::size_t output_size, std::size_t input_size) {
  return (std::uint64_t{1} << 30) + 24 * static_cast<std::uint64_t>(output_size) + 4 * static_cast<std::uint64_t>(input_size);
}

/// A descriptor above those that the worker receives, closed at the end and on exec.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value < 0 ? -1 : ::fcntl(value, F_DUPFD_CLOEXEC, 10)) {
    if (value >= 0) ::close(value);
  }
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  int value() const { return value_; }

 private:
  int value_ = -1;
};

std::string reason_of_end(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGSYS) return "the decoder asked the system for what it may not do";
    if (signal == SIGXCPU || signal == SIGKILL) return "the decoder was stopped by the system";
    return fmt::format("the decoder crashed (signal {})", signal);
  }
  return fmt::format("the decoder ended with status {}", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

constexpr std::size_t page_aligned(std::size_t size) { return (size + 4095) / 4096 * 4096; }

}  // namespace

class Worker {
 public:
  /// Throws Error(not_possible) when the program does not start.
  Worker(const Path& program, std::uint64_t memory_bytes) : memory_bytes_(memory_bytes) {
    std::array<int, 2> pair{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) fail_start(std::strerror(errno));
    socket_ = Descriptor(pair[0]);
    const Descriptor theirs(pair[1]);
    memory_ = Descriptor(::memfd_create("gantry-decode", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (socket_.value() < 0 || theirs.value() < 0 || memory_.value() < 0) fail_start(std::strerror(errno));
    // A worker that shortened the memory would crash this process.
    ::fcntl(memory_.value(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL);
    spawn(program, theirs.value());
  }
  ~Worker() {
    if (mapped_) ::munmap(mapped_, mapped_size_);
    stop();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Waits for the worker's greeting. Throws Error(not_possible).
  void greet() {
    worker::Hello hello{};
    Run silent;
    if (const std::string reason = receive(&hello, sizeof(hello), start_seconds, silent); !reason.empty()) fail_start(reason);
    if (hello.protocol != worker::protocol) fail_start("it is of another version");
    sandboxed_ = hello.sandboxed == 1;
  }
  bool sandboxed() const { return sandboxed_; }
  bool worth_keeping() const { return busy_seconds_ < retirement_seconds && mapped_size_ <= kept_memory && memory_bytes_ <= usual_memory; }

  Frame decode(std::string_view uid, std::span<const std::byte> stream, const FrameFormat& declared, double seconds, Run& run) {
    const std::size_t output_size = frame_bytes(declared), output_offset = page_aligned(stream.size());
    map(output_offset + page_aligned(output_size));
    std::memcpy(mapped_, stream.data(), stream.size());
    worker::Request request{};
    request.memory_size = mapped_size_;
    request.input_size = stream.size();
    request.output_offset = output_offset;
    request.output_size = output_size;
    request.transfer_syntax.set(uid);
    request.declared.set(declared);
    const auto start = Clock::now();
    if (::send(socket_.value(), &request, sizeof(request), MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof(request)))
      throw Error(ErrorCode::unreadable, wait_for_end());
    worker::Reply reply{};
    if (const std::string reason = receive(&reply, sizeof(reply), seconds, run); !reason.empty())
      throw Error(ErrorCode::unreadable, reason);
    busy_seconds_ += std::chrono::duration<double>(Clock::now() - start).count();
    usable_ = true;
    if (reply.decoded != 1) throw Error(ErrorCode::unreadable, std::string(reply.message.view()));
    Frame frame{reply.format.format(), {}};
    const FrameFormat& found = frame.format;
    const std::string& colour = found.photometric_interpretation;
    usable_ = reply.pixel_bytes == output_size && found.rows == declared.rows && found.columns == declared.columns &&
              found.samples_per_pixel == declared.samples_per_pixel && found.bits_allocated == declared.bits_allocated &&
              found.bits_stored >= declared.bits_stored && found.bits_stored <= found.bits_allocated &&
              found.high_bit >= found.bits_stored - 1 && found.high_bit < found.bits_allocated &&
              (colour == declared.photometric_interpretation || colour == "RGB");
    if (!usable_) throw Error(ErrorCode::unreadable, "the decoder's answer contradicts the request");
    frame.pixels.assign(mapped_ + output_offset, mapped_ + output_offset + output_size);
    return frame;
  }

  /// True when the last request was answered properly: only then may the worker be used again.
  bool usable() const { return usable_; }

 private:
  [[noreturn]] static void fail_start(std::string_view reason) {
    throw Error(ErrorCode::not_possible, fmt::format("gantry-decode: cannot be started: {}", reason));
  }

  void spawn(const Path& program, int their_socket) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (const int standard : {0, 1, 2})
      posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", standard == 0 ? O_RDONLY : O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, their_socket, worker::socket_descriptor);
    posix_spawn_file_actions_adddup2(&actions, memory_.value(), worker::memory_descriptor);
    posix_spawn_file_actions_addclosefrom_np(&actions, 5);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // Ctrl-C in the terminal is for Gantry; the worker ends when its socket does.
    sigset_t defaults, none;
    ::sigfillset(&defaults);
    ::sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    std::string name = program.string();
    std::string memory = std::to_string(memory_bytes_);
    std::array<char*, 3> arguments{name.data(), memory.data(), nullptr};
    // Nothing of the environment but where to find libraries and what sanitizers need.
    std::vector<std::string> kept;
    for (const char* variable : {"LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
      if (const char* value = std::getenv(variable)) kept.push_back(fmt::format("{}={}", variable, value));
    }
    std::vector<char*> environment;
    for (std::string& entry : kept) environment.push_back(entry.data());
    environment.push_back(nullptr);
    const int result = ::posix_spawn(&process_, name.c_str(), &actions, &attributes, arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (result != 0) {
      process_ = -1;
      fail_start(std::strerror(result));
    }
  }

  void map(std::size_t size) {
    if (size <= mapped_size_) return;
    if (mapped_) ::munmap(mapped_, mapped_size_);
    mapped_ = nullptr;
    mapped_size_ = 0;
    if (::ftruncate(memory_.value(), static_cast<off_t>(size)) != 0)
      throw Error(ErrorCode::out_of_memory, fmt::format("memory: the machine has no {} MiB left", size >> 20));
    void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.value(), 0);
    if (address == MAP_FAILED) throw Error(ErrorCode::out_of_memory, fmt::format("memory: the machine has no {} MiB left", size >> 20));
    mapped_ = static_cast<std::byte*>(address);
    mapped_size_ = size;
  }

  /// One packet of this size; the reason when none comes.
  std::string receive(void* packet, std::size_t size, double seconds, Run& run) {
    usable_ = false;
    const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
    for (;;) {
      run.check();
      pollfd wait{socket_.value(), POLLIN, 0};
      const int ready = ::poll(&wait, 1, 50);
      if (ready > 0) {
        const ssize_t count = ::recv(socket_.value(), packet, size, MSG_TRUNC);
        if (count == static_cast<ssize_t>(size)) return {};
        return count > 0 ? "the decoder's answer has the wrong size" : wait_for_end();
      }
      if (Clock::now() >= deadline) return fmt::format("the decoder took longer than {:.3g} s", seconds);
    }
  }

  /// Why the process ended; it closed its socket, so that it is about to.
  std::string wait_for_end() {
    for (int n = 0; n < 200 && process_ > 0; ++n) {
      int status = 0;
      const pid_t ended = ::waitpid(process_, &status, WNOHANG);
      if (ended == process_) {
        process_ = -1;
        return reason_of_end(status);
      }
      if (ended < 0 && errno != EINTR) break;
      ::poll(nullptr, 0, 5);
    }
    return "the decoder ended";
  }

  void stop() {
    socket_ = Descriptor();
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
  }

  std::uint64_t memory_bytes_;
  pid_t process_ = -1;
  Descriptor socket_, memory_;
  std::byte* mapped_ = nullptr;
  std::size_t mapped_size_ = 0;
  bool sandboxed_ = false, usable_ = false;
  double busy_seconds_ = 0;
};

WorkerPool::WorkerPool(Path program, double seconds_per_frame) : program_(std::move(program)), seconds_per_frame_(seconds_per_frame) {}
WorkerPool::~WorkerPool() = default;

std::unique_ptr<Worker> WorkerPool::take(std::uint64_t memory_bytes) {
  if (memory_bytes <= usual_memory) {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto worker = std::move(idle_.back());
      idle_.pop_back();
      return worker;
    }
  }
  auto worker = std::make_unique<Worker>(program_, std::max(memory_bytes, usual_memory));
  worker->greet();
  return worker;
}

void WorkerPool::give_back(std::unique_ptr<Worker> worker) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(worker));
}

bool WorkerPool::can_start() {
  try {
    give_back(take(0));
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_possible) throw;
    return false;
  }
}

Frame WorkerPool::decode(std::string_view transfer_syntax_uid, std::span<const std::byte> stream, const FrameFormat& declared, Run& run) {
  const double seconds = seconds_per_frame_ + seconds_per_megabyte * static_cast<double>(frame_bytes(declared)) * 1e-6;
  if (stream.size() >= std::size_t{1} << 31) throw Error(ErrorCode::unreadable, "stream: at most 2 GiB are decoded");
  std::unique_ptr<Worker> worker = take(memory_for(frame_bytes(declared), stream.size()));
  if (!worker->sandboxed())
    run.warn("gantry-decode: the system refuses system call filters; untrusted pixels are decoded under resource limits alone");
  try {
    Frame frame = worker->decode(transfer_syntax_uid, stream, declared, seconds, run);
    if (worker->worth_keeping()) give_back(std::move(worker));
    return frame;
  } catch (const Error&) {
    if (worker->usable() && worker->worth_keeping()) give_back(std::move(worker));
    throw;
  }
}

void decode_with(WorkerPool& pool, std::string_view transfer_syntax_uid, std::span<const std::span<const std::byte>> streams,
                 const FrameFormat& declared, const std::function<void(std::size_t, Frame&&)>& decoded, Run& run) {
  std::mutex mutex;
  std::optional<std::pair<std::size_t, Error>> first;
  std::size_t failures = 0;
  parallel_for(run, static_cast<std::int64_t>(streams.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
      try {
        Frame frame = pool.decode(transfer_syntax_uid, streams[n], declared, run);
        const std::lock_guard lock(mutex);
        decoded(n, std::move(frame));
      } catch (const Error& error) {
        if (error.code() != ErrorCode::unreadable) throw;
        const std::lock_guard lock(mutex);
        ++failures;
        if (!first || n < first->first) first.emplace(n, error);
      }
    }
  });
  if (!first) return;
  if (streams.size() == 1) throw first->second;
  throw first->second.within(fmt::format("frame {} ({} of {} frames failed)", first->first + 1, failures, streams.size()));
}

}  // namespace gantry::codec
