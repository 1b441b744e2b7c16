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

/// How tasks are run.
struct TaskOptions {
  int at_once = 1;   ///< processes or jobs at one time; 0 with Slurm: as many as the cluster gives
  int attempts = 3;  ///< of a task that was killed, or whose program failed for other reasons than its input
  int threads = 1;   ///< that each task will use: processors that a job asks Slurm for
};

/// Runs each task that has no result yet as a process of its own. One that a signal ended, that ran out of memory or that failed inside
/// (exit status 5, 70, 126 and above) is tried again; another failure is the task's own and stands. A cancelled Run ends all processes and
/// throws Error(cancelled); when this process is killed they end with it. The outcomes are in the order of the tasks. Throws
/// Error(not_possible) when a program cannot be started.
std::vector<TaskOutcome> run_tasks(const std::vector<Task>& tasks, const TaskOptions& options, Run& run);

/// The same through Slurm: arrays of at most 1000 jobs (`sbatch --array`), and another array for what has to be tried again. `folder` must
/// be seen by all nodes under the same path; it holds script, exit statuses and the number of the jobs, and belongs to this function alone.
/// A cancelled Run cancels the jobs; those of a process that was killed go on, and the next call with the same folder waits for them before
/// it submits anything. Throws Error(not_possible) where `sbatch` is missing, Error(peer) when Slurm refuses or does not answer.
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

}  // namespace gantry
