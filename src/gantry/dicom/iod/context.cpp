// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/iod/context.h"

#include <unordered_set>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/dicom/iod/write.h"

namespace gantry::dicom {

namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// A date as PS3.5 wants it (old files write 2004.01.19), else empty.
std::string valid_date(std::string text) {
  text = replace_all(std::string(trim(text)), ".", "");
  return text.size() == 8 && all_digits(text) ? text : std::string();
}

/// A time as PS3.5 wants it (old files write 10:15:00), else empty.
std::string valid_time(std::string text) {
  text = replace_all(std::string(trim(text)), ":", "");
  const std::string whole = text.substr(0, text.find('.'));
  const std::string fraction = text.size() > whole.size() ? text.substr(whole.size() + 1) : "";
  if (!all_digits(whole) || whole.size() > 6 || whole.size() % 2 || fraction.size() > 6) return {};
  if (!fraction.empty() && (!all_digits(fraction) || whole.size() != 6)) return {};
  return fraction.empty() ? whole : text;
}

std::string text_of(const Header& header, std::string_view keyword) {
  if (header.empty()) return {};
  return std::string(trim(header.text(keyword).value_or("")));
}

/// Copies an attribute; a date or time that is malformed becomes empty.
void copy(Draft& object, const Header& header, std::string_view keyword, bool also_when_empty) {
  std::string value = to_valid_utf8(text_of(header, keyword));
  if (keyword.ends_with("Date")) value = valid_date(value);
  if (keyword.ends_with("Time")) value = valid_time(value);
  if (also_when_empty || !value.empty()) object.set(keyword, value);
}

Moment moment_of(const Header& header) {
  for (const char* kind : {"Content", "Acquisition", "Series", "Study"}) {
    const std::string name = kind;
    const std::string date = valid_date(text_of(header, name + "Date"));
    if (date.empty()) continue;
    const std::string time = valid_time(text_of(header, name + "Time"));
    return {date, time.empty() ? "000000" : time};
  }
  return {};
}

}  // namespace

Moment newest_moment(const Series& source) {
  Moment newest;
  for (const Instance* instance : distinct_instances(source)) {
    const Moment moment = moment_of(instance->header.empty() ? source.header : instance->header);
    if (std::tie(moment.date, moment.time) > std::tie(newest.date, newest.time)) newest = moment;
  }
  return newest.date.empty() ? Moment{"19700101", "000000"} : newest;
}

std::string object_uid(const Series& source, std::string_view kind, std::string_view content) {
  return derived_uid(fmt::format("gantry {}/{}/{}/{}/{}", version(), source.study_uid, source.series_uid, kind, content));
}

std::string derived_series_uid(const Series& source, std::string_view kind_name) {
  return object_uid(source, std::string(kind_name) + " series", "");
}

std::vector<const Instance*> distinct_instances(const Series& source) {
  std::vector<const Instance*> result;
  std::unordered_set<std::string_view> seen;
  for (const Instance& instance : source.instances) {
    if (seen.insert(instance.sop_instance_uid).second) result.push_back(&instance);
  }
  return result;
}

Draft& add_reference(Draft& object, std::string_view path, std::string_view sop_class_uid, std::string_view sop_instance_uid) {
  Draft& item = object.add_item(path);
  item.set("ReferencedSOPClassUID", sop_class_uid);
  item.set("ReferencedSOPInstanceUID", sop_instance_uid);
  return item;
}

void set_derived_context(Draft& object, const Series& source, const DerivedKind& kind, const std::string& sop_instance_uid,
                         int instance_number) {
  if (source.instances.empty() || source.study_uid.empty() || source.series_uid.empty())
    throw Error(ErrorCode::parameter, "source series: must come from DICOM to have DICOM results");
  const Header& header = source.header;
  object.set("SpecificCharacterSet", "ISO_IR 192");
  for (const char* keyword : {"PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
                              "ReferringPhysicianName", "StudyID", "AccessionNumber"}) {
    copy(object, header, keyword, true);
  }
  for (const char* keyword : {"IssuerOfPatientID", "PatientAge", "PatientSize", "PatientWeight", "PatientIdentityRemoved",
                              "DeidentificationMethod", "StudyDescription", "TimezoneOffsetFromUTC", "BodyPartExamined"}) {
    copy(object, header, keyword, false);
  }
  object.set("StudyInstanceUID", source.study_uid);

  const Moment moment = newest_moment(source);
  for (const char* name : {"Series", "Content"}) {
    object.set(std::string(name) + "Date", moment.date);
    object.set(std::string(name) + "Time", moment.time);
  }
  object.set("Modality", kind.modality);
  object.set("SeriesInstanceUID", derived_series_uid(source, kind.name));
  const int base = source.number >= 0 && source.number < 10'000'000 ? source.number : 0;
  object.set("SeriesNumber", base * 100 + kind.series_number_step);
  object.set("SeriesDescription", kind.series_description);
  object.set("InstanceNumber", instance_number);

  object.set("Manufacturer", "Gantry");
  object.set("ManufacturerModelName", "Gantry");
  object.set("DeviceSerialNumber", "1");
  object.set("SoftwareVersions", version());
  object.set("SOPClassUID", kind.sop_class_uid);
  object.set("SOPInstanceUID", sop_instance_uid);
}

}  // namespace gantry::dicom
