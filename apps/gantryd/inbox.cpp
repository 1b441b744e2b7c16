// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Analyses each study that arrives in a folder. A study is an entry of the inbox (a folder or a file); it is taken when nothing in
// it has changed for the settling time, and its results appear, complete, under the same name in the results folder. Opens no network
// connection.
#include "inbox.h"

#include <signal.h>
#include <time.h>

#include <atomic>
#include <cstdio>

#include "../gantry/command_line.h"
#include "gantry/analysis/analyze.h"
#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

Run* running = nullptr;
std::atomic<bool> stopping{false};

struct Options {
  Path inbox, results;
  std::string language = "en";
  int settle_seconds = 10;
  int threads = 0;
  bool once = false;
};

constexpr std::string_view help = R"(gantryd --inbox DIR --results DIR [--language en|zh] [--settle SECONDS] [--threads N] [--once]

Analyses each study that arrives in the inbox and puts its results, complete, under the same name into the results folder.
  --settle SECONDS   a study is taken when nothing in it has changed for so long (default 10)
  --once             analyse what is there and end
SIGTERM ends it after the files of the study at hand are whole or untouched.
)";

Options options_of(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t n = 0; n < words.size(); ++n) {
    if (words[n] == "--once") {
      options.once = true;
      continue;
    }
    if (n + 1 == words.size()) throw Error(ErrorCode::usage, fmt::format("gantryd: {} is unknown or lacks its value", words[n]));
    const std::string& value = words[++n];
    if (words[n - 1] == "--inbox") {
      options.inbox = value;
    } else if (words[n - 1] == "--results") {
      options.results = value;
    } else if (words[n - 1] == "--language") {
      options.language = value;
    } else if (words[n - 1] == "--settle") {
      options.settle_seconds = static_cast<int>(cli::whole_number("settle", value, 0, 86400));
    } else if (words[n - 1] == "--threads") {
      options.threads = static_cast<int>(cli::whole_number("threads", value, 1, 1024));
    } else {
      throw Error(ErrorCode::usage, fmt::format("gantryd: unknown option {}", words[n - 1]));
    }
  }
  if (options.inbox.empty() || options.results.empty())
    throw Error(ErrorCode::usage, "gantryd: --inbox DIR and --results DIR are required");
  if (!fs::is_directory(options.inbox)) throw Error(ErrorCode::not_found, "inbox: must be a folder");
  if (options.language != "en" && options.language != "zh")
    throw Error(ErrorCode::parameter, "language: must be one of en, zh; got " + options.language);
  fs::create_directories(options.results);
  return options;
}

/// Seconds since anything of a study last changed.
double quiet_seconds(const Path& study) {
  std::error_code failure;
  auto newest = fs::last_write_time(study, failure);
  if (fs::is_directory(study, failure)) {
    for (auto entry = fs::recursive_directory_iterator(study, failure); !failure && entry != fs::recursive_directory_iterator();
         entry.increment(failure)) {
      const auto changed = entry->last_write_time(failure);
      if (!failure) newest = std::max(newest, changed);
    }
  }
  return std::chrono::duration<double>(fs::file_time_type::clock::now() - newest).count();
}

/// A word for the log that says nothing about the patient.
std::string tag_of(const Path& study) { return sha256_hex(study.filename().string()).substr(0, 12); }

void note(const Json& event) {
  std::fputs((event.dump() + "\n").c_str(), stdout);
  std::fflush(stdout);
}

/// Analyses one study; a failure leaves `NAME.error.txt` beside the results, so that it is tried once.
void analyse(const Path& study, const Options& options) {
  const Path out = options.results / study.filename();
  const Path failed = options.results / (study.filename().string() + ".error.txt");
  RunOptions settings;
  settings.threads = options.threads;
  Run run(settings);
  running = &run;
  if (stopping) return;
  try {
    analysis::AnalyzeOptions request;
    request.inputs = {study};
    request.output = out;
    request.language = options.language;
    analysis::analyze(request, run);
    note({{"study", tag_of(study)}, {"outcome", "analysed"}, {"warnings", run.warnings().size()}});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) {
      write_atomic(failed, std::string(error.what()) + "\n");
      note({{"study", tag_of(study)}, {"outcome", "failed"}, {"code", error_info(error.code()).id}});
    }
  }
  running = nullptr;
}

/// One pass over the inbox; true when something was analysed.
bool pass(const Options& options) {
  std::vector<Path> studies;
  for (const auto& entry : fs::directory_iterator(options.inbox)) {
    if (!entry.path().filename().string().starts_with('.')) studies.push_back(entry.path());
  }
  std::sort(studies.begin(), studies.end());
  bool any = false;
  for (const Path& study : studies) {
    const std::string name = study.filename().string();
    if (stopping || fs::exists(options.results / name) || fs::exists(options.results / (name + ".error.txt"))) continue;
    if (quiet_seconds(study) < options.settle_seconds) continue;
    analyse(study, options);
    any = true;
  }
  return any;
}

void watch(const Options& options) {
  struct sigaction action {};
  action.sa_handler = [](int) {
    stopping = true;
    if (running) running->cancel();
  };
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  note({{"gantry_version", version()}, {"outcome", "ready"}});
  do {
    if (pass(options) || options.once) continue;
    const timespec second{1, 0};
    ::nanosleep(&second, nullptr);  // A signal ends it early.
  } while (!stopping && !options.once);
}

}  // namespace

std::string_view inbox_help() { return help; }

void watch_inbox(const std::vector<std::string>& words) { watch(options_of(words)); }

}  // namespace gantry
