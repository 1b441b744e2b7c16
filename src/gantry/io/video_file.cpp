// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/io/video_file.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/io/input_file.h"

namespace gantry::io {

namespace {

using Clock = std::chrono::steady_clock;
constexpr double silence_seconds = 30;
constexpr std::uint64_t decoder_memory = std::uint64_t{4} << 30;
constexpr std::size_t longest_line = 4096;

/// One end of a pipe, closed at the end.
struct PipeEnd {
  int value = -1;
  ~PipeEnd() { close(); }
  void close() {
    if (value >= 0) ::close(value);
    value = -1;
  }
};

/// A program whose standard output and error are read here; killed when it is still there at the end.
class VideoDecoder {
 public:
  VideoDecoder(const std::string& program, std::vector<std::string> words) {
    PipeEnd their_output, their_errors;
    open_pipe(output_, their_output);
    open_pipe(errors_, their_errors);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, their_output.value, 1);
    posix_spawn_file_actions_adddup2(&actions, their_errors.value, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults, none;
    ::sigfillset(&defaults);
    ::sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    std::string name = program;
    std::vector<char*> arguments{name.data()};
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::vector<std::string> kept;
    for (const char* variable : {"PATH", "LD_LIBRARY_PATH"}) {
      if (const char* value = std::getenv(variable)) kept.push_back(fmt::format("{}={}", variable, value));
    }
    std::vector<char*> environment;
    for (std::string& entry : kept) environment.push_back(entry.data());
    environment.push_back(nullptr);
    const int result = ::posix_spawnp(&process_, name.c_str(), &actions, &attributes, arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (result != 0) {
      process_ = -1;
      throw Error(
          ErrorCode::not_possible,
          fmt::format("file video: is decoded by the program {}, which cannot be started ({}); install it (Debian: apt install ffmpeg)",
                      program, std::strerror(result)));
    }
    const rlimit memory{decoder_memory, decoder_memory}, none_written{0, 0};
    ::prlimit(process_, RLIMIT_AS, &memory, nullptr);
    ::prlimit(process_, RLIMIT_FSIZE, &none_written, nullptr);
  }
  ~VideoDecoder() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      wait();
    }
  }
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  /// Reads both streams to their ends: `output` gets the bytes, `line` each line of the errors. Either may throw.
  template <class Output, class Line>
  void read_all(Run& run, double seconds, Output&& output, Line&& line) {
    const auto begin = Clock::now();
    auto last = begin;
    std::vector<char> buffer(std::size_t{1} << 20);
    std::string pending;
    while (output_.value >= 0 || errors_.value >= 0) {
      run.check();
      std::array<pollfd, 2> wait{{{output_.value, POLLIN, 0}, {errors_.value, POLLIN, 0}}};
      const int ready = ::poll(wait.data(), wait.size(), 100);
      const auto now = Clock::now();
      if (ready > 0) last = now;
      if (std::chrono::duration<double>(now - last).count() > silence_seconds ||
          std::chrono::duration<double>(now - begin).count() > seconds)
        throw Error(ErrorCode::time_limit, "file video: the decoder took too long");
      if (ready <= 0) continue;
      if (const std::size_t count = taken(output_, wait[0], buffer)) output(std::span<const char>(buffer.data(), count));
      if (const std::size_t count = taken(errors_, wait[1], buffer)) {
        for (std::size_t n = 0; n < count; ++n) {
          if (buffer[n] == '\n' || buffer[n] == '\r') {
            line(pending);
            pending.clear();
          } else if (pending.size() < longest_line) {
            pending += buffer[n];
          }
        }
      }
    }
    wait();
  }

 private:
  static void open_pipe(PipeEnd& ours, PipeEnd& theirs) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(ErrorCode::out_of_memory, "file video: the system has no pipe left");
    ours.value = ends[0];
    theirs.value = ends[1];
    ::fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);  // fewer turns; goes without as well
  }
  static std::size_t taken(PipeEnd& from, const pollfd& state, std::vector<char>& buffer) {
    if (from.value < 0 || (state.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return 0;
    const ssize_t count = ::read(from.value, buffer.data(), buffer.size());
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0 || errno != EINTR) from.close();
    return 0;
  }
  void wait() {
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
  }

  PipeEnd output_, errors_;
  pid_t process_ = -1;
};

/// What the filter showinfo says of one frame.
struct FrameLine {
  std::int64_t columns = 0, rows = 0;
  std::optional<double> time_s;
};

std::string_view word_behind(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  std::size_t begin = at + key.size();
  while (begin < line.size() && line[begin] == ' ') ++begin;
  return line.substr(begin, line.find(' ', begin) - begin);
}

std::optional<FrameLine> frame_line(std::string_view line) {
  if (line.find("showinfo") == std::string_view::npos || line.find(" n:") == std::string_view::npos) return {};
  const auto size = split(word_behind(line, " s:"), 'x');
  if (size.size() != 2) return {};
  const auto columns = parse_integer(size[0]), rows = parse_integer(size[1]);
  if (!columns || !rows || *columns < 1 || *rows < 1 || *columns > 16384 || *rows > 16384) return {};
  return FrameLine{*columns, *rows, parse_double(word_behind(line, " pts_time:"))};
}

}  // namespace

