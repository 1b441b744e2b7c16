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

/// One row for each study with what was measured: name, study_uid, state, attempts, reason, then a column for each finding that has a
/// number in any study, in the order of their first appearance; empty where it was not measured. Summaries of another form give no columns.
Table cohort_table(const std::vector<CohortEntry>& entries);
/// {"studies": [{"name", "state", "attempts", "reason", "findings": [{"id", "value", "unit"}]}], "done", "continued", "failed"}.
Json cohort_json(const std::vector<CohortEntry>& entries);

}  // namespace gantry
