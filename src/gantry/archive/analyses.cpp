// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/analyses.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "gantry/analysis/analyze.h"
#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/json.h"
#include "gantry/base/version.h"

namespace gantry::archive {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto retry_time = std::chrono::seconds(5);
const std::string arrival_owner = "arrival";
constexpr std::string_view no_study = "study: there is none of this UID";

/// Storage classes that hold no images of a scanner: segmentations and the like (66), surfaces, presentation states (11), structured
/// documents and key objects (88), encapsulated documents (104), waveforms (9), radiotherapy plans, parametric maps.
bool may_be_source(std::string_view sop_class) {
  constexpr std::string_view storage = "1.2.840.10008.5.1.4.1.1.";
  if (!sop_class.starts_with(storage)) return false;
  const std::string kind(sop_class.substr(storage.size()));
  const std::string family = kind.substr(0, kind.find('.'));
  if (family == "481") return kind == "481.1";  // RT images
  const std::set<std::string> others{"9", "11", "30", "66", "67", "68", "78", "79", "80", "88", "90", "104", "200"};
  return !others.contains(family);
}

bool is_secondary_capture(std::string_view sop_class) { return sop_class.starts_with("1.2.840.10008.5.1.4.1.1.7"); }

/// Objects of a study that are to be analysed, in a fixed order.
std::vector<InstanceRecord> sources_of(const Archive& archive, const std::string& study_uid) {
  std::vector<InstanceRecord> records = archive.instances(study_uid);
  std::erase_if(records, [&](const InstanceRecord& record) {
    if (!may_be_source(record.sop_class_uid)) return true;
    if (!is_secondary_capture(record.sop_class_uid)) return false;
    try {
      // Key images of this analysis or of another Gantry's, which name what they show.
      const dicom::DataSet& root = archive.header_of(record.sop_instance_uid)->root;
      return root.text(0x00080070U).value_or("") == "Gantry" && root.find(0x00082112U) != nullptr;
    } catch (const Error&) {
      return false;  // a damaged file: the analysis says so
    }
  });
  return records;
}

/// What an analysis would see, as one text that is equal when that is the same.
std::string state_of(const std::vector<InstanceRecord>& sources, const AnalysisOrder& order) {
  std::vector<std::string> lines;
  for (const InstanceRecord& record : sources) lines.push_back(record.sop_instance_uid + " " + record.sha256);
  std::sort(lines.begin(), lines.end());
  Sha256 digest;
  digest.add(fmt::format("{}\n{}\n{}\n", version(), order.profile, order.language));
  for (const std::string& line : lines) digest.add(line).add("\n");
  return digest.finish_hex();
}

/// A JSON object on disk; nullopt when there is none or it is damaged.
std::optional<Json> object_at(const Path& file) {
  try {
    Json json = parse_json(read_text(file, 64 << 20));
    return json.is_object() ? std::optional(std::move(json)) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string text_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> uids_in(const std::optional<Json>& json) {
  std::vector<std::string> uids;
  const auto list = json ? json->find("objects") : Json::const_iterator{};
  if (!json || list == json->end() || !list->is_array()) return uids;
  for (const Json& uid : *list) {
    if (uid.is_string()) uids.push_back(uid.get<std::string>());
  }
  return uids;
}

}  // namespace

struct Analyses::State : std::enable_shared_from_this<Analyses::State> {
  /// An analysis that is to be done.
  struct Pending {
    std::string owner = arrival_owner;
    AnalysisOrder order;
    Clock::time_point due;
    std::string job;       ///< empty until it is submitted
    bool running = false;  ///< submitted, or about to be
    bool again = false;    ///< something came meanwhile
  };

  State(Path f, ArrivalOptions o, Archive& a, Jobs& j, Audit& au)
      : folder(std::move(f)), options(std::move(o)), archive(a), jobs(j), audit(au) {
    fs::create_directories(folder);
  }

  Path place_of(const std::string& study_uid) const { return folder / sha256_hex(study_uid).substr(0, 32); }
  bool by_arrival(const Pending& pending) const { return pending.owner == arrival_owner; }

  void keep(const std::string& study_uid, const Pending& pending) const {
    const Path place = place_of(study_uid);
    std::error_code ignored;  // Writing says what is wrong.
    fs::create_directories(place, ignored);
    write_atomic(
        place / "order.json",
        to_text(Json{
            {"study_uid", study_uid}, {"owner", pending.owner}, {"profile", pending.order.profile}, {"language", pending.order.language}}));
  }
  void forget(const std::string& study_uid) const {
    std::error_code ignored;
    fs::remove(place_of(study_uid) / "order.json", ignored);
  }

  /// What a former process left. Orders by arrival go when that is off now.
  void load() {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const auto json = object_at(entry.path() / "order.json");
      if (!json) continue;
      Pending pending;
      pending.owner = text_in(*json, "owner");
      pending.order = {text_in(*json, "profile"), text_in(*json, "language")};
      pending.due = Clock::now();
      const std::string study_uid = text_in(*json, "study_uid");
      if (place_of(study_uid) != entry.path() || (by_arrival(pending) && !options.on_arrival)) {
        std::error_code ignored;
        fs::remove(entry.path() / "order.json", ignored);
        continue;
      }
      pendings[study_uid] = pending;
    }
  }

  /// Called by the archive while it indexes: may not ask the archive anything.
  void arrived(std::span<const InstanceRecord> records) {
    std::set<std::string> studies;
    for (const InstanceRecord& record : records) {
      if (may_be_source(record.sop_class_uid)) studies.insert(record.study_uid);
    }
    const std::lock_guard guard(mutex);
    for (const std::string& study_uid : studies) {
      const auto found = pendings.find(study_uid);
      if (found == pendings.end()) {
        Pending pending;
        keep(study_uid, pending);
        pendings[study_uid] = pending;
      }
      Pending& pending = pendings[study_uid];
      pending.due = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.quiet_seconds));
      pending.again = pending.running;
    }
    changed.notify_all();
  }

  /// Ends what was pending: it goes, or is put off because something came meanwhile.
  void finish(const std::string& study_uid) {
    const std::lock_guard guard(mutex);
    const auto found = pendings.find(study_uid);
    if (stopping || found == pendings.end()) return;
    if (!found->second.again) {
      forget(study_uid);
      pendings.erase(found);
      return;
    }
    Pending next;
    next.due = found->second.due;
    found->second = next;
    changed.notify_all();
    try {
      keep(study_uid, next);
    } catch (const Error& error) {
      std::fprintf(stderr, "analysis: cannot be noted: %s\n", error.what());
    }
  }

  /// Ends the pending analysis when the job goes, be it that it ran or that it was taken back before.
  class Ending {
   public:
    Ending(std::shared_ptr<State> state, std::string study_uid) : state_(std::move(state)), study_uid_(std::move(study_uid)) {}
    ~Ending() { state_->finish(study_uid_); }
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

   private:
    std::shared_ptr<State> state_;
    std::string study_uid_;
  };

  /// Submits the job of a pending analysis that is marked as running. When it cannot, what was pending has ended.
  std::string submit(const std::string& study_uid, const Pending& pending) {
    auto ending = std::make_shared<Ending>(shared_from_this(), study_uid);
    const auto draft = jobs.draft();
    const Json about{{"kind", "analysis"}, {"study_uid", study_uid}, {"trigger", by_arrival(pending) ? "arrival" : "request"}};
    std::string id =
        jobs.submit(*draft, pending.owner, about,
                    [this, ending = std::move(ending), study_uid, order = pending.order](const Path& inputs, const Path&, Run& run) {
                      analyse(study_uid, order, inputs, run);
                      return std::vector<JobOutput>();
                    });
    const std::lock_guard guard(mutex);
    const auto found = pendings.find(study_uid);
    if (found != pendings.end() && found->second.running) found->second.job = id;
    changed.notify_all();
    return id;
  }

  /// What becomes of a study that has been quiet for long enough.
  void take_up(const std::string& study_uid, Pending pending) {
    if (by_arrival(pending)) {
      const auto found = archive.find({.level = Level::study, .match = {{"StudyInstanceUID", study_uid}}});
      const auto order = found.empty() ? std::nullopt : order_for(options, found.front());
      if (!order) return finish(study_uid);
      const std::vector<InstanceRecord> sources = sources_of(archive, study_uid);
      const auto former = object_at(place_of(study_uid) / "study.json");
      if (sources.empty() || (former && text_in(*former, "state") == state_of(sources, *order))) return finish(study_uid);
      pending.order = *order;
    }
    submit(study_uid, pending);
  }

  void watch() {
    std::unique_lock guard(mutex);
    while (!stopping) {
      auto next = pendings.end();
      for (auto one = pendings.begin(); one != pendings.end(); ++one) {
        if (!one->second.running && (next == pendings.end() || one->second.due < next->second.due)) next = one;
      }
      if (next == pendings.end()) {
        changed.wait(guard);
        continue;
      }
      if (const auto due = next->second.due; due > Clock::now()) {
        changed.wait_until(guard, due);
        continue;
      }
      next->second.running = true;
      const std::string study_uid = next->first;
      const Pending pending = next->second;
      guard.unlock();
      bool failed = false;
      try {
        take_up(study_uid, pending);
      } catch (const std::exception&) {
        failed = true;  // too many jobs wait, or the disk is full: later
      }
      guard.lock();
      if (failed && !stopping) put_off(study_uid, pending);
    }
  }

  /// Called with the lock held.
  void put_off(const std::string& study_uid, Pending pending) {
    pending.running = pending.again = false;
    pending.job.clear();
    pending.due = Clock::now() + retry_time;
    pendings[study_uid] = pending;
    try {
      keep(study_uid, pending);
    } catch (const Error& error) {
      std::fprintf(stderr, "analysis: cannot be noted: %s\n", error.what());
    }
  }

  void analyse(const std::string& study_uid, const AnalysisOrder& order, const Path& inputs, Run& run) {
    const std::vector<InstanceRecord> sources = sources_of(archive, study_uid);
    if (sources.empty()) throw Error(ErrorCode::not_possible, "study: must hold images; it holds none");
    std::size_t number = 0;
    for (const InstanceRecord& record : sources)
      fs::create_symlink(archive.file_of(record.sop_instance_uid), inputs / fmt::format("{:06}.dcm", ++number));
    analysis::AnalyzeOptions request;
    request.inputs = {inputs};
    request.output = place_of(study_uid) / "result";
    request.profile = order.profile;
    request.language = order.language;
    Run measuring = run.part(0, 0.95);
    analysis::analyze(request, measuring);
    run.progress(0.95, "storing the results");
    store(study_uid, state_of(sources, order));
  }

  /// The result's objects join the study; those of a former analysis that are not among them go.
  void store(const std::string& study_uid, const std::string& state) {
    const Path place = place_of(study_uid), objects = place / "result/dicom";
    std::vector<Path> files;
    if (fs::exists(objects)) {
      for (const auto& entry : fs::directory_iterator(objects)) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> former = uids_in(object_at(place / "study.json")), made;
    for (const Path& file : files) {
      dicom::Origin origin;
      origin.path = file;
      made.push_back(dicom::read_header(origin)->root.text(0x00080018U).value_or(""));
    }
    const auto note = [&](const std::vector<std::string>& uids, const std::string& done) {
      write_atomic(place / "study.json", to_text(Json{{"study_uid", study_uid}, {"state", done}, {"objects", uids}}));
    };
    std::vector<std::string> all = former;
    for (const std::string& uid : made) {
      if (std::find(all.begin(), all.end(), uid) == all.end()) all.push_back(uid);
    }
    note(all, "");  // Before they are stored: after a crash they are still known as the analysis's own.
    for (const Path& file : files) archive.add_file(file, "GANTRY");
    for (const std::string& uid : former) {
      if (std::find(made.begin(), made.end(), uid) != made.end()) continue;
      if (const auto record = archive.instance(uid)) archive.remove(record->study_uid, record->series_uid, uid);
    }
    archive.flush();
    note(made, state);
    audit.record(arrival_owner, "store_analysis", "ok", fmt::format("{} {} objects", audit_tag(study_uid), made.size()));
  }

  Path folder;
  ArrivalOptions options;
  Archive& archive;
  Jobs& jobs;
  Audit& audit;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Pending> pendings;  ///< by study
  bool stopping = false;
  std::thread watcher;
};