bool is_video_file(const Path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return false;
  std::string head;
  try {
    const Bytes bytes = InputFile(path).head(512);
    head.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  } catch (const Error&) {
    return false;
  }
  const auto at = [&](std::size_t offset, std::string_view magic) {
    return head.size() >= offset + magic.size() && head.compare(offset, magic.size(), magic) == 0;
  };
  using namespace std::string_view_literals;
  return at(4, "ftyp") || at(4, "moov") || at(4, "mdat") || at(0, "\x1a\x45\xdf\xa3") || (at(0, "RIFF") && at(8, "AVI ")) ||
         at(0, "\0\0\1\xba"sv) || at(0, "\0\0\1\xb3"sv) || (at(0, "G") && at(188, "G") && at(376, "G")) || at(0, "FLV\1") ||
         at(0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11") || at(0, "GIF87a") || at(0, "GIF89a");
}

Video read_video(const Path& path, Run& run, const VideoLimits& limits, const std::string& program) {
  // No playlists and no references: these formats hold all in one file, and the file protocol is the only one.
  VideoDecoder decoder(program, {"-nostdin",
                                 "-hide_banner",
                                 "-nostats",
                                 "-loglevel",
                                 "info",
                                 "-max_alloc",
                                 "1073741824",
                                 "-protocol_whitelist",
                                 "file",
                                 "-format_whitelist",
                                 "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,asf,gif",
                                 "-threads",
                                 std::to_string(std::clamp(run.threads(), 1, 4)),
                                 "-i",
                                 "file:" + std::filesystem::absolute(path).string(),
                                 "-map",
                                 "0:v:0",
                                 "-an",
                                 "-sn",
                                 "-dn",
                                 "-vf",
                                 "showinfo=checksum=0",
                                 "-vsync",
                                 "passthrough",
                                 "-pix_fmt",
                                 "rgb24",
                                 "-f",
                                 "rawvideo",
                                 "pipe:1"});
  std::uint64_t most = limits.bytes;
  if (run.memory_bytes() > 0) most = std::min(most, run.memory_bytes());
  // In pieces that stay where they are: a vector that grows is copied again and again.
  constexpr std::size_t piece = std::size_t{16} << 20;
  std::vector<std::unique_ptr<char[]>> pieces;
  std::size_t bytes = 0;
  std::vector<FrameLine> lines;
  std::string complaint;
  bool several_sizes = false;
  decoder.read_all(
      run, limits.seconds,
      [&](std::span<const char> part) {
        if (bytes + part.size() > most)
          throw Error(ErrorCode::refused, fmt::format("file video: at most {} MiB of frames are decoded", most >> 20));
        while (!part.empty()) {
          if (bytes % piece == 0) pieces.push_back(std::make_unique_for_overwrite<char[]>(piece));
          const std::size_t count = std::min(part.size(), piece - bytes % piece);
          std::memcpy(pieces.back().get() + bytes % piece, part.data(), count);
          bytes += count;
          part = part.subspan(count);
        }
      },
      [&](const std::string& line) {
        if (const auto frame = frame_line(line)) {
          if (static_cast<std::int64_t>(lines.size()) >= limits.frames)
            throw Error(ErrorCode::refused, fmt::format("file video: at most {} frames are decoded", limits.frames));
          several_sizes = several_sizes || (!lines.empty() && (frame->columns != lines[0].columns || frame->rows != lines[0].rows));
          lines.push_back(*frame);
        } else if (line.find("rror") != std::string::npos || line.find("nvalid") != std::string::npos) {
          complaint = line;
        }
      });
  if (several_sizes) throw Error(ErrorCode::refused, "file video: its frames differ in size");
  if (lines.empty() || bytes == 0) {
    // Words behind the last bracket or colon pair: the file's own name is no news, and may be private.
    const std::size_t colon = complaint.rfind(": ");
    throw Error(ErrorCode::unreadable,
                fmt::format("file video: holds no frame that can be decoded{}",
                            complaint.empty() ? ""
                                              : "; the decoder says: " +
                                                    to_valid_utf8(colon == std::string::npos ? complaint : complaint.substr(colon + 2))));
  }
  const std::size_t frame_bytes = static_cast<std::size_t>(lines[0].columns * lines[0].rows * 3);
  const std::size_t count = std::min(lines.size(), bytes / frame_bytes);
  if (count == 0) throw Error(ErrorCode::unreadable, "file video: holds no whole frame");
  if (count != lines.size() || bytes != count * frame_bytes)
    run.warn(fmt::format("file video: ends within a frame; {} frames are whole", count));
  if (!complaint.empty()) run.warn("file video: parts of the stream are damaged");
  Video video;
  auto voxels = Voxels<std::uint8_t>::uninitialized(Grid({lines[0].columns, lines[0].rows, 1}), 3, static_cast<std::int64_t>(count));
  for (std::size_t n = 0; n < pieces.size(); ++n) {
    const std::size_t from = std::min(n * piece, count * frame_bytes), to = std::min(from + piece, count * frame_bytes);
    std::memcpy(voxels.data() + from, pieces[n].get(), to - from);
    pieces[n].reset();
  }
  video.frames = std::move(voxels);
  for (std::size_t n = 0; n < count; ++n) {
    const double time = lines[n].time_s.value_or(NAN) - lines[0].time_s.value_or(NAN);
    if (!std::isfinite(time) || (n > 0 && !(time > video.times_s.back()))) {
      video.times_s.clear();
      run.warn("file video: the times of its frames do not rise; they are left out");
      break;
    }
    video.times_s.push_back(time);
  }
  video.source = "file video";
  return video;
}

}  // namespace gantry::io
