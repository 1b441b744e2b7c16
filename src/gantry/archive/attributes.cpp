// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/attributes.h"

#include <fmt/format.h>
#include <unicode/unistr.h>

#include <array>

#include "gantry/base/error.h"
#include "gantry/base/text.h"

namespace gantry::archive {

namespace {

struct Row {
  Level level;
  std::string_view keyword;
};

constexpr std::array from_objects{
    Row{Level::patient, "PatientName"},
    Row{Level::patient, "PatientID"},
    Row{Level::patient, "IssuerOfPatientID"},
    Row{Level::patient, "PatientBirthDate"},
    Row{Level::patient, "PatientBirthTime"},
    Row{Level::patient, "PatientSex"},
    Row{Level::patient, "OtherPatientIDs"},
    Row{Level::patient, "EthnicGroup"},
    Row{Level::patient, "PatientComments"},
    Row{Level::study, "StudyDate"},
    Row{Level::study, "StudyTime"},
    Row{Level::study, "AccessionNumber"},
    Row{Level::study, "ReferringPhysicianName"},
    Row{Level::study, "StudyDescription"},
    Row{Level::study, "NameOfPhysiciansReadingStudy"},
    Row{Level::study, "AdmittingDiagnosesDescription"},
    Row{Level::study, "PatientAge"},
    Row{Level::study, "PatientSize"},
    Row{Level::study, "PatientWeight"},
    Row{Level::study, "TimezoneOffsetFromUTC"},
    Row{Level::study, "StudyInstanceUID"},
    Row{Level::study, "StudyID"},
    Row{Level::series, "SeriesDate"},
    Row{Level::series, "SeriesTime"},
    Row{Level::series, "Modality"},
    Row{Level::series, "Manufacturer"},
    Row{Level::series, "InstitutionName"},
    Row{Level::series, "StationName"},
    Row{Level::series, "SeriesDescription"},
    Row{Level::series, "InstitutionalDepartmentName"},
    Row{Level::series, "PerformingPhysicianName"},
    Row{Level::series, "OperatorsName"},
    Row{Level::series, "ManufacturerModelName"},
    Row{Level::series, "BodyPartExamined"},
    Row{Level::series, "ProtocolName"},
    Row{Level::series, "SeriesInstanceUID"},
    Row{Level::series, "SeriesNumber"},
    Row{Level::series, "FrameOfReferenceUID"},
    Row{Level::series, "Laterality"},
    Row{Level::series, "PerformedProcedureStepStartDate"},
    Row{Level::series, "PerformedProcedureStepStartTime"},
    Row{Level::series, "PerformedProcedureStepID"},
    Row{Level::series, "PerformedProcedureStepDescription"},
    Row{Level::instance, "ImageType"},
    Row{Level::instance, "SOPClassUID"},
    Row{Level::instance, "SOPInstanceUID"},
    Row{Level::instance, "AcquisitionDate"},
    Row{Level::instance, "ContentDate"},
    Row{Level::instance, "AcquisitionTime"},
    Row{Level::instance, "ContentTime"},
    Row{Level::instance, "AcquisitionNumber"},
    Row{Level::instance, "InstanceNumber"},
    Row{Level::instance, "NumberOfFrames"},
    Row{Level::instance, "Rows"},
    Row{Level::instance, "Columns"},
    Row{Level::instance, "BitsAllocated"},
};

constexpr std::array of_the_index{
    Row{Level::patient, "NumberOfPatientRelatedStudies"},
    Row{Level::patient, "NumberOfPatientRelatedSeries"},
    Row{Level::patient, "NumberOfPatientRelatedInstances"},
    Row{Level::study, "ModalitiesInStudy"},
    Row{Level::study, "SOPClassesInStudy"},
    Row{Level::study, "NumberOfStudyRelatedSeries"},
    Row{Level::study, "NumberOfStudyRelatedInstances"},
    Row{Level::series, "NumberOfSeriesRelatedInstances"},
    Row{Level::instance, "AvailableTransferSyntaxUID"},
};

std::string without(std::string text, char separator) {
  std::erase(text, separator);
  return text;
}

}  // namespace

const std::vector<IndexedAttribute>& indexed_attributes() {
  static const std::vector<IndexedAttribute> all = [] {
    std::vector<IndexedAttribute> list;
    const auto add = [&](const Row& row, bool computed) {
      const dicom::DictionaryEntry* entry = dicom::dictionary_entry(row.keyword);
      if (!entry) throw Error(ErrorCode::internal, fmt::format("dictionary: must know {}", row.keyword));
      list.push_back({entry->tag, entry->keyword, entry->vr, row.level, computed});
    };
    for (const Row& row : from_objects) add(row, false);
    for (const Row& row : of_the_index) add(row, true);
    std::sort(list.begin(), list.end(),
              [](const IndexedAttribute& a, const IndexedAttribute& b) { return a.level != b.level ? a.level < b.level : a.tag < b.tag; });
    return list;
  }();
  return all;
}

const IndexedAttribute* indexed_attribute(dicom::Tag tag) {
  for (const IndexedAttribute& attribute : indexed_attributes()) {
    if (attribute.tag == tag) return &attribute;
  }
  return nullptr;
}

std::optional<std::string> indexed_value(const dicom::DataSet& set, const IndexedAttribute& attribute) {
  const dicom::Element* element = set.find(attribute.tag);
  if (!element) return std::nullopt;
  // No key is as long as this; what is longer is no use in a list and would only make the index grow.
  constexpr std::size_t most = 10240;
  std::string text = element->length == 0 || element->length > most ? std::string() : set.text_of(*element);
  if (attribute.vr == "DA") return without(std::move(text), '.');
  if (attribute.vr == "TM") return without(std::move(text), ':');
  return replace_all(std::move(text), std::string_view("\0", 1), "");
}

std::string folded_name(std::string_view name) {
  std::string folded;
  icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), static_cast<std::int32_t>(name.size()))).foldCase().toUTF8String(folded);
  std::vector<std::string> groups = split(folded, '=');
  for (std::string& group : groups) {
    while (!group.empty() && (group.back() == '^' || group.back() == ' ')) group.pop_back();
  }
  return join(groups, "=");
}

