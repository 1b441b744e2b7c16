// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/run.h"

namespace gantry {

/// One command of many. It must leave `result` whole or not at all, as everything does that Gantry writes.
struct Task {
  std::string name;
  std::vector<std::string> command;  ///< program and arguments
  Path result;                       ///< a file that is there when the task is done
  Path log;                          ///< what the program prints, of its last attempt
};

/// What became of a task.
struct TaskOutcome {
  enum class State { done, continued, failed } state = State::failed;  ///< continued: the result was there before
  int attempts = 0;
  std::string reason;  ///< of a failure: the last line that the program printed, or how it ended
};

/// How tasks are run on one machine.
struct TaskOptions {
  int at_once = 1;   ///< processes at one time
  int attempts = 3;  ///< of a task that was killed, or whose program failed for other reasons than its input
};

/// Runs each task that has no result yet as a process of its own. One that a signal ended, that ran out of memory or that failed inside
/// (exit status 5, 70, 126 and above) is tried again; another failure is the task's own and stands. A cancelled Run ends all processes and
/// throws Error(cancelled). The outcomes are in the order of the tasks.
std::vector<TaskOutcome> run_tasks(const std::vector<Task>& tasks, const TaskOptions& options, Run& run);

/// The same through Slurm: an array of jobs (`sbatch --wait --array`), of which at most `at_once` run at one time, and another array for
/// what has to be tried again. `folder` must be seen by all nodes and holds the script. A cancelled Run cancels the jobs. Throws
/// Error(not_possible) where `sbatch` is missing or refuses.
std::vector<TaskOutcome> run_tasks_on_slurm(const std::vector<Task>& tasks, const TaskOptions& options, const Path& folder, Run& run);

/// A lock on a folder that ends with the process: two runs at once would do the same work twice. Throws Error(refused) when another has it.
class FolderLock {
 public:
  explicit FolderLock(const Path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_ = -1;
};

/// Names for paths: the last part of each, with as many parts before it, joined by `_`, as make all differ.
std::vector<std::string> short_names(const std::vector<Path>& paths);

}  // namespace gantry
