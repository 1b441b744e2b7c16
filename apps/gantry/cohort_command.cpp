// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/cohort/results.h"
#include "session.h"

namespace gantry::cli {

int cohort_run(const Words& arguments) {
  CommandLine command("cohort run", "Analyses many studies, each as a process of its own, and joins what was measured in one table.");
  Words studies;
  std::string out, executor = "local", jobs = "1", attempts = "3", threads_each = "1", profile;
  command.positionals("STUDY", studies, "Studies, each as for gantry analyze");
  command.option("-o,--output", out, "Folder for the results: one folder for each study, cohort.csv, cohort.json; a second run continues",
                 "OUT");
  command.option("--executor", executor, "Where the studies are analysed: processes here, or an array of jobs", "local|slurm");
  command.option("--jobs", jobs, "So many at one time", "N");
  command.option("--job-threads", threads_each, "Threads of each", "N");
  command.option("--attempts", attempts, "So often a study is tried whose process was killed", "N");
  command.option("--profile", profile, "Profile to use instead of the one that fits", "ID");
  command.example("gantry cohort run studies/* -o cohort --jobs 4");
  command.example("gantry cohort run studies/* -o cohort --executor slurm --jobs 20");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (out.empty()) throw Error(ErrorCode::usage, "cohort run: -o OUT is required (--help shows what it takes)");
  if (executor != "local" && executor != "slurm") throw Error(ErrorCode::parameter, "executor: must be local or slurm; got " + executor);
  const TaskOptions options{static_cast<int>(whole_number("--jobs", jobs, 1, 100000)),
                            static_cast<int>(whole_number("--attempts", attempts, 1, 100))};
  const std::int64_t threads = whole_number("--job-threads", threads_each, 1, 1024);
  const std::vector<Path> inputs(studies.begin(), studies.end());
  for (const Path& input : inputs) {
    if (!std::filesystem::exists(input)) throw Error(ErrorCode::not_found, input.filename().string() + ": no such file or folder");
  }
  Run& run = session.start();
  const Path folder = std::filesystem::absolute(out), work = folder / ".tasks";
  std::filesystem::create_directories(work);
  const FolderLock lock(folder);
  const std::vector<std::string> names = short_names(inputs);
  const Path program = std::filesystem::read_symlink("/proc/self/exe");
  const Path cache = session.cache_folder();
  std::vector<Task> tasks;
  for (std::size_t n = 0; n < inputs.size(); ++n) {
    Task task{names[n],
              {program.string(), "analyze", std::filesystem::absolute(inputs[n]).string(), "-o", (folder / names[n]).string(), "--threads",
               std::to_string(threads), "--quiet", "--cache", cache.empty() ? "off" : cache.string()},
              folder / names[n] / "summary.json",
              work / (names[n] + ".log")};
    if (!profile.empty()) task.command.insert(task.command.end(), {"--profile", profile});
    tasks.push_back(std::move(task));
  }
  const auto outcomes = executor == "local" ? run_tasks(tasks, options, run) : run_tasks_on_slurm(tasks, options, work, run);
  std::vector<CohortEntry> entries;
  for (std::size_t n = 0; n < tasks.size(); ++n) {
    CohortEntry entry{names[n], outcomes[n], nullptr};
    if (outcomes[n].state != TaskOutcome::State::failed) {
      with_context(names[n], [&] { entry.summary = parse_json(read_text(tasks[n].result)); });
    }
    entries.push_back(std::move(entry));
  }
  const Json all = cohort_json(entries);
  write_atomic(folder / "cohort.csv", cohort_table(entries).to_csv());
  write_atomic(folder / "cohort.json", to_text(all));
  session.finish();
  if (session.json()) print(all);
  if (!session.json() && !session.quiet())
    print(fmt::format("{} done, {} continued, {} failed: {}\n", all["done"].dump(), all["continued"].dump(), all["failed"].dump(),
                      (folder / "cohort.csv").string()));
  if (all["failed"] != 0)
    throw Error(ErrorCode::not_possible,
                fmt::format("cohort: {} of {} studies have no result; cohort.csv says why", all["failed"].dump(), tasks.size()));
  return 0;
}

}  // namespace gantry::cli
