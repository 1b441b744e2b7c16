// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <thread>

#include "command_line.h"
#include "commands.h"
#include "gantry/analysis/profile.h"
#include "gantry/base/clock.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/cohort/results.h"
#include "gantry/cohort/study_names.h"
#include "session.h"

namespace gantry::cli {

namespace {

namespace fs = std::filesystem;

void require_one_of(const std::string& name, const std::string& word, const Words& choices) {
  if (std::find(choices.begin(), choices.end(), word) == choices.end())
    throw Error(ErrorCode::parameter, fmt::format("{}: must be one of {}; got '{}'", name, join(choices, ", "), word));
}

/// How the studies are analysed: the options of `gantry analyze` that are handed on. All studies of a cohort share them.
struct Settings {
  std::string profile, modality, language = "en";

  void check() const {
    require_one_of("language", language, {"en", "zh"});
    if (!modality.empty()) require_one_of("modality", modality, {"CT", "MR", "PT"});
    if (profile.empty()) return;
    Words ids;
    for (const analysis::Profile& one : analysis::read_profiles(find_resource("profiles"))) ids.push_back(one.id);
    require_one_of("profile", profile, ids);
  }
  Json json() const {
    return {{"gantry_version", std::string(version())}, {"profile", profile}, {"modality", modality}, {"language", language}};
  }
};

/// OUT of a cohort: a folder with a lock that remembers settings and the name of each study, so that a second run continues the first.
class CohortFolder {
 public:
  CohortFolder(const Path& out, const std::vector<Path>& studies) : folder_(prepared(out, studies)), lock_(folder_) {
    if (fs::exists(record())) with_context("output", [&] { known_ = parse_json(read_text(record(), 1 << 28)); });
  }
  const Path& path() const { return folder_; }
  Path work() const { return folder_ / ".tasks"; }

  /// The names of the studies, remembered with the settings, which must be those of the runs before.
  Words names(const std::vector<Path>& studies, const Settings& settings) {
    std::map<std::string, std::string> names;
    const Json asked = settings.json();
    if (known_.is_object()) {
      for (const auto& [key, value] : asked.items()) {
        const Json before = known_.value(key, Json());
        if (before == value) continue;
        throw Error(ErrorCode::usage, fmt::format("output: holds a cohort that was begun with {} {}; got {}: take another folder", key,
                                                  before.dump(), value.dump()));
      }
      const Json before = known_.value("studies", Json::object());
      for (const auto& [key, name] : before.items()) {
        const std::string word = name.is_string() ? name.get<std::string>() : "";
        if (word.empty() || word.starts_with('.') || word.find('/') != std::string::npos)
          throw Error(ErrorCode::unreadable, fmt::format("output: .tasks/studies.json must hold names of folders; got {}", name.dump()));
        names.emplace(key, word);
      }
    }
    Words all = study_names(studies, names);
    for (std::size_t n = 0; n < all.size(); ++n) names[path_key(studies[n])] = all[n];
    Json content = asked;
    content["studies"] = names;
    write_atomic(record(), to_text(content));
    return all;
  }

 private:
  Path record() const { return work() / "studies.json"; }

  /// Refuses a folder that holds anything else, and studies that the results would be written over or into.
  static Path prepared(const Path& out, const std::vector<Path>& studies) {
    if (fs::exists(out) && !fs::is_directory(out)) throw Error(ErrorCode::usage, "output: must be a folder; a file of this name is there");
    const Path folder = fs::weakly_canonical(fs::absolute(out)) / "";
    for (const Path& study : studies) {
      const Path other = fs::weakly_canonical(fs::absolute(study)) / "";
      const auto [end, rest] = std::mismatch(folder.begin(), std::prev(folder.end()), other.begin(), std::prev(other.end()));
      if (end == std::prev(folder.end()) || rest == std::prev(other.end()))
        throw Error(ErrorCode::usage,
                    fmt::format("output: must lie outside the studies, and they outside of it; got {}", study.filename().string()));
    }
    if (fs::exists(folder) && !fs::exists(folder / ".tasks")) {
      for (const auto& entry : fs::directory_iterator(folder))
        throw Error(ErrorCode::usage,
                    fmt::format("output: an existing folder must be empty or hold a cohort; has {}", entry.path().filename().string()));
    }
    fs::create_directories(folder / ".tasks");
    return folder.parent_path();
  }

