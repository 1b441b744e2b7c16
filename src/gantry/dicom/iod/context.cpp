// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/iod/context.h"

#include <unordered_set>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/dicom/dictionary.h"
#include "gantry/dicom/iod/write.h"

namespace gantry::dicom {

namespace {

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

/// "042Y" for "42Y" and "42y", else empty.
std::string valid_age(std::string text) {
  text = std::string(trim(text));
  if (text.size() < 2 || text.size() > 4) return {};
  char unit = text.back();
  if (unit >= 'a' && unit <= 'z') unit = static_cast<char>(unit - 'a' + 'A');
  const auto number = parse_integer(std::string_view(text).substr(0, text.size() - 1));
  if (!number || *number < 0 || std::string_view("DWMY").find(unit) == std::string_view::npos) return {};
  return fmt::format("{:03}{}", *number, unit);
}

/// Each of the values of a textual attribute that fits its value representation; the others are clipped or, where a part says nothing,
/// left out.
std::string valid_value(std::string_view vr, const std::string& text) {
  if (vr == "DA") return valid_date(text);
  if (vr == "TM") return valid_time(text);
  if (vr == "AS") return valid_age(text);
  std::vector<std::string> values;
  for (const std::string& part : split(text, '\\')) {
    std::string value(trim(part));
    if (vr == "SH") value = single_value(value, 16);
    if (vr == "LO") value = single_value(value, 64);
    if (vr == "PN") value = single_value(value, 192);
    if (vr == "CS" && (value.size() > 16 || value.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _") != std::string::npos))
      value.clear();
    if (vr == "DS" || vr == "IS") {
      const auto number = parse_double(value);
      value = !number || !std::isfinite(*number) ? "" : vr == "DS" ? decimal_string(*number) : fmt::format("{}", std::llround(*number));
    }
    values.push_back(std::move(value));
  }
  return join(values, "\\");
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

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string valid_text(const Header& header, std::string_view path) {
  const std::string value = to_valid_utf8(text_of(header, path));
  const DictionaryEntry* entry = dictionary_entry(path.substr(path.rfind('.') + 1));
  return entry ? valid_value(entry->vr, value) : value;
}

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

void set_laterality(Draft& object) {
  constexpr std::string_view without_sides[] = {"ABDOMEN",  "ABDOMENPELVIS", "AORTA", "BLADDER", "BRAIN",    "CHEST", "CHESTABDOMEN",
                                                "CSPINE",   "HEAD",          "HEART", "LIVER",   "LSPINE",   "NECK",  "PELVIS",
                                                "PROSTATE", "SKULL",         "SPINE", "TSPINE",  "WHOLEBODY"};
  const std::string part = object.text("BodyPartExamined");
  if (std::find(std::begin(without_sides), std::end(without_sides), part) == std::end(without_sides)) {
    object.set_default("Laterality", "");
  }
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
    object.set(keyword, valid_text(header, keyword));
  }
  for (const char* keyword : {"IssuerOfPatientID", "PatientAge", "PatientSize", "PatientWeight", "PatientIdentityRemoved",
                              "DeidentificationMethod", "StudyDescription", "TimezoneOffsetFromUTC", "BodyPartExamined"}) {
    if (const std::string value = valid_text(header, keyword); !value.empty()) object.set(keyword, value);
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
