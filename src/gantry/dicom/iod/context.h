// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gantry/dicom/iod/draft.h"
#include "gantry/dicom/study.h"

namespace gantry::dicom {

/// What tells one kind of derived object from another.
struct DerivedKind {
  std::string_view name;  ///< enters the UIDs: "segmentation", "report", "picture"
  std::string_view sop_class_uid;
  std::string_view modality;  ///< of the new series
  int series_number_step;     ///< its series number is 100 x the source's + this
  std::string_view series_description;
};

/// SOP classes of segmentations: one bit a voxel (or a fraction) for each segment, and one label a voxel.
constexpr std::string_view segmentation_class = "1.2.840.10008.5.1.4.1.1.66.4", label_map_class = "1.2.840.10008.5.1.4.1.1.66.7";

/// Date (DA) and time (TM) of the newest source instance: of its content, else its acquisition, series or study; 1970-01-01 when it
/// states none, because derived objects need one.
struct Moment {
  std::string date, time;
};
Moment newest_moment(const Series& source);

/// UID of the series that holds the objects of a kind derived from `source`.
std::string derived_series_uid(const Series& source, std::string_view kind_name);

/// Whether a text consists of digits, at least one.
bool all_digits(std::string_view text);

/// The text of an attribute in a form that its value representation allows: too long text is clipped; a malformed date, age, code or
/// number is left out; empty when there is none.
std::string valid_text(const Header& header, std::string_view path);

/// The modules that every derived object has: patient and study of the source, a series and equipment of its own, SOP common, dates of
/// the newest source instance. Error(parameter) when `source` has no instances or no study.
void set_derived_context(Draft& object, const Series& source, const DerivedKind& kind, const std::string& sop_instance_uid,
                         int instance_number);

/// Sets an empty Laterality, which PS3.3 C.7.3.1 asks for unless BodyPartExamined names a part that has no sides.
void set_laterality(Draft& object);

/// The series' instances, each SOP instance once (a multi-frame file stands in `Series` once a frame).
std::vector<const Instance*> distinct_instances(const Series& source);

/// Appends to the sequence at `path` an item that refers to one SOP instance, and returns it.
Draft& add_reference(Draft& object, std::string_view path, std::string_view sop_class_uid, std::string_view sop_instance_uid);

}  // namespace gantry::dicom
