// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/run.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "gantry/base/error.h"

namespace gantry {

struct Run::State {
  RunOptions options;
  std::atomic<bool> cancelled{false};
  std::mutex mutex;
  std::vector<std::string> warnings;
};

Run::Run(RunOptions options) : state_(std::make_shared<State>()) {
  if (options.threads <= 0) options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  state_->options = std::move(options);
}

int Run::threads() const { return state_->options.threads; }
std::uint64_t Run::memory_bytes() const { return state_->options.memory_bytes; }
std::uint64_t Run::seed() const { return state_->options.seed; }

void Run::cancel() noexcept { state_->cancelled.store(true, std::memory_order_relaxed); }
bool Run::cancelled() const noexcept { return state_->cancelled.load(std::memory_order_relaxed); }

void Run::check() const {
  if (cancelled()) throw Error(ErrorCode::cancelled, "cancelled");
}

void Run::progress(double fraction, std::string_view step) {
  check();
  if (!state_->options.progress) return;
  const double clamped = std::clamp(fraction, 0.0, 1.0);
  const std::lock_guard lock(state_->mutex);
  state_->options.progress(begin_ + (end_ - begin_) * clamped, step.empty() ? std::string_view(step_) : step);
}

Run Run::part(double begin, double end, std::string_view step) const {
  Run part = *this;
  part.begin_ = begin_ + (end_ - begin_) * begin;
  part.end_ = begin_ + (end_ - begin_) * end;
  if (!step.empty()) part.step_ = step;
  return part;
}

void Run::warn(std::string text) {
  const std::lock_guard lock(state_->mutex);
  auto& warnings = state_->warnings;
  if (std::find(warnings.begin(), warnings.end(), text) == warnings.end()) warnings.push_back(std::move(text));
}

std::vector<std::string> Run::warnings() const {
  const std::lock_guard lock(state_->mutex);
  return state_->warnings;
}

}  // namespace gantry