Analyses::Analyses(Path folder, ArrivalOptions options, Archive& archive, Jobs& jobs, Audit& audit)
    : state_(std::make_shared<State>(std::move(folder), std::move(options), archive, jobs, audit)) {
  state_->load();
  if (state_->options.on_arrival)
    archive.on_indexed([state = state_](std::span<const InstanceRecord> records) { state->arrived(records); });
  state_->watcher = std::thread([state = state_.get()] { state->watch(); });
}

Analyses::~Analyses() {
  if (state_->options.on_arrival) state_->archive.on_indexed(nullptr);
  stop();
}

void Analyses::stop() {
  {
    const std::lock_guard guard(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  if (state_->watcher.joinable()) state_->watcher.join();
}

std::string Analyses::start(const std::string& study_uid, const std::string& user, const AnalysisOrder& order) {
  State& state = *state_;
  check_order(order);
  const std::vector<InstanceRecord> sources = sources_of(state.archive, study_uid);
  if (sources.empty() && state.archive.instances(study_uid).empty()) throw Error(ErrorCode::not_found, std::string(no_study));
  if (sources.empty()) throw Error(ErrorCode::not_possible, "study: must hold images; it holds none");
  State::Pending pending, before;
  {
    std::unique_lock guard(state.mutex);
    // Between the mark and the job's id lies the way into the queue alone.
    state.changed.wait(guard, [&] {
      const auto found = state.pendings.find(study_uid);
      return state.stopping || found == state.pendings.end() || !found->second.running || !found->second.job.empty();
    });
    if (state.stopping) throw Error(ErrorCode::refused, "server: stops; try again later");
    State::Pending& slot = state.pendings[study_uid];
    if (slot.running) return slot.job;
    before = slot;
    slot.owner = user;
    slot.order = order;
    slot.running = true;
    pending = slot;
  }
  try {
    state.keep(study_uid, pending);
    return state.submit(study_uid, pending);
  } catch (const std::exception&) {
    state.finish(study_uid);
    if (before.due != Clock::time_point()) {
      const std::lock_guard guard(state.mutex);
      state.put_off(study_uid, before);
    }
    throw;
  }
}

Path Analyses::result_of(const std::string& study_uid) const {
  if (study_uid.empty() || state_->archive.count({.level = Level::study, .match = {{"StudyInstanceUID", study_uid}}}) == 0)
    throw Error(ErrorCode::not_found, std::string(no_study));
  Path folder = state_->place_of(study_uid) / "result";
  if (fs::exists(folder / "summary.json")) return folder;
  const std::lock_guard guard(state_->mutex);
  throw Error(ErrorCode::not_found,
              state_->pendings.contains(study_uid) ? "analysis: has not ended" : "analysis: there is none of this study");
}

}  // namespace gantry::archive
