// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <vector>

#include "gantry/dicom/study.h"
#include "gantry/image/finding.h"
#include "gantry/image/labels.h"
#include "gantry/report/document.h"

namespace gantry::analysis {

/// One statement about image quality or protocol.
struct QualityItem {
  std::string id;  ///< "noise", "slice_spacing", "lung_coverage"
  Words name;
  std::optional<double> value;
  std::string unit;
  enum class Verdict { good, limited, poor } verdict = Verdict::good;
  Words reason;  ///< what it means for the results; empty when good
};

/// One structure outlined on the series' own grid.
struct Segment {
  std::string id;  ///< of the table of structures; `lung_nodule.3` for the third nodule
  int label_value = 0;
  double volume_ml = 0;
  bool incomplete = false;  ///< cut off by the field of view: a lower bound
  std::string method;
  std::vector<int> includes;  ///< further label values that are part of it: nodules of a lung, everything of the body
};

/// What a profile's methods found in one series. Image processing fills this; files, tables and reports are made of it.
struct SeriesResult {
  std::vector<Finding> findings;
  std::vector<Segment> segments;
  Labels labels;  ///< all segments in one label image on the series' grid (later rows win where they overlap)
  std::vector<QualityItem> quality;
  std::vector<std::string> warnings, models;    ///< `models`: the trained ones that took part, name@version sha256:...
  std::vector<ReportDocument::Glance> glances;  ///< `images` count within this result's own key images, 1-based
  std::vector<ReportDocument::KeyImage> images;
  std::vector<ReportDocument::Measurements> tables;
  std::vector<ReportDocument::Chart> charts;
  std::vector<ReportDocument::Fact> facts;  ///< contrast phase, coverage, quality: at most four
  std::vector<Words> not_analysed, certainty, methods, references;
};

/// What a profile's methods are given: one series with its voxels, and companions (the CT of a PET).
struct SeriesInput {
  const dicom::Series* series = nullptr;  ///< a synthetic one for NIfTI input: header empty
  Image image;                            ///< modality units, the series' own grid
  std::string modality;
  std::vector<SeriesInput> companions;
};

}  // namespace gantry::analysis
