// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <condition_variable>
#include <mutex>
#include <thread>

#include "gantry/base/error.h"
#include "native.h"

namespace gantry::python {

Controls controls_of(std::optional<int> threads, std::optional<std::uint64_t> memory, py::object progress) {
  if (threads && !(*threads >= 1 && *threads <= 1024))
    throw Error(ErrorCode::parameter, fmt::format("threads: must lie between 1 and 1024; got {}", *threads));
  if (!progress.is_none() && !PyCallable_Check(progress.ptr()))
    throw Error(ErrorCode::usage, "progress: must be a function of (fraction, step)");
  return {threads.value_or(0), memory.value_or(0), std::move(progress)};
}

void work(const Controls& controls, const std::function<void(Run&)>& body) {
  Run run;
  std::optional<py::error_already_set> raised;  // by a signal handler or the progress function; touched under the interpreter lock only
  RunOptions options{.threads = controls.threads, .memory_bytes = controls.memory};
  if (!controls.progress.is_none()) {
    options.progress = [&](double fraction, std::string_view step) {
      const py::gil_scoped_acquire lock;
      if (raised) return;
      try {
        controls.progress(fraction, std::string(step));
      } catch (py::error_already_set& error) {
        raised.emplace(error);
        run.cancel();
      }
    };
  }
  run = Run(std::move(options));

  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  std::exception_ptr failure;
  {
    std::optional<py::gil_scoped_release> unlocked(std::in_place);
    std::thread worker([&] {
      try {
        body(run);
      } catch (...) {
        failure = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      done = true;
      ended.notify_one();
    });
    for (;;) {
      std::unique_lock lock(mutex);
      if (ended.wait_for(lock, std::chrono::milliseconds(50), [&] { return done; })) break;
      lock.unlock();
      const py::gil_scoped_acquire locked;
      if (!raised && PyErr_CheckSignals() != 0) {
        raised.emplace();
        run.cancel();
      }
    }
    worker.join();
  }
  if (raised) throw py::error_already_set(std::move(*raised));
  if (failure) std::rethrow_exception(failure);
  const auto warnings = run.warnings();
  if (warnings.empty()) return;
  const py::object category = py::module_::import("gantry._native").attr("GantryWarning");
  for (const std::string& text : warnings) {
    if (PyErr_WarnEx(category.ptr(), text.c_str(), 1) != 0) throw py::error_already_set();
  }
}

}  // namespace gantry::python
