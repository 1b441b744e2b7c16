// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/jobs.h"

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

#include "gantry/archive/auth.h"
#include "gantry/archive/http.h"
#include "gantry/base/clock.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

namespace fs = std::filesystem;

Json error_json(const Error& error) {
  const ErrorInfo& info = error_info(error.code());
  return {{"code", info.id}, {"status", info.http_status}, {"message", to_valid_utf8(error.what())}};
}

/// A name as a path of an address: everything but letters, digits, `.`, `-`, `_` and `/` escaped.
std::string escaped(const std::string& name) {
  std::string text;
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == '/';
    text += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return text;
}

struct Job {
  std::string id, owner, state = "queued", step, created, started, ended;
  Json about = Json::object(), error, warnings = Json::array();
  double progress = 0;
  std::vector<JobOutput> outputs;
  Jobs::Work work;
  Run run;

  bool over() const { return state != "queued" && state != "running"; }
  Json to_json(bool with_outputs) const {
    const auto time = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
    Json json{{"id", id}, {"owner", owner}};
    json.update(about);
    json.update(Json{{"state", state},
                     {"progress", progress},
                     {"step", step},
                     {"created", created},
                     {"started", time(started)},
                     {"ended", time(ended)},
                     {"warnings", warnings},
                     {"error", error}});
    if (!with_outputs) return json;
    json["outputs"] = Json::array();
    for (const JobOutput& output : outputs) {
      std::error_code failure;
      const auto bytes = fs::file_size(output.file, failure);
      json["outputs"].push_back({{"name", output.name},
                                 {"type", output.type},
                                 {"media_type", media_type_of(output.file)},
                                 {"bytes", failure ? 0 : bytes},
                                 {"href", "/api/v1/jobs/" + id + "/outputs/" + escaped(output.name)}});
    }
    return json;
  }
};

}  // namespace

struct Jobs::State {
  Path folder;
  JobOptions options;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::map<std::string, std::shared_ptr<Job>> jobs;
  std::deque<std::string> order;  ///< ids, oldest first
  std::deque<std::shared_ptr<Job>> waiting;
  bool stopping = false;
  std::vector<std::thread> workers;

  std::shared_ptr<Job> visible(const std::string& id, const std::string& user) const {
    const auto found = jobs.find(id);
    return found == jobs.end() || (found->second->owner != user && user != "admin") ? nullptr : found->second;
  }
  void load();
  void work_off();
  void run_one(const std::shared_ptr<Job>& job);
  void store(const Job& job) const;
  void drop_oldest();
};

Jobs::Draft::Draft(Path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_ / "inputs");
  fs::create_directories(folder_ / "outputs");
}

Jobs::Draft::~Draft() {
  std::error_code ignored;
  if (!submitted_) fs::remove_all(folder_, ignored);
}

void Jobs::State::store(const Job& job) const {
  Json json{{"job", job.to_json(false)}, {"outputs", Json::array()}};
  for (const JobOutput& output : job.outputs) {
    json["outputs"].push_back(
        {{"name", output.name}, {"type", output.type}, {"file", output.file.lexically_relative(folder / job.id).string()}});
  }
  json["about"] = job.about;
  write_atomic(folder / job.id / "job.json", to_text(json));
}

void Jobs::State::load() {
  fs::create_directories(folder);
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::error_code ignored;
    try {
      const Json json = parse_json(read_text(entry.path() / "job.json", 1 << 24));
      auto job = std::make_shared<Job>();
      const Json& told = json.at("job");
      job->id = entry.path().filename().string();
      job->owner = told.at("owner");
      job->about = json.at("about");
      job->state = told.at("state");
      job->progress = told.at("progress");
      job->created = told.at("created");
      job->started = told.at("started").is_null() ? "" : told.at("started").get<std::string>();
      job->ended = told.at("ended").is_null() ? "" : told.at("ended").get<std::string>();
      job->warnings = told.at("warnings");
      job->error = told.at("error");
      for (const Json& output : json.at("outputs")) {
        job->outputs.push_back({output.at("name"), output.at("type"), entry.path() / output.at("file").get<std::string>()});
      }
      if (!job->over()) {
        job->state = "failed";
        job->ended = utc_now(true);
        job->error = error_json(Error(ErrorCode::cancelled, "server: was stopped before the job had ended"));
        fs::remove_all(entry.path() / "inputs", ignored);
        fs::remove_all(entry.path() / "outputs", ignored);
        store(*job);
      }
      jobs[job->id] = job;
    } catch (const std::exception&) {
      fs::remove_all(entry.path(), ignored);  // A draft that a crash left.
    }
  }
  std::vector<std::shared_ptr<Job>> all;
  for (const auto& [id, job] : jobs) all.push_back(job);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->created < b->created; });
  for (const auto& job : all) order.push_back(job->id);
}

void Jobs::State::drop_oldest() {
  std::size_t ended = 0;
  for (const auto& [id, job] : jobs) ended += job->over();
  for (auto at = order.begin(); at != order.end() && ended > options.max_kept;) {
    if (!jobs.at(*at)->over()) {
      ++at;
      continue;
    }
    std::error_code ignored;
    fs::remove_all(folder / *at, ignored);
    jobs.erase(*at);
    at = order.erase(at);
    --ended;
  }
}