Json to_json(const Attributes& attributes) {
  Json json = Json::object();
  for (const auto& [tag, text] : attributes) {
    const dicom::DictionaryEntry* entry = dicom::dictionary_entry(tag);
    const std::string vr(entry ? entry->vr == "XS" ? "US" : entry->vr : "UN");
    Json values = Json::array();
    const bool whole = vr == "IS" || vr == "US" || vr == "UL";
    const bool one_value = vr == "LT" || vr == "ST" || vr == "UT";
    if (!text.empty()) {
      for (const std::string& value : one_value ? std::vector<std::string>{text} : split(text, '\\')) {
        if (value.empty()) {
          values.push_back(nullptr);
        } else if (vr == "PN") {
          static constexpr std::array<const char*, 3> groups{"Alphabetic", "Ideographic", "Phonetic"};
          const std::vector<std::string> parts = split(value, '=');
          Json name = Json::object();
          for (std::size_t n = 0; n < std::min(parts.size(), groups.size()); ++n) {
            if (!parts[n].empty()) name[groups[n]] = parts[n];
          }
          values.push_back(std::move(name));
        } else if (const auto number = whole ? parse_integer(value) : std::nullopt) {
          values.push_back(*number);
        } else if (const auto decimal = vr == "DS" ? parse_double(value) : std::nullopt) {
          values.push_back(*decimal);
        } else {
          values.push_back(value);
        }
      }
    }
    Json& element = json[fmt::format("{:08X}", tag)];
    element["vr"] = vr;
    if (!values.empty()) element["Value"] = std::move(values);
  }
  return json;
}

}  // namespace gantry::archive
