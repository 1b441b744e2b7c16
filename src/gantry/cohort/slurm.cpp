// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <fmt/core.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/cohort/task_process.h"

namespace gantry {

namespace {

using namespace std::chrono_literals;
using SlurmClock = std::chrono::steady_clock;

/// Jobs of an array: Slurm takes 1001 numbers unless it is configured otherwise.
constexpr std::size_t array_size = 1000;

std::string shell_word(const std::string& word) { return "'" + replace_all(word, "'", "'\\''") + "'"; }

/// Slurm as its programs speak to it, with the files of one cohort in a folder.
class Slurm {
 public:
  Slurm(Path folder, Run& run) : folder_(std::move(folder)), run_(run) {}

  Path status_file(std::size_t number) const { return folder_ / fmt::format("status-{}", number); }

  /// The jobs that were submitted last from this folder, by an earlier process too; empty when there are none.
  std::string submitted() const {
    std::error_code ignored;
    return std::filesystem::exists(log("sbatch"), ignored) ? number_in(log("sbatch")) : std::string();
  }

  /// Nothing is waited for when work goes on in this folder.
  void forget() const {
    std::error_code ignored;
    std::filesystem::remove(log("sbatch"), ignored);
  }

  /// Submits an array of which job N + 1 runs `tasks[N]` and then leaves its exit status. Returns the array's number.
  std::string submit(const std::vector<const Task*>& tasks, const TaskOptions& options) const {
    std::string text = "#!/bin/sh\ncase \"$SLURM_ARRAY_TASK_ID\" in\n";
    std::error_code ignored;
    for (std::size_t n = 1; n <= tasks.size(); ++n) {
      const Task& task = *tasks[n - 1];
      std::filesystem::remove(status_file(n), ignored);
      std::vector<std::string> words;
      for (const std::string& word : task.command) words.push_back(shell_word(word));
      const std::string status = shell_word(status_file(n).string());
      text += fmt::format("{0})\n  {1} > {2} 2>&1 < /dev/null\n  echo $? > {3}.part && mv {3}.part {3}\n  ;;\n", n, join(words, " "),
                          shell_word(std::filesystem::absolute(task.log).string()), status);
    }
    const Path script = folder_ / "array.sh";
    write_atomic(script, text + "esac\n");
    const std::string at_once = options.at_once > 0 ? fmt::format("%{}", options.at_once) : "";
    // Jobs that were killed are tried again here, with the attempts counted: Slurm itself does not put them back.
    call({"sbatch", "--parsable", "--no-requeue", "--job-name=gantry-cohort", "--ntasks=1",
          fmt::format("--cpus-per-task={}", std::max(1, options.threads)), "--output=/dev/null", "--error=/dev/null",
          fmt::format("--array=1-{}{}", tasks.size(), at_once), script.string()});
    std::string number = submitted();
    if (number.empty()) throw Error(ErrorCode::peer, "slurm: sbatch must take the jobs; it says: " + last_line(log("sbatch")));
    return number;
  }

  /// Waits until `finished()`, which asks the file system about so many tasks and is asked the more seldom for them, or until Slurm knows
  /// no job of the array that waits or runs. A cancelled Run cancels them.
  template <class Finished>
  void wait(const std::string& number, std::size_t tasks, const Finished& finished) const {
    try {
      auto asked = SlurmClock::now();
      auto pause = 1s;
      for (int silent = 0; !finished();) {
        run_.check();
        ::poll(nullptr, 0, static_cast<int>(std::min<std::size_t>(100 + tasks, 10000)));
        if (SlurmClock::now() - asked < pause) continue;
        const int status = call({"squeue", "--noheader", "--me", "--name=gantry-cohort", "--jobs=" + number, "--format=%i"});
        const std::string said = last_line(log("squeue"));
        if ((status == 0 && said.empty()) || said.find("Invalid job id") != std::string::npos) return;
        silent = status == 0 ? 0 : silent + 1;
        if (silent > 60) throw Error(ErrorCode::peer, "slurm: squeue must answer; it says: " + said);
        asked = SlurmClock::now();
        pause = std::min(pause + 1s, std::chrono::seconds(10));
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) cancel(number);
      throw;
    }
  }

 private:
  Path log(const std::string& program) const { return folder_ / (program + ".log"); }

  /// Runs one of Slurm's programs to its end; what it prints is in its log.
  int call(const std::vector<std::string>& command) const {
    const std::string& program = command[0];
    require(program);
    TaskProcess process({program, command, {}, log(program)});
    int status = 0;
    while (!process.ended(status)) {
      ::poll(nullptr, 0, 10);
      if (program == "squeue") run_.check();
    }
    return status;
  }

