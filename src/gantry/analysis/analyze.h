// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/run.h"

namespace gantry::analysis {

/// What `gantry analyze` is asked to do.
struct AnalyzeOptions {
  std::vector<Path> inputs;     ///< files, folders, DICOMDIRs, zips; DICOM, or NIfTI, NRRD, MetaImage where there is no DICOM
  Path output;                  ///< the folder OUT; must not exist, be empty, or hold only what its provenance.json lists
  std::string profile;          ///< id; empty = chosen for each series
  std::string modality;         ///< "CT", "MR", "PT" of input that does not say; empty = inferred from the values, with a warning
  std::string language = "en";  ///< of the reports: "en" or "zh"
  Path profiles;                ///< folder of profiles; empty = the installed one
  Path cache;                   ///< where cached intermediate results may lie; empty = none are kept
};

/// The main job: reads the inputs, chooses series and profiles, measures, and writes OUT in one step. Returns the content of its
/// summary.json. A series that cannot be analysed is reported, not fatal. Throws Error(usage) when OUT holds foreign files,
/// Error(not_found) for a missing input, Error(not_possible) when no input holds an image.
Json analyze(const AnalyzeOptions& options, Run& run);

}  // namespace gantry::analysis
