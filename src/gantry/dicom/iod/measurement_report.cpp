// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <set>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/dicom/iod/context.h"
#include "gantry/dicom/iod/draft.h"
#include "gantry/dicom/iod/write.h"
#include "gantry/image/structures.h"

namespace gantry::dicom {

namespace {

constexpr DerivedKind report_kind{"report", "1.2.840.10008.5.1.4.1.1.88.34", "SR", 2, "Gantry measurements"};

Code dcm(std::string_view value, std::string_view meaning) { return {"DCM", std::string(value), std::string(meaning)}; }
Code sct(std::string_view value, std::string_view meaning) { return {"SCT", std::string(value), std::string(meaning)}; }

/// Units as Gantry writes them, their UCUM code and meaning (PS3.16 CID 82 style).
struct Unit {
  std::string_view text, ucum, meaning;
};
constexpr Unit units[] = {
    {"1", "1", "no units"},
    {"", "1", "no units"},
    {"%", "%", "percent"},
    {"HU", "[hnsf'U]", "Hounsfield unit"},
    {"[hnsf'U]", "[hnsf'U]", "Hounsfield unit"},
    {"mm", "mm", "millimeter"},
    {"cm", "cm", "centimeter"},
    {"mm2", "mm2", "square millimeter"},
    {"cm2", "cm2", "square centimeter"},
    {"mm3", "mm3", "cubic millimeter"},
    {"cm3", "cm3", "cubic centimeter"},
    {"mL", "ml", "milliliter"},
    {"ml", "ml", "milliliter"},
    {"L", "l", "liter"},
    {"g", "g", "gram"},
    {"mg", "mg", "milligram"},
    {"g/mL", "g/ml", "gram per milliliter"},
    {"g/ml", "g/ml", "gram per milliliter"},
    {"{SUVbw}g/ml", "{SUVbw}g/ml", "Standardized Uptake Value body weight"},
    {"{SUVlbm}g/ml", "{SUVlbm}g/ml", "Standardized Uptake Value lean body mass"},
    {"{SUVbsa}cm2/ml", "{SUVbsa}cm2/ml", "Standardized Uptake Value body surface area"},
    {"Bq/mL", "Bq/ml", "Becquerels/milliliter"},
    {"Bq/ml", "Bq/ml", "Becquerels/milliliter"},
    {"deg", "deg", "degree"},
    {"s", "s", "second"},
    {"ms", "ms", "millisecond"},
};

Code unit_code(const std::string& text) {
  for (const Unit& unit : units) {
    if (unit.text == text) return {"UCUM", std::string(unit.ucum), std::string(unit.meaning)};
  }
  return {"UCUM", text, text};
}

Draft content_item(const char* relationship, const char* type, const Code& name) {
  Draft item;
  item.set("RelationshipType", relationship);
  item.set("ValueType", type);
  if (!name.value.empty()) item.set_code("ConceptNameCodeSequence", name);
  return item;
}

Draft text_item(const char* relationship, const Code& name, std::string_view text) {
  Draft item = content_item(relationship, "TEXT", name);
  item.set("TextValue", replace_all(to_valid_utf8(text), "\\", "/"));
  return item;
}

Draft code_item(const char* relationship, const Code& name, const Code& value) {
  Draft item = content_item(relationship, "CODE", name);
  item.set_code("ConceptCodeSequence", value);
  return item;
}

Draft uid_item(const char* relationship, const Code& name, const std::string& uid) {
  Draft item = content_item(relationship, "UIDREF", name);
  item.set("UID", uid);
  return item;
}

Draft number_item(const char* relationship, const Code& name, double value, const Code& unit) {
  Draft item = content_item(relationship, "NUM", name);
  Draft& measured = item.add_item("MeasuredValueSequence");
  const std::string text = decimal_string(value);
  measured.set("NumericValue", text);
  if (parse_double(text) != value) measured.set("FloatingPointValue", value);
  measured.set_code("MeasurementUnitsCodeSequence", unit);
  return item;
}

Draft container_item(const Code& name, const char* template_id) {
  Draft item = content_item("CONTAINS", "CONTAINER", name);
  item.set("ContinuityOfContent", "SEPARATE");
  if (template_id) {
    Draft& used = item.add_item("ContentTemplateSequence");
    used.set("MappingResource", "DCMR");
    used.set("TemplateIdentifier", template_id);
  }
  return item;
}

void add(Draft& parent, Draft child) { parent.add_item("ContentSequence", std::move(child)); }

Code language_code(const std::string& language) {
  return {"RFC5646", language, language.starts_with("zh") ? "Chinese" : language.starts_with("en") ? "English" : language};
}

/// CID 100 "Quantitative Diagnostic Imaging Procedure" and its parents.
Code procedure_code(const std::string& modality) {
  if (modality == "CT") return sct("77477000", "Computed tomography");
  if (modality == "MR") return sct("113091000", "Magnetic resonance imaging");
  if (modality == "PT") return sct("82918005", "Positron emission tomography");
  return sct("363679005", "Imaging procedure");
}

Code modality_code(const std::string& modality) {
  const std::string_view meaning = modality == "CT"   ? "Computed Tomography"
                                   : modality == "MR" ? "Magnetic Resonance"
                                   : modality == "PT" ? "Positron emission tomography"
                                                      : std::string_view(modality);
  return dcm(modality, meaning);
}

const Structure* structure_of(const std::string& segment) {
  const std::string_view family = std::string_view(segment).substr(0, segment.find('.'));
  for (const Structure& row : structures()) {
    if (row.id == family) return &row;
  }
  return nullptr;
}

/// Where a structure lies: an organ is its own site, a lesion lies in its organ.
std::optional<Code> site_of(const Structure& row) {
  struct Site {
    std::string_view id, value, meaning;
  };
  constexpr Site sites[] = {{"lung_nodule", "39607008", "Lung"},   {"emphysema", "39607008", "Lung"},
                            {"brain_tumor", "12738006", "Brain"},  {"coronary_calcification", "41801008", "Coronary artery"},
                            {"liver_lesion", "10200004", "Liver"}, {"kidney_lesion", "64033007", "Kidney"}};
  for (const Site& site : sites) {
    if (site.id == row.id) return sct(site.value, site.meaning);
  }
  if (row.category == "49755003" || row.category == "105590001") return std::nullopt;
  return code_of(row);
}

Code concept_of(const Finding& finding) {
  if (!finding.code.value.empty()) return finding.code;
  const std::size_t dot = finding.id.rfind('.');
  return {"99GANTRY", dot == std::string::npos ? finding.id : finding.id.substr(dot + 1), finding.name.empty() ? finding.id : finding.name};
}

/// Language, observer (the device) and procedure: TID 1204, 1001 and the report's own row.
void add_context(Draft& root, const Series& source, const std::string& language) {
  add(root, code_item("HAS CONCEPT MOD", dcm("121049", "Language of Content Item and Descendants"), language_code(language)));
  add(root, code_item("HAS OBS CONTEXT", dcm("121005", "Observer Type"), dcm("121007", "Device")));
  add(root, uid_item("HAS OBS CONTEXT", dcm("121012", "Device Observer UID"), derived_uid(fmt::format("gantry {}", version()))));
  add(root, text_item("HAS OBS CONTEXT", dcm("121013", "Device Observer Name"), "Gantry"));
  add(root, text_item("HAS OBS CONTEXT", dcm("121014", "Device Observer Manufacturer"), "Gantry"));
  add(root, text_item("HAS OBS CONTEXT", dcm("121015", "Device Observer Model Name"), fmt::format("Gantry {}", version())));
  add(root, code_item("HAS CONCEPT MOD", dcm("121058", "Procedure reported"), procedure_code(source.modality)));
}

/// TID 1600: the images that were measured.
Draft image_library(const Series& source) {
  Draft library = container_item(dcm("111028", "Image Library"), "1600");
  Draft group = container_item(dcm("126200", "Image Library Group"), nullptr);
  if (!source.modality.empty()) add(group, code_item("HAS ACQ CONTEXT", dcm("121139", "Modality"), modality_code(source.modality)));
  if (!source.frame_of_reference_uid.empty())
    add(group, uid_item("HAS ACQ CONTEXT", dcm("112227", "Frame of Reference UID"), source.frame_of_reference_uid));
  for (const Instance* instance : distinct_instances(source)) {
    Draft image = content_item("CONTAINS", "IMAGE", {});
    add_reference(image, "ReferencedSOPSequence", instance->sop_class_uid, instance->sop_instance_uid);
    add(group, std::move(image));
  }
  add(library, std::move(group));
  return library;
}

/// TID 1419: one number with its method (TID 4019) and its interval (TID 310).
Draft measurement_item(const Finding& finding) {
  const Code unit = unit_code(finding.unit);
  Draft item = number_item("CONTAINS", concept_of(finding), *finding.value, unit);
  if (!finding.method.empty() || !finding.model.empty()) {
    add(item, text_item("HAS CONCEPT MOD", dcm("111001", "Algorithm Name"), finding.model.empty() ? "Gantry" : finding.model));
    add(item, text_item("HAS CONCEPT MOD", dcm("111003", "Algorithm Version"), version()));
    if (!finding.method.empty()) add(item, text_item("HAS CONCEPT MOD", dcm("111002", "Algorithm Parameters"), finding.method));
  }
  if (finding.interval && std::isfinite((*finding.interval)[0]) && std::isfinite((*finding.interval)[1])) {
    const double below = *finding.value - (*finding.interval)[0], above = (*finding.interval)[1] - *finding.value;
    if (below >= 0 && above >= 0) {
      add(item, number_item("HAS PROPERTIES", sct("371886008", "+, range of upper measurement uncertainty"), above, unit));
      add(item, number_item("HAS PROPERTIES", sct("371885007", "-, range of lower measurement uncertainty"), below, unit));
    }
  }
  return item;
}

bool is_statement(const Finding& finding) {
  return !finding.value && finding.reason.empty() && finding.unit.empty() && !finding.code.value.empty();
}

bool is_number(const Finding& finding) { return finding.value && std::isfinite(*finding.value); }

/// TID 1411 when the group is about a segment, else TID 1501; nothing when it has nothing to say.
std::optional<Draft> group_item(const Series& source, const MeasurementGroup& group) {
  const bool has_segment = !group.segmentation_sop_instance_uid.empty() && group.segment_number > 0;
  if (std::none_of(group.findings.begin(), group.findings.end(), [](const Finding& f) { return is_number(f) || is_statement(f); }))
    return std::nullopt;
  Draft item = container_item(dcm("125007", "Measurement Group"), has_segment ? "1411" : "1501");
  const std::string tracking = !group.tracking_id.empty() ? group.tracking_id : group.segment.empty() ? "series" : group.segment;
  add(item, text_item("HAS OBS CONTEXT", dcm("112039", "Tracking Identifier"), tracking));
  add(item, uid_item("HAS OBS CONTEXT", dcm("112040", "Tracking Unique Identifier"), object_uid(source, "segment", tracking)));
  if (const Structure* row = structure_of(group.segment)) {
    add(item, code_item("CONTAINS", dcm("121071", "Finding"), code_of(*row)));
    if (const auto site = site_of(*row)) add(item, code_item("HAS CONCEPT MOD", sct("363698007", "Finding Site"), *site));
  }
  if (has_segment) {
    Draft image = content_item("CONTAINS", "IMAGE", dcm("121191", "Referenced Segment"));
    add_reference(image, "ReferencedSOPSequence", segmentation_class, group.segmentation_sop_instance_uid)
        .set("ReferencedSegmentNumber", group.segment_number);
    add(item, std::move(image));
    add(item, uid_item("CONTAINS", dcm("121232", "Source series for segmentation"), source.series_uid));
  }
  for (const Finding& finding : group.findings) {
    if (is_number(finding)) add(item, measurement_item(finding));
  }
  for (const Finding& finding : group.findings) {
    if (is_statement(finding)) add(item, code_item("CONTAINS", finding.code, sct("52101004", "Present")));
  }
  for (const Finding& finding : group.findings) {
    if (!is_number(finding) || finding.reason.empty()) continue;
    const std::string name = finding.name.empty() ? finding.id : finding.name;
    add(item, text_item("CONTAINS", dcm("121106", "Comment"), fmt::format("{}: {}", name, finding.reason)));
  }
  return item;
}

/// The objects that the report speaks of: the source series and the segmentations.
void add_evidence(Draft& root, const Series& source, const std::vector<MeasurementGroup>& groups) {
  Draft& study = root.add_item("CurrentRequestedProcedureEvidenceSequence");
  study.set("StudyInstanceUID", source.study_uid);
  Draft images;
  images.set("SeriesInstanceUID", source.series_uid);
  for (const Instance* instance : distinct_instances(source))
    add_reference(images, "ReferencedSOPSequence", instance->sop_class_uid, instance->sop_instance_uid);
  study.add_item("ReferencedSeriesSequence", std::move(images));
  std::map<std::string, std::set<std::string>> segmentations;  // series -> objects
  for (const MeasurementGroup& group : groups) {
    if (!group.segmentation_sop_instance_uid.empty())
      segmentations[group.segmentation_series_uid].insert(group.segmentation_sop_instance_uid);
  }
  for (const auto& [series_uid, objects] : segmentations) {
    Draft& series = study.add_item("ReferencedSeriesSequence");
    series.set("SeriesInstanceUID", series_uid);
    for (const std::string& uid : objects) add_reference(series, "ReferencedSOPSequence", segmentation_class, uid);
  }
}

std::string content_of(const std::vector<MeasurementGroup>& groups, const std::string& language) {
  Sha256 hash;
  hash.add(language);
  for (const MeasurementGroup& group : groups) {
    hash.add(fmt::format("|{}/{}/{}/{}", group.segment, group.tracking_id, group.segmentation_sop_instance_uid, group.segment_number));
    for (const Finding& finding : group.findings) {
      hash.add(fmt::format("|{}/{}/{}/{}/{}/{}/{}/{}", finding.id, finding.name, finding.code.value, finding.unit, finding.method,
                           finding.model, finding.reason, finding.value ? shortest(*finding.value) : ""));
      if (finding.interval) hash.add(fmt::format("/{}/{}", (*finding.interval)[0], (*finding.interval)[1]));
    }
  }
  return hash.finish_hex();
}

}  // namespace

std::string write_measurement_report(const Path& path, const Series& source, const std::vector<MeasurementGroup>& groups,
                                     const std::string& language, Run& run) {
  run.check();
  const std::string uid = object_uid(source, "report", content_of(groups, language));
  Draft root;
  set_derived_context(root, source, report_kind, uid, 1);
  root.set_empty_sequence("ReferencedPerformedProcedureStepSequence");
  root.set_empty_sequence("PerformedProcedureCodeSequence");
  root.set("CompletionFlag", "COMPLETE");
  root.set("VerificationFlag", "UNVERIFIED");
  root.set("PreliminaryFlag", "PRELIMINARY");
  add_evidence(root, source, groups);

  root.set("ValueType", "CONTAINER");
  root.set("ContinuityOfContent", "SEPARATE");
  root.set_code("ConceptNameCodeSequence", dcm("126000", "Imaging Measurement Report"));
  Draft& used = root.add_item("ContentTemplateSequence");
  used.set("MappingResource", "DCMR");
  used.set("TemplateIdentifier", "1500");
  add_context(root, source, language);
  add(root, image_library(source));
  Draft measurements = container_item(dcm("126010", "Imaging Measurements"), nullptr);
  for (const MeasurementGroup& group : groups) {
    if (auto item = group_item(source, group)) add(measurements, std::move(*item));
  }
  add(root, std::move(measurements));
  write_atomic(path, root.file());
  return uid;
}

}  // namespace gantry::dicom
