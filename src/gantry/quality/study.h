// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"

namespace gantry {

/// What kind of image it is: decides which values are an object, and which measures mean something.
enum class QualityModality { other, ct, mr, pet };
constexpr std::array<std::pair<QualityModality, std::string_view>, 4> choices_of(QualityModality) {
  return {{{QualityModality::other, "other"}, {QualityModality::ct, "ct"}, {QualityModality::mr, "mr"}, {QualityModality::pet, "pet"}}};
}

/// How good an image is without a reference: noise, contrast, sharpness, ghosts, moved, missing and uneven slices, clipping, truncation.
/// Reference page: quality.study.
struct StudyQuality {
  QualityModality modality = QualityModality::other;

  struct Result {
    /// {"object": {"threshold", "voxels"}, "measures": {ID: {"value", "unit", "reason"}}}: value is null where it cannot be measured in
    /// this image, and reason says why.
    Json result;
    Table table;   ///< measure, value, unit, reason
    Table slices;  ///< slice, position_mm, voxels, mean, shift_mm: of the object
    Image figure;  ///< RGB: the mean of the object from slice to slice
  };
  /// Throws Error(not_possible) for colour, several frames, an image without a finite value, or one without an object (all values equal, or
  /// for CT none above -300 HU).
  Result operator()(const Image& image, Run& run) const;
  Cost cost(const Image& image) const;
  static void describe(Description<StudyQuality>& d);
};

}  // namespace gantry