void Jobs::State::run_one(const std::shared_ptr<Job>& job) {
  std::vector<JobOutput> outputs;
  std::string state = "done";
  Json error;
  const auto fail = [&](const Error& failure) {
    state = failure.code() == ErrorCode::cancelled ? "cancelled" : "failed";
    error = error_json(failure);
  };
  try {
    outputs = job->work(folder / job->id / "inputs", folder / job->id / "outputs", job->run);
  } catch (const Error& failure) {
    fail(failure);
  } catch (const std::bad_alloc&) {
    fail(Error(ErrorCode::out_of_memory, "memory: there is too little for this job"));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "job %s: unexpected: %s\n", job->id.c_str(), failure.what());
    fail(Error(ErrorCode::internal, "job: an unexpected error; the server's log says which"));
  }
  std::error_code ignored;
  fs::remove_all(folder / job->id / "inputs", ignored);
  const std::lock_guard lock(mutex);
  job->work = nullptr;
  job->state = state;
  job->error = error;
  job->outputs = std::move(outputs);
  job->warnings = job->run.warnings();
  job->ended = utc_now(true);
  if (state == "done") job->progress = 1;
  job->step.clear();
  try {
    store(*job);
  } catch (const Error& failure) {
    job->warnings.push_back(std::string("the job is forgotten with the next start: ") + failure.what());
  }
  drop_oldest();
  changed.notify_all();
}

void Jobs::State::work_off() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stopping || !waiting.empty(); });
      if (stopping) return;
      job = waiting.front();
      waiting.pop_front();
      job->state = "running";
      job->started = utc_now(true);
    }
    run_one(job);
  }
}

Jobs::Jobs(Path folder, JobOptions options) : state_(std::make_unique<State>()) {
  state_->folder = std::move(folder);
  state_->options = options;
  state_->load();
  for (int n = 0; n < std::max(1, options.workers); ++n) state_->workers.emplace_back([this] { state_->work_off(); });
}

void Jobs::stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopping = true;
  for (const auto& [id, job] : state_->jobs) {
    if (!job->over()) job->run.cancel();
  }
  state_->changed.notify_all();
}

Jobs::~Jobs() {
  stop();
  for (std::thread& worker : state_->workers) worker.join();
}

std::unique_ptr<Jobs::Draft> Jobs::draft() { return std::make_unique<Draft>(state_->folder / random_hex(16)); }

std::string Jobs::submit(Draft& draft, const std::string& owner, const Json& about, Work work) {
  auto job = std::make_shared<Job>();
  job->id = draft.id();
  job->owner = owner;
  job->about = about;
  job->created = utc_now(true);
  job->work = std::move(work);
  RunOptions options;
  options.threads = state_->options.threads;
  options.memory_bytes = state_->options.memory_bytes;
  options.progress = [state = state_.get(), raw = job.get()](double fraction, std::string_view step) {
    const std::lock_guard lock(state->mutex);
    raw->progress = fraction;
    raw->step = step;
  };
  job->run = Run(std::move(options));
  const std::lock_guard lock(state_->mutex);
  if (state_->waiting.size() >= state_->options.max_waiting)
    throw Error(ErrorCode::refused, fmt::format("jobs: {} wait already; try again later", state_->waiting.size()));
  state_->store(*job);
  draft.submitted_ = true;
  state_->jobs[job->id] = job;
  state_->order.push_back(job->id);
  state_->waiting.push_back(job);
  state_->changed.notify_all();
  return job->id;
}

std::optional<Json> Jobs::find(const std::string& id, const std::string& user) const {
  const std::lock_guard lock(state_->mutex);
  const auto job = state_->visible(id, user);
  return job ? std::optional<Json>(job->to_json(true)) : std::nullopt;
}

std::optional<Json> Jobs::wait(const std::string& id, const std::string& user, double seconds) const {
  std::unique_lock lock(state_->mutex);
  const auto job = state_->visible(id, user);
  if (!job) return std::nullopt;
  state_->changed.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return job->over() || state_->stopping; });
  return job->to_json(true);
}

Json Jobs::list(const std::string& user) const {
  const std::lock_guard lock(state_->mutex);
  Json all = Json::array();
  for (auto id = state_->order.rbegin(); id != state_->order.rend(); ++id) {
    if (const auto job = state_->visible(*id, user)) all.push_back(job->to_json(false));
  }
  return all;
}

bool Jobs::remove(const std::string& id, const std::string& user) {
  const std::lock_guard lock(state_->mutex);
  const auto job = state_->visible(id, user);
  if (!job) return false;
  job->run.cancel();
  const auto queued = std::find(state_->waiting.begin(), state_->waiting.end(), job);
  if (queued != state_->waiting.end()) {
    state_->waiting.erase(queued);
    job->state = "cancelled";
  }
  if (!job->over()) return true;
  std::error_code ignored;
  fs::remove_all(state_->folder / id, ignored);
  state_->jobs.erase(id);
  std::erase(state_->order, id);
  state_->changed.notify_all();
  return true;
}

Path Jobs::output(const std::string& id, const std::string& user, const std::string& name) const {
  const std::lock_guard lock(state_->mutex);
  const auto job = state_->visible(id, user);
  if (!job) throw Error(ErrorCode::not_found, "job: there is none of this id");
  for (const JobOutput& output : job->outputs) {
    if (output.name == name) return output.file;
  }
  throw Error(ErrorCode::not_found, job->over() ? "output: the job has none of this name" : "output: the job has not ended");
}

}  // namespace gantry::archive
