// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <gtest/gtest.h>

#include <limits>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/dicom/iod/peers_test.h"
#include "gantry/dicom/iod/series_test.h"
#include "gantry/dicom/iod/write.h"

namespace gantry::dicom::measurement_report_test {
namespace {

Finding number(const std::string& id, const std::string& name, const Code& code, double value, const std::string& unit) {
  Finding finding;
  finding.id = id;
  finding.name = name;
  finding.code = code;
  finding.value = value;
  finding.unit = unit;
  finding.method = "threshold -500 HU";
  return finding;
}

std::vector<MeasurementGroup> some_groups() {
  Finding volume = number("lung_left.volume", "Left lung volume", {"SCT", "118565006", "Volume"}, 2345.6789012345678, "mL");
  volume.interval = {2300.5, 2400.25};
  Finding density = number("lung_left.laa950", "LAA-950", {}, 3.25, "%");
  density.reason = "slices thicker than 1.5 mm: not comparable";
  Finding missing = number("lung_left.percentile15", "Percentile 15", {}, 0, "HU");
  missing.value.reset();
  missing.reason = "lung is cut off";
  Finding not_finite = number("lung_left.mean", "Mean", {}, std::numeric_limits<double>::quiet_NaN(), "HU");
  const Finding diameter = number("lung_nodule.1.diameter", "结节直径 <1>", {"SCT", "81827009", "Diameter"}, 7.5, "mm");
  Finding statement;
  statement.id = "emphysema";
  statement.name = "Emphysema";
  statement.code = {"SCT", "87433001", "Pulmonary emphysema"};
  const Finding noise = number("ct.noise", "Noise", {}, -12.125, "HU");
  return {{.segment = "lung_left",
           .tracking_id = "lung_left",
           .segmentation_sop_instance_uid = "2.25.42",
           .segmentation_series_uid = "2.25.41",
           .segment_number = 1,
           .findings = {volume, density, missing, not_finite}},
          {.segment = "lung_nodule.1",
           .tracking_id = "lung_nodule.1",
           .segmentation_sop_instance_uid = "2.25.42",
           .segmentation_series_uid = "2.25.41",
           .segment_number = 3,
           .findings = {diameter}},
          {.segment = "",
           .tracking_id = "series",
           .segmentation_sop_instance_uid = "",
           .segmentation_series_uid = "",
           .segment_number = 0,
           .findings = {noise, statement}},
          {.segment = "heart",
           .tracking_id = "heart",
           .segmentation_sop_instance_uid = "",
           .segmentation_series_uid = "",
           .segment_number = 0,
           .findings = {missing}}};
}

TEST(MeasurementReport, is_valid_for_dciodvfy) {
  if (!has_dciodvfy()) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
  for (const std::string language : {"en", "zh"}) {
    const TemporaryFolder folder;
    gantry::Run run;
    write_measurement_report(folder.path() / "sr.dcm", handmade_series(odd_oblique_grid()), some_groups(), language, run);
    EXPECT_EQ(dciodvfy_errors(folder.path() / "sr.dcm"), "");
  }
}

TEST(MeasurementReport, gives_pydicom_the_same_tree) {
  if (!has_pydicom()) GTEST_SKIP() << "no Python with pydicom (GANTRY_PYTHON)";
  const TemporaryFolder folder;
  gantry::Run run;
  const std::string uid = write_measurement_report(folder.path() / "sr.dcm", handmade_series(odd_oblique_grid()), some_groups(), "zh", run);
  const Json read = python_json(python_with_pydicom(), folder.path(), R"(
import json, pydicom
d = pydicom.dcmread(')" + (folder.path() / "sr.dcm").string() + R"(')
def code(s): return [s[0].CodingSchemeDesignator, s[0].get('CodeValue') or s[0].get('LongCodeValue'), s[0].CodeMeaning]
def item(i):
    r = {'type': i.ValueType, 'name': code(i.ConceptNameCodeSequence)[2] if 'ConceptNameCodeSequence' in i else ''}
    if i.ValueType == 'TEXT': r['value'] = i.TextValue
    if i.ValueType == 'CODE': r['value'] = code(i.ConceptCodeSequence)
    if i.ValueType == 'UIDREF': r['value'] = i.UID
    if i.ValueType == 'NUM':
        m = i.MeasuredValueSequence[0]
        r['value'] = float(m.get('FloatingPointValue', m.NumericValue)); r['unit'] = m.MeasurementUnitsCodeSequence[0].CodeValue
    if i.ValueType == 'IMAGE':
        r['value'] = i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        r['segment'] = int(i.ReferencedSOPSequence[0].get('ReferencedSegmentNumber', 0))
    if 'ContentTemplateSequence' in i: r['template'] = i.ContentTemplateSequence[0].TemplateIdentifier
    if 'ContentSequence' in i: r['content'] = [item(c) for c in i.ContentSequence]
    return r
e = d.CurrentRequestedProcedureEvidenceSequence[0]
print(json.dumps({'uid': d.SOPInstanceUID, 'root': item(d), 'date': d.ContentDate,
    'evidence': [[s.SeriesInstanceUID, len(s.ReferencedSOPSequence)] for s in e.ReferencedSeriesSequence]}))
)");
  EXPECT_EQ(read["uid"], uid);
  EXPECT_EQ(read["date"], "19700101");
  EXPECT_EQ(read["evidence"].size(), 2u);
  EXPECT_EQ(read["evidence"][0], Json({"1.2.3.4", 4}));
  const Json& content = read["root"]["content"];
  EXPECT_EQ(read["root"]["template"], "1500");
  EXPECT_EQ(content[0]["value"], Json({"RFC5646", "zh", "Chinese"}));
  EXPECT_EQ(content[content.size() - 2]["template"], "1600");
  const Json& groups = content.back()["content"];
  ASSERT_EQ(groups.size(), 3u) << "a group without any value is left out";
  EXPECT_EQ(groups[0]["template"], "1411");
  EXPECT_EQ(groups[1]["template"], "1411");
  EXPECT_EQ(groups[2]["template"], "1501");
  const auto named = [](const Json& group, const std::string& name) -> Json {
    for (const Json& item : group["content"]) {
      if (item["name"] == name) return item;
    }
    return nullptr;
  };
  const Json volume = named(groups[0], "Volume");
  EXPECT_EQ(volume["value"], 2345.6789012345678);
  EXPECT_EQ(volume["unit"], "ml");
  EXPECT_EQ(named(volume, "Algorithm Parameters")["value"], "threshold -500 HU");
  EXPECT_DOUBLE_EQ(named(volume, "+, range of upper measurement uncertainty")["value"].get<double>(), 2400.25 - 2345.6789012345678);
  EXPECT_DOUBLE_EQ(named(volume, "-, range of lower measurement uncertainty")["value"].get<double>(), 2345.6789012345678 - 2300.5);
  EXPECT_EQ(named(groups[0], "LAA-950")["unit"], "%");
  EXPECT_EQ(named(groups[0], "Comment")["value"], "LAA-950: slices thicker than 1.5 mm: not comparable");
  EXPECT_TRUE(named(groups[0], "Percentile 15").is_null());
  EXPECT_TRUE(named(groups[0], "Mean").is_null());
  EXPECT_EQ(named(groups[1], "Referenced Segment")["value"], "2.25.42");
  EXPECT_EQ(named(groups[1], "Referenced Segment")["segment"], 3);
  EXPECT_EQ(named(groups[1], "Finding Site")["value"], Json({"SCT", "39607008", "Lung"}));
  EXPECT_EQ(named(groups[1], "Diameter")["value"], 7.5);
  EXPECT_EQ(named(groups[2], "Noise")["unit"], "[hnsf'U]");
  EXPECT_EQ(named(groups[2], "Noise")["value"], -12.125);
  EXPECT_EQ(named(groups[2], "Pulmonary emphysema")["value"][2], "Present");
}

TEST(MeasurementReport, gives_highdicom_the_same_groups) {
  const std::string python = python_with_highdicom();
  if (python.empty()) GTEST_SKIP() << "no Python with highdicom (GANTRY_PYTHON)";
  const TemporaryFolder folder;
  gantry::Run run;
  write_measurement_report(folder.path() / "sr.dcm", handmade_series(odd_oblique_grid()), some_groups(), "en", run);
  const Json read = python_json(python, folder.path(),
                                R"(
import json, highdicom
sr = highdicom.sr.srread(')" + (folder.path() / "sr.dcm").string() +
                                    R"(')
groups = []
for g in sr.content.get_volumetric_roi_measurement_groups() + sr.content.get_image_measurement_groups():
    groups.append({'tracking': g.tracking_identifier, 'uid': g.tracking_uid, 'finding': g.finding_type.value if g.finding_type else None,
        'sites': [s.value.value for s in g.finding_sites], 'numbers': [[m.name.meaning, m.value, m.unit.value] for m in g.get_measurements()]})
print(json.dumps({'class': type(sr).__name__, 'groups': groups}))
)");
  EXPECT_EQ(read["class"], "Comprehensive3DSR");
  ASSERT_EQ(read["groups"].size(), 3u);
  EXPECT_EQ(read["groups"][0]["tracking"], "lung_left");
  EXPECT_EQ(read["groups"][0]["finding"], "44029006");
  EXPECT_EQ(read["groups"][0]["numbers"], Json({{"Volume", 2345.6789012345678, "ml"}, {"LAA-950", 3.25, "%"}}));
  EXPECT_EQ(read["groups"][1]["sites"], Json({"39607008"}));
  EXPECT_EQ(read["groups"][1]["numbers"], Json::array({Json({"Diameter", 7.5, "mm"})}));
  EXPECT_EQ(read["groups"][2]["tracking"], "series");
  EXPECT_EQ(read["groups"][2]["numbers"], Json::array({Json({"Noise", -12.125, "[hnsf'U]"})}));
}

TEST(MeasurementReport, has_the_same_bytes_twice_and_another_uid_for_another_number) {
  std::array<std::string, 3> digests;
  std::array<std::string, 3> uids;
  for (std::size_t n = 0; n < 3; ++n) {
    const TemporaryFolder folder;
    gantry::Run run;
    auto groups = some_groups();
    if (n == 2) groups[1].findings[0].value = 7.6;
    uids[n] = write_measurement_report(folder.path() / "sr.dcm", handmade_series(odd_oblique_grid()), groups, "en", run);
    digests[n] = sha256_hex(read_bytes(folder.path() / "sr.dcm"));
  }
  EXPECT_EQ(digests[0], digests[1]);
  EXPECT_EQ(uids[0], uids[1]);
  EXPECT_NE(uids[0], uids[2]);
}

TEST(MeasurementReport, refuses_a_series_that_is_not_from_dicom) {
  const TemporaryFolder folder;
  gantry::Run run;
  EXPECT_THROW(write_measurement_report(folder.path() / "sr.dcm", Series{}, some_groups(), "en", run), Error);
}

Image some_picture() {
  auto pixels = Voxels<std::uint8_t>::uninitialized(Grid({5, 3, 1}), 3);
  for (std::int64_t n = 0; n < pixels.count(); ++n) pixels[n] = static_cast<std::uint8_t>(n * 5);
  return pixels;
}

TEST(SecondaryCapture, is_valid_for_dciodvfy) {
  if (!has_dciodvfy()) GTEST_SKIP() << "dciodvfy (package dicom3tools) is not installed";
  const TemporaryFolder folder;
  gantry::Run run;
  write_secondary_capture(folder.path() / "sc.dcm", handmade_series(odd_oblique_grid()), some_picture(), "Largest nodule, 肺结节", 2, run);
  EXPECT_EQ(dciodvfy_errors(folder.path() / "sc.dcm"), "");
}

TEST(SecondaryCapture, gives_pydicom_the_same_pixels_in_a_series_of_its_own) {
  if (!has_pydicom()) GTEST_SKIP() << "no Python with pydicom (GANTRY_PYTHON)";
  const TemporaryFolder folder;
  gantry::Run run;
  const Image picture = some_picture();
  const std::string uid = write_secondary_capture(folder.path() / "sc.dcm", handmade_series(odd_oblique_grid()), picture, "肺结节", 2, run);
  const Json read = python_json(python_with_pydicom(), folder.path(), R"(
import json, pydicom
d = pydicom.dcmread(')" + (folder.path() / "sc.dcm").string() + R"(')
print(json.dumps({'uid': d.SOPInstanceUID, 'study': d.StudyInstanceUID, 'series': d.SeriesInstanceUID, 'number': int(d.InstanceNumber),
    'comment': d.ImageComments, 'shape': d.pixel_array.shape, 'pixels': d.pixel_array.ravel().tolist()}))
)");
  EXPECT_EQ(read["uid"], uid);
  EXPECT_EQ(read["study"], "1.2.3");
  EXPECT_NE(read["series"], "1.2.3.4");
  EXPECT_EQ(read["number"], 2);
  EXPECT_EQ(read["comment"], "肺结节");
  EXPECT_EQ(read["shape"], Json({3, 5, 3}));
  const auto values = picture.as<std::uint8_t>();
  for (std::int64_t n = 0; n < values.count(); ++n) EXPECT_EQ(read["pixels"][static_cast<std::size_t>(n)], values[n]);
}

TEST(SecondaryCapture, refuses_what_is_no_rgb_picture) {
  const TemporaryFolder folder;
  gantry::Run run;
  const Image gray(Voxels<std::uint8_t>(Grid({5, 3, 1})));
  EXPECT_THROW(write_secondary_capture(folder.path() / "sc.dcm", handmade_series(odd_oblique_grid()), gray, "", 1, run), Error);
}

}  // namespace
}  // namespace gantry::dicom::measurement_report_test
