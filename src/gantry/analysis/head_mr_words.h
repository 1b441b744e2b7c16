// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/head_mr.h"

namespace gantry::analysis {

/// Adds findings, quality, sentences, tables, pictures, methods and references of a measured head. `result.labels` must be there.
void write_head_mr(SeriesResult& result, const HeadMr& head, const SeriesInput& input, const Run& run);

/// Adds findings without a value and the statement that nothing was measured in this MR, with the reason.
void say_not_measured(SeriesResult& result, const Words& why);

}  // namespace gantry::analysis
