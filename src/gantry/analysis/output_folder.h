// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/summary.h"
#include "gantry/base/run.h"

namespace gantry::analysis {

/// Refuses an OUT that may not be replaced: Error(usage) unless it is missing, empty, or holds nothing but what its provenance.json lists.
void check_replaceable(const Path& output);

/// Writes masks, DICOM objects and key images of one analysed series below `folder`, and notes the masks' files in `outcome`.
/// Call before the labels are dropped; series that are not from DICOM get no DICOM objects.
void write_series(const Path& folder, SeriesOutcome& outcome, const std::string& language, Run& run);

/// All regular files below `folder`, relative, sorted, each with size and SHA-256: the `files` of provenance.json.
Json file_list(const Path& folder);

}  // namespace gantry::analysis
