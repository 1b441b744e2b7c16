// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>

#include "gantry/analysis/analyze.h"
#include "gantry/analysis/profile.h"
#include "gantry/dicom/study.h"

namespace gantry::analysis {

/// One series of the input and what is done with it.
struct SeriesPlan {
  dicom::Series series;  ///< synthetic for a volume file: UIDs derived from its content, header and instances empty
  Path file;             ///< the volume file; empty for DICOM
  std::string modality;
  std::string role;    ///< "analysed", "companion", "not_used"
  std::string reason;  ///< why it is used or not
  bool used = false;
  const Profile* profile = nullptr;     ///< of an analysed series
  std::string key;                      ///< begins the names of its files: "1-ct"
  std::vector<std::size_t> companions;  ///< series of the same study, by index
  Image image;                          ///< already loaded where the choice needed the voxels
};

/// What will be done with each series of one study.
struct StudyPlan {
  std::string study_uid;
  dicom::Header header;
  std::vector<SeriesPlan> series;
  std::vector<std::string> warnings;
};

/// What the input holds and what will be done with it.
struct InputPlan {
  std::vector<StudyPlan> studies;
  std::int64_t files_read = 0;
  struct Skipped {
    std::string path, reason;  ///< relative to the input it was found in
  };
  std::vector<Skipped> files_skipped;
};

/// Reads the inputs and plans. DICOM is preferred: where any input holds readable DICOM images, volume files beside them are skipped.
/// Throws Error(not_found) for a missing input and Error(not_possible) when nothing can be analysed.
InputPlan plan_input(const AnalyzeOptions& options, const std::vector<Profile>& profiles, Run& run);

/// The voxels of a planned series in modality units.
Image load_series(const SeriesPlan& plan, Run& run);

/// "CT", "MR" or "PT" by the values alone: air at -1000 says CT, zero-bounded fractions below 100 say PT, else MR.
std::string guess_modality(const Image& image);

}  // namespace gantry::analysis
