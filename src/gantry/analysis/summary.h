// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/result.h"
#include "gantry/analysis/study_input.h"
#include "gantry/base/table.h"

namespace gantry::analysis {

/// A planned series and, when it was analysed, what was found; `files[n]` is where the mask of `result.segments[n]` lies, relative to OUT,
/// and `file_values[n]` its value there.
struct SeriesOutcome {
  const SeriesPlan* plan = nullptr;
  SeriesResult result;
  std::vector<std::string> files;
  std::vector<int> file_values;
};

/// The content of summary.json; its schema is docs/reference/summary.schema.json. `outcomes[s][n]` belongs to `plan.studies[s].series[n]`.
Json summary_json(const InputPlan& plan, const std::vector<std::vector<SeriesOutcome>>& outcomes,
                  const std::vector<std::string>& run_warnings, const std::string& language);

/// measurements.csv: one row a finding.
Table measurement_table(const InputPlan& plan, const std::vector<std::vector<SeriesOutcome>>& outcomes);

/// The report about one or more studies: facts, sentences, images and tables of all analysed series in the order of attention.
ReportDocument report_document(const InputPlan& plan, const std::vector<std::vector<SeriesOutcome>>& outcomes);

}  // namespace gantry::analysis
