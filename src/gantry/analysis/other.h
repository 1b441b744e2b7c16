// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/analysis/methods.h"

namespace gantry::analysis {

/// What a DICOM modality is called: "ultrasound"; "an image of another kind" where it has no name here.
const Words& modality_name(std::string_view code);

/// How the pixels of an image are spread over the range they may have.
struct PixelUse {
  double minimum = 0, maximum = 0;
  double at_minimum_percent = 0, at_maximum_percent = 0;  ///< pixels that equal the least and the greatest value
  bool constant = false;
};
PixelUse pixel_use(const Image& image);

/// Size of a pixel as the header states it, and what it refers to.
struct PixelCalibration {
  double row_mm = 0, column_mm = 0;  ///< distance of rows (down) and of columns (right)
  Words plane;                       ///< "in the patient", "at the detector: lengths in the patient are shorter", ...
  bool in_patient = false;
};
/// PixelSpacing, ImagerPixelSpacing, NominalScannedPixelSpacing or the first ultrasound region in centimetres; nothing when none is stated.
std::optional<PixelCalibration> pixel_calibration(const dicom::Header& header, std::string_view modality);

/// The method `other`: ultrasound, radiographs, mammograms, nuclear medicine, angiography and whatever has no profile of its own. Checks
/// protocol and pixels, measures what the header's calibration allows (field of view, frame rate, exposure index, counts), shows the
/// image, and states plainly that its content was not analysed.
SeriesResult analyze_other(const SeriesInput& input, const Profile& profile, Run& run);

}  // namespace gantry::analysis
