// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/json.h"
#include "gantry/base/table.h"
#include "gantry/cohort/tasks.h"

namespace gantry {

/// One study of a cohort: what became of its task, and the content of its summary.json (null when there is none).
struct CohortEntry {
  std::string name;
  TaskOutcome outcome;
  Json summary;
};

/// One row for each study with what was measured: name, study_uid, state (done, failed), reason, then a column for each finding that has a
/// number in any study, in the order of their first appearance; empty where it was not measured. A finding of a further series of the same
/// study has the column `ID#2`, and so on. Summaries of another form give no columns. How often a study was tried, and when, is not told:
/// the table is the same however it came about.
Table cohort_table(const std::vector<CohortEntry>& entries);
/// {"studies": [{"name", "state", "reason", "findings": [{"study_uid", "id", "value", "unit"}]}], "done", "failed"}.
Json cohort_json(const std::vector<CohortEntry>& entries);

}  // namespace gantry
