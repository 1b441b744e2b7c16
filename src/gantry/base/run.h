// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry {

/// How much a Run may use and how it reports. The defaults suit a library call: all processors, no limit, silent.
struct RunOptions {
  int threads = 0;                 ///< 0 = as many as the machine has
  std::uint64_t memory_bytes = 0;  ///< 0 = no limit
  std::uint64_t seed = 0;          ///< of everything random
  /// Called with the fraction done in [0, 1] and the name of the step; may be called from any thread, never at once.
  std::function<void(double fraction, std::string_view step)> progress;
};

/// The company of every long computation: threads, memory budget, seed, cancellation, progress and warnings.
/// A Run is a cheap handle; copies and parts share cancellation and warnings. Thread-safe.
class Run {
 public:
  Run() : Run(RunOptions{}) {}
  explicit Run(RunOptions options);

  /// Number of threads that parallel loops use; at least 1. Results never depend on it.
  int threads() const;
  /// Memory budget in bytes; 0 = none.
  std::uint64_t memory_bytes() const;
  std::uint64_t seed() const;

  /// Asks everything under this Run to stop. Safe in a signal handler.
  void cancel() noexcept;
  bool cancelled() const noexcept;
  /// Throws Error(cancelled) when somebody asked to stop. Cheap: one relaxed load.
  void check() const;

  /// Reports that `fraction` of this (part of the) work is done. Throws as `check` does.
  void progress(double fraction, std::string_view step = {});
  /// The slice [begin, end] of this Run's progress range, for a callee.
  Run part(double begin, double end, std::string_view step = {}) const;

  /// Something the user should know that is no error. Repeated texts are kept once.
  void warn(std::string text);
  /// All warnings so far, in the order in which they were given.
  std::vector<std::string> warnings() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
  double begin_ = 0.0;
  double end_ = 1.0;
  std::string step_;
};

}  // namespace gantry
