// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/summary.h"
#include "gantry/operation/cache.h"

namespace gantry::analysis {

/// What was found in series before, with the files written for them, so that a second run is quick and a cancelled one goes on where it
/// was. Lies in the folder of `ResultCache` and keeps its bound. A damaged or foreign entry is a miss.
class OutcomeCache {
 public:
  /// `options.cache` empty: nothing is found or kept.
  explicit OutcomeCache(const AnalyzeOptions& options);

  /// The digest of everything that the outcome of a planned series depends on: this build of the program, profile, language, names of its
  /// files, and every byte of its own and its companions' input. Empty when nothing is kept.
  std::string key(const StudyPlan& study, const SeriesPlan& plan) const;
  /// The same for what is seen in the voxels of a series before a profile is chosen.
  std::string contents_key(const SeriesPlan& plan) const;

  /// Contents that were seen before; repeats the warnings of reading on `run`.
  std::optional<std::vector<std::string>> contents(const std::string& key, Run& run) const;
  void keep_contents(const std::string& key, const std::vector<std::string>& contents, const std::vector<std::string>& run_warnings) const;

  /// Fills `outcome` (but for the labels, which are in its files), writes its files below `folder` and repeats its warnings on `run`.
  bool restore(const std::string& key, const Path& folder, SeriesOutcome& outcome, Run& run) const;
  /// Keeps an outcome whose files lie below `folder`; `run_warnings` are those that `run` got while it was made.
  void keep(const std::string& key, const Path& folder, const SeriesOutcome& outcome, const std::vector<std::string>& run_warnings) const;

 private:
  std::optional<Json> find(const std::string& key) const;
  void store(const std::string& key, const Json& json) const;

  std::optional<ResultCache> cache_;
  std::string language_;
};

/// The warnings that `run` got since it had `before` of them.
std::vector<std::string> warnings_since(std::size_t before, const Run& run);

}  // namespace gantry::analysis
