// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/task_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry {

namespace {

/// What the child does between fork and exec: async-signal-safe calls alone. Ends with the reason in `report` when it cannot.
[[noreturn]] void become(char* const* words, const char* log, pid_t parent, int report) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  report = ::fcntl(report, F_DUPFD_CLOEXEC, 3);
  const int input = ::open("/dev/null", O_RDONLY), output = ::open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (input >= 0 && output >= 0 && ::dup2(input, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2) {
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execvp(words[0], words);
  }
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &reason, sizeof reason);
  ::_exit(127);
}

}  // namespace

TaskProcess::TaskProcess(const Task& task) {
  const auto refuse = [&](int reason) {
    return Error(ErrorCode::not_possible, fmt::format("task {}: cannot be started: {}", task.name, std::strerror(reason)));
  };
  std::vector<std::string> words = task.command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw refuse(errno);
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ == 0) become(arguments.data(), task.log.c_str(), parent, ends[1]);
  int reason = process_ < 0 ? errno : 0;
  ::close(ends[1]);
  // The pipe closes without a word when the program runs.
  while (process_ > 0 && ::read(ends[0], &reason, sizeof reason) < 0 && errno == EINTR) {
  }
  ::close(ends[0]);
  if (reason == 0) return;
  if (process_ > 0) ::waitpid(process_, nullptr, 0);
  process_ = -1;
  throw refuse(reason);
}

TaskProcess::~TaskProcess() {
  int status = 0;
  ask_to_end();
  for (int n = 0; process_ > 0 && n < 200 && !ended(status); ++n) ::poll(nullptr, 0, 10);
  if (process_ <= 0) return;
  ::kill(-process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool TaskProcess::ended(int& status) {
  const pid_t result = ::waitpid(process_, &status, WNOHANG);
  if (result == 0 || (result < 0 && errno == EINTR)) return false;
  process_ = -1;
  return true;
}

void TaskProcess::ask_to_end() const {
  if (process_ > 0) ::kill(-process_, SIGTERM);
}

std::string last_line(const Path& log) {
  std::string line;
  try {
    for (const std::string& one : split(to_valid_utf8(read_text(log, 1 << 24)), '\n')) {
      if (!trim(one).empty()) line = std::string(trim(one));
    }
  } catch (const Error&) {
    return {};
  }
  return to_valid_utf8(line.substr(0, 500));
}

}  // namespace gantry
