// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "command_line.h"
#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/run.h"
#include "gantry/operation/cache.h"

namespace gantry::cli {

/// The options that every command takes, and the Run that they make.
class Session {
 public:
  /// Adds the options to the command.
  explicit Session(CommandLine& command);
  ~Session();

  /// Makes the Run: call after parsing. `steps` prints one line per step with its time, also where no bar is shown.
  Run& start(bool steps = false);
  Run& run() { return run_; }
  bool json() const { return json_; }
  bool quiet() const { return quiet_; }
  bool verbose() const { return verbose_; }
  bool threads_given() const { return !threads_.empty(); }
  /// nullptr with `--cache off`.
  const ResultCache* cache();
  /// Folder of the cache; empty with `--cache off`.
  Path cache_folder() const;
  /// Ends the bar or the last step's line, and prints the warnings on standard error.
  void finish();

 private:
  void show(double fraction, std::string_view step);
  void end_step();
  bool json_ = false, quiet_ = false, verbose_ = false;
  std::string threads_, memory_, cache_;
  std::unique_ptr<ResultCache> cache_store_;
  Run run_;
  bool terminal_ = false, steps_ = false, bar_shown_ = false;
  std::string step_;
  std::chrono::steady_clock::time_point started_, step_started_;
};

/// Standard output gets `json` as text.
void print(const Json& json);
void print(const std::string& text);

/// A file that a command was given: by its own name, or found in a folder that was named.
struct GivenFile {
  Path path;
  bool named = false;
};
/// The files of `names` in their order, those of a folder and of what lies below it by path. A name of nothing is Error(not_found).
std::vector<GivenFile> given_files(const std::vector<std::string>& names);

/// What the signal handler cancels: the Run of the command that is running.
void cancel_on_signal(Run& run);

}  // namespace gantry::cli
