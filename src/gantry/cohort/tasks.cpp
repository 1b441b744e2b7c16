// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/tasks.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/cohort/task_process.h"

namespace gantry {

namespace {

/// Asks all at once to end when it goes, so that they need not be waited for one after another.
struct AskedToEnd {
  std::map<std::size_t, TaskProcess>& running;
  ~AskedToEnd() {
    for (const auto& [n, process] : running) process.ask_to_end();
  }
};

/// Why a process ended without a result, and whether another attempt may end otherwise.
std::pair<std::string, bool> reason_of(int status, const Path& log) {
  if (WIFSIGNALED(status)) return {fmt::format("was ended by signal {}", WTERMSIG(status)), true};
  const int code = WEXITSTATUS(status);
  std::string words = last_line(log);
  if (words.empty()) words = fmt::format("ended with status {}", code);
  return {words, may_end_otherwise(code)};
}

}  // namespace

std::vector<TaskOutcome> run_tasks(const std::vector<Task>& tasks, const TaskOptions& options, Run& run) {
  std::vector<TaskOutcome> outcomes(tasks.size());
  std::vector<std::size_t> waiting;
  std::error_code ignored;
  std::size_t finished = 0;
  for (std::size_t n = tasks.size(); n-- > 0;) {
    if (std::filesystem::exists(tasks[n].result, ignored)) {
      outcomes[n].state = TaskOutcome::State::continued;
      ++finished;
    } else {
      waiting.push_back(n);
    }
  }
  std::map<std::size_t, TaskProcess> running;
  const AskedToEnd asked{running};
  while (finished < tasks.size()) {
    run.progress(static_cast<double>(finished) / static_cast<double>(tasks.size()), fmt::format("{} of {}", finished, tasks.size()));
    while (!waiting.empty() && static_cast<int>(running.size()) < std::max(1, options.at_once)) {
      const std::size_t n = waiting.back();
      waiting.pop_back();
      ++outcomes[n].attempts;
      running.emplace(n, TaskProcess(tasks[n]));
    }
    bool moved = false;
    for (auto place = running.begin(); place != running.end();) {
      int status = 0;
      if (!place->second.ended(status)) {
        ++place;
        continue;
      }
      const std::size_t n = place->first;
      place = running.erase(place);
      moved = true;
      TaskOutcome& outcome = outcomes[n];
      if (std::filesystem::exists(tasks[n].result, ignored)) {
        outcome = {TaskOutcome::State::done, outcome.attempts, {}};
        ++finished;
        continue;
      }
      const auto [reason, again] = reason_of(status, tasks[n].log);
      outcome.reason = reason;
      if (again && outcome.attempts < options.attempts) {
        run.warn(fmt::format("{}: {}; tried again", tasks[n].name, reason));
        waiting.push_back(n);
      } else {
        ++finished;
      }
    }
    if (!moved) ::poll(nullptr, 0, 10);
  }
  return outcomes;
}

FolderLock::FolderLock(const Path& folder) {
  const Path path = folder / ".lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0)
    throw Error(ErrorCode::not_permitted, fmt::format("{}: cannot be written: {}", folder.filename().string(), std::strerror(errno)));
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    ::close(file_);
    throw Error(ErrorCode::refused, fmt::format("{}: another run is at work in this folder", folder.filename().string()));
  }
}
FolderLock::~FolderLock() { ::close(file_); }

}  // namespace gantry