  static void require(const std::string& program) {
    const char* path = std::getenv("PATH");
    for (const std::string& folder : split(path ? path : "", ':')) {
      if (::access((Path(folder) / program).c_str(), X_OK) == 0) return;
    }
    throw Error(ErrorCode::not_possible, fmt::format("slurm: needs the program {}, Debian's package slurm-client; not found", program));
  }

  void cancel(const std::string& number) const {
    call({"scancel", number});
    forget();
  }

  /// The number that `sbatch --parsable` printed ("12" or "12;cluster"), among warnings.
  static std::string number_in(const Path& file) {
    for (const std::string& line : split(read_text(file, 1 << 20), '\n')) {
      const std::string word = split(line, ';').front();
      if (!word.empty() && word.find_first_not_of("0123456789") == std::string::npos) return word;
    }
    return {};
  }

  Path folder_;
  Run& run_;
};

/// What became of a task whose job is over. The shell writes 128 + N for a program that signal N ended; no status: the job itself was
/// ended.
struct JobEnd {
  bool done = false, again = false;
  std::string reason;
};
JobEnd end_of(const Task& task, const Path& status_file) {
  std::error_code ignored;
  JobEnd end;
  long long status = -1;
  // A file that a node has written may take a moment to be seen here.
  for (int n = 0; n < 50; ++n) {
    end.done = std::filesystem::exists(task.result, ignored);
    if (end.done) return end;
    if (std::filesystem::exists(status_file, ignored)) status = parse_integer(trim(read_text(status_file, 100))).value_or(-1);
    if (status > 0) break;
    ::poll(nullptr, 0, 100);
  }
  end.again = status < 0 || may_end_otherwise(status);
  end.reason = status < 0 ? "its job was ended" : status > 128 ? fmt::format("was ended by signal {}", status - 128) : last_line(task.log);
  if (end.reason.empty()) end.reason = fmt::format("ended with status {}", status);
  return end;
}

}  // namespace

std::vector<TaskOutcome> run_tasks_on_slurm(const std::vector<Task>& tasks, const TaskOptions& options, const Path& folder, Run& run) {
  std::error_code ignored;
  const Slurm slurm(std::filesystem::absolute(folder), run);
  const auto finished = [&] {
    std::size_t count = 0;
    for (const Task& task : tasks) count += std::filesystem::exists(task.result, ignored) ? 1 : 0;
    if (!tasks.empty())
      run.progress(static_cast<double>(count) / static_cast<double>(tasks.size()), fmt::format("{} of {}", count, tasks.size()));
    return count == tasks.size();
  };
  if (const std::string before = slurm.submitted(); !before.empty()) slurm.wait(before, tasks.size(), finished);
  std::vector<TaskOutcome> outcomes(tasks.size());
  std::vector<std::size_t> waiting;
  for (std::size_t n = 0; n < tasks.size(); ++n) {
    if (std::filesystem::exists(tasks[n].result, ignored))
      outcomes[n].state = TaskOutcome::State::continued;
    else
      waiting.push_back(n);
  }
  while (!waiting.empty()) {
    std::vector<std::size_t> chosen(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(std::min(waiting.size(), array_size)));
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(chosen.size()));
    std::vector<const Task*> array;
    for (const std::size_t n : chosen) {
      array.push_back(&tasks[n]);
      ++outcomes[n].attempts;
    }
    const std::string number = slurm.submit(array, options);
    slurm.wait(number, tasks.size(), [&] {
      if (finished()) return true;
      for (std::size_t k = 1; k <= chosen.size(); ++k) {
        if (!std::filesystem::exists(slurm.status_file(k), ignored)) return false;
      }
      return true;
    });
    for (std::size_t k = 0; k < chosen.size(); ++k) {
      const std::size_t n = chosen[k];
      const JobEnd end = end_of(tasks[n], slurm.status_file(k + 1));
      if (end.done) {
        outcomes[n] = {TaskOutcome::State::done, outcomes[n].attempts, {}};
        continue;
      }
      outcomes[n].reason = end.reason;
      if (!end.again || outcomes[n].attempts >= options.attempts) continue;
      run.warn(fmt::format("{}: {}; tried again", tasks[n].name, end.reason));
      waiting.push_back(n);
    }
  }
  slurm.forget();
  return outcomes;
}

}  // namespace gantry
