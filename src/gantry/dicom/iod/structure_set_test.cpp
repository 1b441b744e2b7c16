// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/iod/structure_set.h"

#include "gantry/base/test_support.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::dicom::structure_set_test {
namespace {

using test::Writer;

Origin in_memory(const std::string& bytes) {
  const auto view = std::as_bytes(std::span(bytes));
  return {.memory = std::make_shared<const Bytes>(view.begin(), view.end())};
}

Writer contour(const std::string& type, const std::string& count, const std::string& data) {
  return Writer().text(0x30060042U, "CS", type).text(0x30060046U, "IS", count).text(0x30060050U, "DS", data);
}

std::string structure_set(const std::vector<Writer>& contours, const std::string& reference = "7",
                          const std::string& modality = "RTSTRUCT") {
  const Writer roi = Writer().text(0x30060022U, "IS", "7").text(0x30060024U, "UI", "1.2.3").text(0x30060026U, "LO", "Heart");
  const Writer drawn = Writer().text(0x3006002AU, "IS", "255\\128\\0").sequence(0x30060040U, contours).text(0x30060084U, "IS", reference);
  const Writer observation = Writer().text(0x30060084U, "IS", "7").text(0x300600A4U, "CS", "ORGAN");
  return test::part10(Writer()
                          .text(0x00080060U, "CS", modality)
                          .sequence(0x30060020U, {roi})
                          .sequence(0x30060039U, {drawn})
                          .sequence(0x30060080U, {observation}));
}

const std::string triangle = "0\\0\\5\\10\\0\\5\\0\\10\\5";

TEST(StructureSet, reads_names_kinds_colours_and_closed_polygons) {
  gantry::Run run;
  const Contours contours =
      read_structure_set(in_memory(structure_set({contour("CLOSED_PLANAR", "3", triangle), contour("POINT", "1", "1\\2\\3"),
                                                  contour("CLOSED_PLANAR", "2", "1\\2\\3\\4\\5\\6")})),
                         run);
  ASSERT_EQ(contours.regions.size(), 1U);
  const ContouredRegion& heart = contours.regions.front();
  EXPECT_EQ(contours.frame_of_reference_uid, "1.2.3");
  EXPECT_EQ(heart.number, 7);
  EXPECT_EQ(heart.name, "Heart");
  EXPECT_EQ(heart.kind, "ORGAN");
  EXPECT_EQ(heart.color, (Color{255, 128, 0}));
  ASSERT_EQ(heart.polygons.size(), 1U);
  EXPECT_EQ(heart.polygons.front().at(1), (Vec3{10, 0, 5}));
  EXPECT_EQ(run.warnings(), std::vector<std::string>{"2 points or open lines of the structure set have no area and are left out"});
}

TEST(StructureSet, refuses_other_objects_and_damage_with_the_reason) {
  const auto refusal = [](const std::string& bytes) {
    gantry::Run run;
    return error_of([&] { read_structure_set(in_memory(bytes), run); });
  };
  EXPECT_EQ(refusal(structure_set({}, "7", "CT")).message(), "structure set: must be a DICOM object of modality RTSTRUCT; this is CT");
  EXPECT_EQ(refusal(structure_set({contour("CLOSED_PLANAR", "4", triangle)})).message(),
            "contour of 'Heart': holds 3 points; 4 are stated");
  EXPECT_EQ(refusal(structure_set({contour("CLOSED_PLANAR", "3", triangle + "\\1")})).code(), ErrorCode::unreadable);
  EXPECT_EQ(refusal(structure_set({contour("CLOSED_PLANAR", "1", "1e9\\0\\0")})).code(), ErrorCode::unreadable);
  EXPECT_EQ(refusal(structure_set({}, "8")).message(), "structure set: contours refer to a region that is not listed");
  EXPECT_EQ(refusal("no DICOM").code(), ErrorCode::unreadable);
}

TEST(StructureSet, survives_every_truncation) {
  const std::string whole = structure_set({contour("CLOSED_PLANAR", "3", triangle), contour("CLOSED_PLANAR", "3", triangle)});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    gantry::Run run;
    try {
      EXPECT_LE(read_structure_set(in_memory(whole.substr(0, size)), run).regions.size(), 1U);
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal) << size;
    }
  }
}

TEST(StructureSet, reads_the_sets_of_the_test_data) {
  const Path folder = test_data("radiotherapy");
  if (folder.empty()) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  gantry::Run run;
  EXPECT_EQ(read_structure_set(folder / "dose-orientations/struct/example_structures.dcm", run).regions.size(), 5U);
  const Contours tiny = read_structure_set(folder / "tiny-vmat/TinyFS_StrctrSets.dcm", run);
  ASSERT_EQ(tiny.regions.size(), 2U);
  EXPECT_EQ(tiny.regions[0].name, "patient");
  EXPECT_EQ(tiny.regions[1].name, "tumor");
}

}  // namespace
}  // namespace gantry::dicom::structure_set_test
