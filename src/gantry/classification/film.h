// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>
#include <string>

#include "gantry/base/run.h"
#include "gantry/dicom/study.h"
#include "gantry/learning/picture_model.h"

namespace gantry::classification {

/// The age at the study in years: PatientAge (DICOM AS: 003Y, 030M, 100W, 400D), else from PatientBirthDate and StudyDate. Nothing when
/// neither is stated in its form.
std::optional<double> age_years(const dicom::Header& header);

/// Why a model must not speak of an image, from the `description.scope` of its manifest (docs/reference/bundle.md) and the image's header;
/// empty when it may. What the scope asks for and the header does not state is a reason too: `modalities` by Modality, `body_parts` by
/// BodyPartExamined, else by words of the descriptions, `views` by ViewPosition, `age_years` [first, last] by completed years. A scope that
/// is empty gives a reason: nothing is known to be in it.
std::string out_of_scope(const Json& scope, const dicom::Header& header);

/// Throws Error(not_possible) `model NAME: reason` when `out_of_scope` gives a reason.
void require_scope(const bundle::Bundle& bundle, const dicom::Header& header);

/// A grey DICOM image as a person sees it: u8, the window of the header, else from its 0.5 to its 99.5 percentile, MONOCHROME1 inverted.
/// Colour of 8 bits stays as it is. Throws Error(refused) for several frames or slices, for complex values, and for an image without two
/// different finite values.
Image film_picture(const dicom::Header& header, const Image& image);

/// The picture with the answer's explanation laid over it: what spoke most for the given class is yellow, what spoke least is left as it
/// is. `width_px` wide. Without an explanation the picture alone.
Image explanation_figure(const Image& picture, const learning::PictureAnswer& answer, const learning::PictureInput& input, int width_px,
                         const Run& run);

}  // namespace gantry::classification
