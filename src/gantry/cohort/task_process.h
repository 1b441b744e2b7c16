// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/cohort/tasks.h"

#include <sys/types.h>

#include <utility>

namespace gantry {

/// The process of a task, in a process group of its own. It reads nothing, what it prints goes to the log of the task. It is killed when
/// the thread that started it ends, however that ends: a study is never analysed by two.
class TaskProcess {
 public:
  /// Throws Error(not_possible) when the program cannot be started.
  explicit TaskProcess(const Task& task);
  /// Ends the group, if need be by SIGKILL after two seconds.
  ~TaskProcess();
  TaskProcess(TaskProcess&& other) noexcept : process_(std::exchange(other.process_, -1)) {}
  TaskProcess& operator=(TaskProcess&&) = delete;

  /// True with the status of waitpid when it has ended. Does not wait.
  bool ended(int& status);
  /// Asks it to end (SIGTERM) and does not wait.
  void ask_to_end() const;

 private:
  pid_t process_ = -1;
};

/// The last line with words of a log, at most 500 bytes of valid UTF-8; empty when there is none.
std::string last_line(const Path& log);

/// Whether a program that ended with this exit status may end otherwise when it is run again: resources exhausted (5), a defect (70),
/// not to be run (126, 127), ended by a signal (above 128).
inline bool may_end_otherwise(long long status) { return status == 5 || status == 70 || status >= 126; }

}  // namespace gantry
