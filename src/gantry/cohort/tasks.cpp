// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/cohort/tasks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

extern char** environ;

namespace gantry {

namespace {

/// The process group of a task that runs; killed when it is still there at the end.
class TaskProcess {
 public:
  explicit TaskProcess(const Task& task) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, task.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
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
    std::vector<std::string> words = task.command;
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int result = ::posix_spawnp(&process_, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (result != 0) {
      process_ = -1;
      throw Error(ErrorCode::not_possible, fmt::format("task {}: cannot be started: {}", task.name, std::strerror(result)));
    }
  }
  ~TaskProcess() {
    if (process_ <= 0) return;
    ::kill(-process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  TaskProcess(TaskProcess&& other) noexcept : process_(std::exchange(other.process_, -1)) {}
  TaskProcess& operator=(TaskProcess&&) = delete;

  /// True with the status when it has ended.
  bool ended(int& status) {
    const pid_t result = ::waitpid(process_, &status, WNOHANG);
    if (result == 0 || (result < 0 && errno == EINTR)) return false;
    process_ = -1;
    return true;
  }

 private:
  pid_t process_ = -1;
};

std::string last_line(const Path& log) {
  std::string line;
  try {
    for (const std::string& one : split(to_valid_utf8(read_text(log, 1 << 20)), '\n')) {
      if (!trim(one).empty()) line = std::string(trim(one));
    }
  } catch (const Error&) {
    return {};
  }
  return line.substr(0, 500);
}

/// Why a process ended without a result, and whether another attempt may end otherwise.
std::pair<std::string, bool> reason_of(int status, const Path& log) {
  if (WIFSIGNALED(status)) return {fmt::format("was ended by signal {}", WTERMSIG(status)), true};
  const int code = WEXITSTATUS(status);
  std::string words = last_line(log);
  if (words.empty()) words = fmt::format("ended with status {}", code);
  return {words, code == 5 || code == 70 || code >= 126};
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
  while (finished < tasks.size()) {
    run.progress(static_cast<double>(finished) / static_cast<double>(tasks.size()));
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
    if (!moved) ::poll(nullptr, 0, 20);
  }
  return outcomes;
}

namespace {

std::string shell_word(const std::string& word) { return "'" + replace_all(word, "'", "'\\''") + "'"; }

/// A script of which each job of an array runs one of the tasks and leaves its exit status in `folder`.
std::string array_script(const std::vector<Task>& tasks, const std::vector<std::size_t>& chosen, const Path& folder) {
  std::string text = "#!/bin/sh\ncase \"$SLURM_ARRAY_TASK_ID\" in\n";
  for (const std::size_t n : chosen) {
    std::vector<std::string> words;
    for (const std::string& word : tasks[n].command) words.push_back(shell_word(word));
    text += fmt::format("{})\n  {} > {} 2>&1 < /dev/null\n  echo $? > {}\n  ;;\n", n, join(words, " "),
                        shell_word(std::filesystem::absolute(tasks[n].log).string()),
                        shell_word((folder / fmt::format("status-{}", n)).string()));
  }
  return text + "esac\n";
}

}  // namespace

std::vector<TaskOutcome> run_tasks_on_slurm(const std::vector<Task>& tasks, const TaskOptions& options, const Path& folder, Run& run) {
  std::vector<TaskOutcome> outcomes(tasks.size());
  std::vector<std::size_t> waiting;
  std::error_code ignored;
  for (std::size_t n = 0; n < tasks.size(); ++n) {
    if (std::filesystem::exists(tasks[n].result, ignored))
      outcomes[n].state = TaskOutcome::State::continued;
    else
      waiting.push_back(n);
  }
  const Path place = std::filesystem::absolute(folder);
  while (!waiting.empty()) {
    std::vector<std::string> numbers;
    for (const std::size_t n : waiting) {
      numbers.push_back(std::to_string(n));
      ++outcomes[n].attempts;
      std::filesystem::remove(place / fmt::format("status-{}", n), ignored);
    }
    const Path script = place / "array.sh", log = place / "sbatch.log";
    write_atomic(script, array_script(tasks, waiting, place));
    // Jobs that were killed are tried again here, with the attempts counted: Slurm itself does not requeue them.
    const Task array{"sbatch",
                     {"sbatch", "--parsable", "--wait", "--no-requeue", "--job-name=gantry-cohort", "--ntasks=1", "--output=/dev/null",
                      "--error=/dev/null", fmt::format("--array={}%{}", join(numbers, ","), std::max(1, options.at_once)), script.string()},
                     {},
                     log};
    std::filesystem::remove(log, ignored);
    TaskProcess process(array);
    int status = 0;
    const auto job = [&] { return std::filesystem::exists(log, ignored) ? last_line(log) : std::string(); };
    try {
      while (!process.ended(status)) {
        std::size_t finished = 0;
        for (const Task& task : tasks) finished += std::filesystem::exists(task.result, ignored) ? 1 : 0;
        run.progress(static_cast<double>(finished) / static_cast<double>(tasks.size()));
        ::poll(nullptr, 0, 200);
      }
    } catch (...) {
      if (const std::string id = job(); !id.empty() && id.find_first_not_of("0123456789") == std::string::npos) {
        TaskProcess cancel({"scancel", {"scancel", id}, {}, place / "scancel.log"});
        for (int n = 0; n < 500 && !cancel.ended(status); ++n) ::poll(nullptr, 0, 20);
      }
      throw;
    }
    if (const std::string id = split(job(), ';').front(); id.empty() || id.find_first_not_of("0123456789") != std::string::npos)
      throw Error(ErrorCode::not_possible, fmt::format("slurm: sbatch must take the jobs; it says: {}", job()));
    std::vector<std::size_t> again;
    for (const std::size_t n : waiting) {
      if (std::filesystem::exists(tasks[n].result, ignored)) {
        outcomes[n] = {TaskOutcome::State::done, outcomes[n].attempts, {}};
        continue;
      }
      // The shell writes 128 + N for a program that signal N ended; without any status the job itself was ended.
      const Path left = place / fmt::format("status-{}", n);
      const long long code = std::filesystem::exists(left, ignored) ? parse_integer(trim(read_text(left, 100))).value_or(-1) : -1;
      const bool ended = code < 0 || code > 128;
      outcomes[n].reason = !code        ? "its job was ended"
                           : code > 128 ? fmt::format("was ended by signal {}", code - 128)
                                        : last_line(tasks[n].log);
      if (outcomes[n].attempts < options.attempts && (ended || code == 5 || code == 70 || code >= 126)) {
        run.warn(fmt::format("{}: {}; tried again", tasks[n].name, outcomes[n].reason));
        again.push_back(n);
      }
    }
    waiting = again;
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

std::vector<std::string> short_names(const std::vector<Path>& paths) {
  std::vector<std::vector<std::string>> parts;
  for (const Path& path : paths) {
    std::vector<std::string> words;
    for (const Path& part : std::filesystem::absolute(path).lexically_normal()) {
      if (!part.empty() && part != "/") words.push_back(part.string());
    }
    parts.push_back(std::move(words));
  }
  std::vector<std::size_t> used(paths.size(), 1);
  const auto name = [&](std::size_t n) {
    std::string text;
    for (std::size_t k = parts[n].size() - std::min(used[n], parts[n].size()); k < parts[n].size(); ++k)
      text += (text.empty() ? "" : "_") + parts[n][k];
    return text;
  };
  for (bool changed = true; changed;) {
    changed = false;
    std::map<std::string, std::vector<std::size_t>> groups;
    for (std::size_t n = 0; n < paths.size(); ++n) groups[name(n)].push_back(n);
    for (const auto& [text, members] : groups) {
      if (members.size() < 2) continue;
      for (const std::size_t n : members) {
        if (used[n] >= parts[n].size()) continue;
        ++used[n];
        changed = true;
      }
    }
  }
  std::vector<std::string> names;
  for (std::size_t n = 0; n < paths.size(); ++n) names.push_back(name(n));
  return names;
}

}  // namespace gantry
