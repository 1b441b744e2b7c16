// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>
#include <string>

#include "gantry/base/files.h"
#include "gantry/base/json.h"
#include "gantry/base/run.h"
#include "gantry/learning/scores.h"
#include "gantry/report/document.h"

namespace gantry::report {

/// How good a trained classifier is on a part of a data set: figures with their intervals, ROC curve with DeLong's interval (two classes),
/// reliability with Wilson's intervals, confusion at the greatest probability, course of the training. `manifest` is the bundle's,
/// `figures` what `learning::to_json` makes of the scores. Throws Json::exception for a manifest without a training record.
ReportDocument classifier_report(const Json& manifest, const std::string& bundle_id, const std::string& part, const Json& figures,
                                 const learning::Table& probabilities, std::span<const int> labels);

/// How good a trained segmenter is: Dice of each structure with its interval, Dice of each case in falling order, course of the training.
/// `figures` is what `learning::score_segmentations` gives.
ReportDocument segmenter_report(const Json& manifest, const std::string& bundle_id, const std::string& part, const Json& figures);

/// Throws Error(usage) when the folder is there and holds anything but such a report.
void check_report_folder(const Path& folder);

/// Writes `report.html`, `report.pdf` and each chart as `figures/NAME.png` into a folder, exchanged as a whole. `language` is en or zh.
/// Throws as `check_report_folder` does.
void write_training_report(const ReportDocument& document, const Path& folder, std::string_view language, Run& run);

}  // namespace gantry::report
