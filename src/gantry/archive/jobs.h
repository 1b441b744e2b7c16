// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/run.h"

namespace gantry::archive {

/// How jobs are run and kept.
struct JobOptions {
  int workers = 2;                 ///< jobs that run at once
  std::size_t max_waiting = 64;    ///< more are refused
  std::size_t max_kept = 200;      ///< ended jobs; of more, the oldest go with their results
  int threads = 0;                 ///< of each job; 0 = all processors
  std::uint64_t memory_bytes = 0;  ///< of each job; 0 = no limit
};

/// One result of a job.
struct JobOutput {
  std::string name;  ///< as in its address; may hold slashes
  std::string type;  ///< of the port ("image", "json"), or "file"
  Path file;
};

/// Work that takes its time: started by a request, run one after the other by a few threads, with progress, cancellation and results in
/// files. DATA/jobs/<id>/ holds `inputs/` (gone when the job has ended), `outputs/` and `job.json`, so that what has ended survives a
/// restart; what had not counts as failed then. Thread-safe.
class Jobs {
 public:
  /// Runs in a worker; writes results below `outputs` and names them. What it throws becomes the job's error.
  using Work = std::function<std::vector<JobOutput>(const Path& inputs, const Path& outputs, Run& run)>;

  Jobs(Path folder, JobOptions options = {});
  /// Stops, and waits for what runs.
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  /// Cancels what runs, starts nothing more and lets those who wait for a job go on.
  void stop();

  /// A job that is being put together: a folder for its inputs, which goes away unless the job is submitted.
  class Draft {
   public:
    explicit Draft(Path folder);
    ~Draft();
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    std::string id() const { return folder_.filename().string(); }
    Path inputs() const { return folder_ / "inputs"; }

   private:
    friend class Jobs;
    Path folder_;
    bool submitted_ = false;
  };
  std::unique_ptr<Draft> draft();

  /// Puts the job into the queue; `about` is shown with it ({"kind", "operation"}). Error(refused) when too many wait.
  std::string submit(Draft& draft, const std::string& owner, const Json& about, Work work);

  /// What is shown of a job: {"id", "owner", about..., "state": queued|running|done|failed|cancelled, "progress", "step", "created",
  /// "started", "ended", "warnings", "error": null or {"code", "status", "message"}, "outputs": [{"name", "type", "media_type", "bytes",
  /// "href"}]}. Nullopt for an unknown id or another's job (`admin` sees all).
  std::optional<Json> find(const std::string& id, const std::string& user) const;
  /// The same once the job has ended, or after `seconds`.
  std::optional<Json> wait(const std::string& id, const std::string& user, double seconds) const;
  /// All of the user's jobs, newest first, without their outputs.
  Json list(const std::string& user) const;
  /// Cancels a job that has not ended, removes one that has; false when there is none.
  bool remove(const std::string& id, const std::string& user);
  /// The file of an output. Error(not_found).
  Path output(const std::string& id, const std::string& user, const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gantry::archive
