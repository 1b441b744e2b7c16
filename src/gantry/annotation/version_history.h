// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/description.h"
#include "gantry/operation/dicom_port.h"

namespace gantry {

/// DICOM segmentations as versions of annotations: who made each, and what it changed. Reference page: annotation.versions.
struct AnnotationVersions {
  struct Result {
    /// {"annotations": as describe_annotations, "other": [{"file", "reason"}]}
    Json history;
    Table table;  ///< annotation, version, former, author, time, segment, dice, volume_ml, added_ml, removed_ml; one row a segment
    std::optional<Image> figure;  ///< the plane with the most changes of up to six versions; none when nothing was compared
  };
  /// With `image` its slices lie behind the figure. Throws Error(not_possible) when no file is a segmentation that can be read.
  Result operator()(const DicomFiles& objects, const Image* image, Run& run) const;
  static void describe(Description<AnnotationVersions>& d);
};

}  // namespace gantry
