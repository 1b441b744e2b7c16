// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gantry/base/json.h"
#include "gantry/base/run.h"
#include "gantry/dicom/iod/read_segmentation.h"

namespace gantry {

/// A segmentation on its way into a list of versions.
struct AnnotationObject {
  dicom::Segmentation about;
  std::string stored_by;                ///< who brought it: an account or an AE title; may be empty
  std::optional<std::int64_t> arrived;  ///< seconds since 1970
  /// Opens it for its pixels. Errors: those of dicom::read_header.
  std::function<std::shared_ptr<const dicom::Header::Data>()> open;

  /// Content Creator's Name, else who stored it.
  const std::string& author() const { return about.creator.empty() ? stored_by : about.creator; }
};

/// One version: which object, and out of which version (0-based) it was made.
struct AnnotationVersion {
  std::size_t object = 0;
  std::optional<std::size_t> former;
};
/// Versions of one annotation, the oldest first.
using Annotation = std::vector<AnnotationVersion>;

/// Which segmentations are versions of one another, by what DICOM itself says: of the same study, and one names the other as its
/// predecessor, or both refer to a common source series and at least half of the segments of the smaller one are in the other, too: by
/// tracking UID, else by label ("Segment 1" and its like count within one series alone), else by a code that says more than "tissue"
/// where a label says nothing. Versions are in the order of content date and time (of arrival where there is none), but none comes before
/// its predecessor; the former of a version is the object that it names, else the version before it. Annotations follow by their first
/// versions. Cost: the square of the number of objects, at most 10,000 (Error(refused) above).
std::vector<Annotation> annotations_of(std::span<const AnnotationObject> objects);

/// What became of one segment.
struct SegmentChange {
  int former_number = 0, number = 0;  ///< 0 = the segment is not in that version
  std::string label;
  std::int64_t kept = 0, added = 0, removed = 0;  ///< voxels

  /// 2 kept / (2 kept + added + removed); 1 when the segment is empty in both.
  double dice() const;
};
/// From one version to another, segment by segment, and the plane where most changed.
struct VersionChange {
  std::string reason;  ///< why they cannot be compared; empty = they were
  std::vector<SegmentChange> segments;
  double voxel_ml = 0;  ///< volume of a voxel; 0 = the objects do not say
  /// Of the plane with the most changed voxels (the largest, when none changed): 0 = nothing, 1 = kept, 2 = added, 3 = removed.
  std::int64_t rows = 0, columns = 0;
  std::vector<std::uint8_t> plane;
  Vec3 origin_mm, row_step_mm, column_step_mm;  ///< world place of its first pixel, and from pixel to pixel along a row and a column
};
/// Compares voxel by voxel without resampling, one plane after another; without `former` everything is added. Never throws for a bad
/// object or for other rasters: `reason` says what is wrong. Cancellation throws.
VersionChange compare_versions(const AnnotationObject* former, const AnnotationObject& later, Run& run);

/// Who made it: {"kind": "manual" | "semiautomatic" | "automatic" | "mixed" | "unknown", "names": [algorithm names]}.
Json origin_of(const dicom::Segmentation& segmentation);
/// {"comparable", "reason", "segments": [{"label", "number", "former_number", "dice", "volume_ml", "former_volume_ml", "added_ml",
/// "removed_ml"}]}; volumes are null where a voxel's is not known, dice where there was no former version.
Json to_json(const VersionChange& change, bool with_former);

/// Gives the change from a version (null: from nothing) to another; it may remember.
using VersionComparison =
    std::function<std::shared_ptr<const VersionChange>(const AnnotationObject* former, const AnnotationObject& later)>;
/// [{"source_series_uids", "versions": [{"version", "sop_instance_uid", "series_uid", "series_description", "author", "stored_by",
/// "content_time", "arrived", "origin", "former" (number or null), "change"}], "agreement": [{"first", "second", "first_version",
/// "second_version", "comparable", "reason", "segments"}]}]. `agreement` holds each pair of the first eight authors with their latest
/// versions.
Json describe_annotations(std::span<const AnnotationObject> objects, std::span<const Annotation> annotations,
                          const VersionComparison& compare);

}  // namespace gantry
