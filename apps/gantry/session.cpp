// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "session.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/image/image.h"

namespace gantry::cli {

namespace {

Run* running = nullptr;

std::uint64_t bytes_of_size(const std::string& text) {
  const std::string word = lower(trim(text));
  std::size_t digits = word.find_first_not_of("0123456789.");
  const auto number = parse_double(word.substr(0, digits));
  const std::string unit = digits == std::string::npos ? "" : word.substr(digits);
  const std::map<std::string, double> units{{"", 1},       {"b", 1},       {"k", 0x1p10}, {"kb", 0x1p10},
                                            {"m", 0x1p20}, {"mb", 0x1p20}, {"g", 0x1p30}, {"gb", 0x1p30}};
  const auto scale = units.find(unit);
  if (!number || scale == units.end() || !(*number * scale->second >= 0x1p20 && *number * scale->second <= 0x1p50)) {
    throw Error(ErrorCode::parameter, "memory: must be a size of at least 1M, such as 800M or 2G; got " + text);
  }
  return static_cast<std::uint64_t>(*number * scale->second);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

int terminal_width() {
  ::winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

Session::Session(CommandLine& command) {
  command.option("--threads", threads_, "Number of threads (default: all processors)", "N");
  command.option("--memory", memory_, "Memory budget, such as 2G; work that needs more is refused", "SIZE");
  command.option("--cache", cache_, "Folder for results that may be needed again, or off", "DIR|off");
  command.flag("--json", json_, "Print the result as JSON on standard output");
  command.flag("--quiet", quiet_, "Print nothing but results and errors");
  command.flag("--verbose", verbose_, "Print every step");
}

Session::~Session() { running = nullptr; }

Run& Session::start(bool steps) {
  RunOptions options;
  if (!threads_.empty()) options.threads = static_cast<int>(whole_number("threads", threads_, 1, 1024));
  if (!memory_.empty()) options.memory_bytes = bytes_of_size(memory_);
  set_voxel_budget(options.memory_bytes);
  terminal_ = ::isatty(STDERR_FILENO) != 0;
  steps_ = (steps && !quiet_) || verbose_;
  started_ = step_started_ = std::chrono::steady_clock::now();
  if (!quiet_) options.progress = [this](double fraction, std::string_view step) { show(fraction, step); };
  run_ = Run(std::move(options));
  cancel_on_signal(run_);
  return run_;
}

void Session::end_step() {
  if (bar_shown_) std::fputs("\r\033[K", stderr);
  bar_shown_ = false;
  if (steps_ && !step_.empty()) std::fprintf(stderr, "%7.1f s  %s\n", seconds_since(step_started_), step_.c_str());
  step_.clear();
}

void Session::show(double fraction, std::string_view step) {
  if (step != step_) {
    end_step();
    step_ = step;
    step_started_ = std::chrono::steady_clock::now();
  }
  if (!terminal_ || seconds_since(started_) < 0.5) return;
  const int width = std::max(10, terminal_width() - static_cast<int>(step_.size()) - 12);
  const int filled = static_cast<int>(fraction * width);
  std::string bar;
  for (int n = 0; n < width; ++n) bar += n < filled ? "━" : "─";
  std::fprintf(stderr, "\r\033[K%3.0f %%  %s  %s", fraction * 100, bar.c_str(), step_.c_str());
  std::fflush(stderr);
  bar_shown_ = true;
}

const ResultCache* Session::cache() {
  if (cache_ == "off") return nullptr;
  if (!cache_store_) cache_store_ = std::make_unique<ResultCache>(cache_folder());
  return cache_store_.get();
}

Path Session::cache_folder() const { return cache_ == "off" ? Path() : cache_.empty() ? ResultCache::default_folder() : Path(cache_); }

void Session::finish() {
  end_step();
  if (quiet_) return;
  for (const std::string& warning : run_.warnings()) std::fprintf(stderr, "warning: %s\n", warning.c_str());
}

void print(const Json& json) { print(to_text(json)); }

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw Error(ErrorCode::disk_full, "standard output: cannot be written");
  }
}

void cancel_on_signal(Run& run) {
  running = &run;
  struct sigaction action {};
  action.sa_handler = [](int) {
    if (running) running->cancel();
  };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // A second Ctrl-C ends the process at once.
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

std::vector<GivenFile> given_files(const std::vector<std::string>& names) {
  std::vector<GivenFile> files;
  for (const std::string& name : names) {
    if (!std::filesystem::exists(name)) throw Error(ErrorCode::not_found, Path(name).filename().string() + ": no such file or folder");
    if (!std::filesystem::is_directory(name)) {
      files.push_back({name, true});
      continue;
    }
    std::vector<Path> inside;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(name)) {
      if (entry.is_regular_file()) inside.push_back(entry.path());
    }
    std::sort(inside.begin(), inside.end());
    for (Path& path : inside) files.push_back({std::move(path), false});
  }
  return files;
}

}  // namespace gantry::cli
