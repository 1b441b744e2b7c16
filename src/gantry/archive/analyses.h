// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <string>

#include "gantry/archive/analysis_rules.h"
#include "gantry/archive/archive.h"
#include "gantry/archive/audit.h"
#include "gantry/archive/jobs.h"

namespace gantry::archive {

/// The analyses of the archive's studies: on arrival when the options say so, and when somebody asks.
///
/// An analysis is a job. Its DICOM objects join the study, its folder (summary.json, report.html, figures, ...) is kept in
/// FOLDER/<hash of the study UID>/result. Objects that Gantry made, reports, segmentations and the like are never analysed, so that the
/// results do not lead to another analysis; new images do, and what the former analysis had stored goes when the new one's objects are
/// there. What is to be done lies on disk until it is done (order.json): after a crash it is done again, which stores nothing twice, since
/// UIDs follow from the input. Thread-safe.
class Analyses {
 public:
  /// Takes up what a former process left undone and begins to listen to the archive. `archive`, `jobs` and `audit` must outlive it, and
  /// `jobs` must be stopped before it ends.
  Analyses(Path folder, ArrivalOptions options, Archive& archive, Jobs& jobs, Audit& audit);
  ~Analyses();
  Analyses(const Analyses&) = delete;
  Analyses& operator=(const Analyses&) = delete;

  /// Starts nothing more; what is cut off from now on is done after the next start.
  void stop();

  /// Starts an analysis for `user`; the id of its job, or of the one that is under way already. Errors: not_found (no such study),
  /// not_possible (it holds nothing that could be analysed), parameter (`check_order`), refused (too many jobs wait).
  std::string start(const std::string& study_uid, const std::string& user, const AnalysisOrder& order);

  /// The folder of the latest analysis of a study. Error(not_found), which says whether one failed or is under way.
  Path result_of(const std::string& study_uid) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gantry::archive