  Path folder_;
  FolderLock lock_;
  Json known_;
};

/// The content of summary.json; an empty one where it cannot be read, which makes the outcome a failure.
Json summary_of(const Task& task, TaskOutcome& outcome) {
  if (outcome.state == TaskOutcome::State::failed) return nullptr;
  try {
    return parse_json(read_text(task.result));
  } catch (const Error& error) {
    outcome.state = TaskOutcome::State::failed;
    outcome.reason = fmt::format("summary.json: {}; remove the folder {} to have the study analysed again", error.what(), task.name);
    return nullptr;
  }
}

}  // namespace

int cohort_run(const Words& arguments) {
  CommandLine command("cohort run", "Analyses many studies, each as a process of its own, and joins what was measured in one table.");
  Words studies;
  std::string out, executor = "local", jobs, attempts = "3";
  Settings settings;
  command.positionals("STUDY", studies, "Studies, each as for gantry analyze");
  command.option("-o,--output", out, "Folder for the results: one folder for each study, cohort.csv, cohort.json; a second run continues",
                 "OUT");
  command.option("--executor", executor, "Where the studies are analysed: processes here, or an array of Slurm jobs", "local|slurm");
  command.option("--jobs", jobs, "So many studies at one time (default: 1, with Slurm what the cluster gives); --threads is of each", "N");
  command.option("--attempts", attempts, "So often a study is tried whose process was killed", "N");
  command.option("--profile", settings.profile, "Profile to use instead of the one that fits", "ID");
  command.option("--modality", settings.modality, "What volumes without a header are: CT, MR or PT", "CT|MR|PT");
  command.option("--language", settings.language, "Language of the reports", "en|zh");
  command.example("gantry cohort run studies/* -o cohort --jobs 4");
  command.example("gantry cohort run studies/* -o cohort --executor slurm --threads 2");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (out.empty()) throw Error(ErrorCode::usage, "cohort run: -o OUT is required (--help shows what it takes)");
  require_one_of("executor", executor, {"local", "slurm"});
  const bool local = executor == "local";
  TaskOptions options;
  options.at_once = jobs.empty() ? (local ? 1 : 0) : static_cast<int>(whole_number("jobs", jobs, 1, 100000));
  options.attempts = static_cast<int>(whole_number("attempts", attempts, 1, 100));
  settings.check();
  const std::vector<Path> inputs(studies.begin(), studies.end());
  for (const Path& input : inputs) {
    if (!fs::exists(input)) throw Error(ErrorCode::not_found, fmt::format("'{}': no such file or folder", input.filename().string()));
  }
  Run& run = session.start();
  const int processors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  options.threads = session.threads_given() ? run.threads() : local ? std::max(1, processors / options.at_once) : 1;
  const std::string started = utc_now();
  CohortFolder folder(out, inputs);
  const Words names = folder.names(inputs, settings);
  const Path program = fs::read_symlink("/proc/self/exe");
  const Path cache = session.cache_folder();
  std::vector<Task> tasks;
  for (std::size_t n = 0; n < inputs.size(); ++n) {
    const Path result = folder.path() / names[n];
    Task task{names[n],
              {program.string(), "analyze", fs::absolute(inputs[n]).string(), "-o", result.string(), "--threads",
               std::to_string(options.threads), "--quiet", "--cache", cache.empty() ? "off" : fs::absolute(cache).string()},
              result / "summary.json",
              folder.work() / (names[n] + ".log")};
    if (run.memory_bytes() > 0) task.command.insert(task.command.end(), {"--memory", std::to_string(run.memory_bytes())});
    for (const auto& [name, word] :
         {std::pair("--profile", settings.profile), {"--modality", settings.modality}, {"--language", settings.language}}) {
      if (!word.empty()) task.command.insert(task.command.end(), {name, word});
    }
    tasks.push_back(std::move(task));
  }
  const auto outcomes = local ? run_tasks(tasks, options, run) : run_tasks_on_slurm(tasks, options, folder.work(), run);
  std::vector<CohortEntry> entries;
  Json history = Json::array();
  std::size_t continued = 0;
  for (std::size_t n = 0; n < tasks.size(); ++n) {
    CohortEntry entry{names[n], outcomes[n], nullptr};
    entry.summary = summary_of(tasks[n], entry.outcome);
    if (entry.outcome.state == TaskOutcome::State::continued) ++continued;
    history.push_back({{"name", names[n]}, {"attempts", outcomes[n].attempts}});
    entries.push_back(std::move(entry));
  }
  Json all = settings.json();
  all["notice"] = not_a_medical_device();
  all.update(cohort_json(entries));
  write_atomic(folder.path() / "cohort.csv", cohort_table(entries).to_csv());
  write_atomic(folder.path() / "cohort.json", to_text(all));
  write_atomic(folder.path() / "provenance.json",
               to_text({{"gantry_version", std::string(version())},
                        {"operation", "cohort run"},
                        {"parameters",
                         {{"executor", executor}, {"jobs", options.at_once}, {"attempts", options.attempts}, {"threads", options.threads}}},
                        {"started", started},
                        {"finished", utc_now()},
                        {"studies", history}}));
  session.finish();
  const std::size_t done = all["done"].get<std::size_t>();
  if (session.json()) {
    all["continued"] = continued;
    print(all);
  } else if (!session.quiet()) {
    print(fmt::format("{} analysed, {} continued, {} failed: {}\n", done - continued, continued, all["failed"].dump(),
                      (Path(out) / "cohort.csv").string()));
  }
  if (all["failed"] != 0)
    throw Error(ErrorCode::not_possible,
                fmt::format("cohort: {} of {} studies have no result; cohort.csv says why", all["failed"].dump(), tasks.size()));
  return 0;
}

}  // namespace gantry::cli
