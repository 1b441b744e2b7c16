// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/annotation/versions.h"

#include <gtest/gtest.h>

#include "gantry/annotation/version_history.h"
#include "gantry/base/test_support.h"

namespace gantry::versions_test {
namespace {

dicom::Segment segment(int number, const std::string& label, const Code& type = {"SCT", "85756007", "Tissue"}) {
  dicom::Segment one;
  one.number = number;
  one.label = label;
  one.type = type;
  one.algorithm_type = "MANUAL";
  return one;
}

/// A segmentation without pixels, in a series of its own, made in minute `minute`.
AnnotationObject object(int minute, std::vector<dicom::Segment> segments) {
  AnnotationObject made;
  made.about.study_uid = "1.2";
  made.about.series_uid = fmt::format("1.2.{}", minute);
  made.about.sop_instance_uid = fmt::format("1.2.{}.1", minute);
  made.about.content_time = fmt::format("2026030110{:02}00", minute);
  made.about.source_series_uids = {"1.2.100"};
  made.about.segments = std::move(segments);
  return made;
}

/// Which objects each annotation holds, in order: "0 1 / 2".
std::string orders(const std::vector<AnnotationObject>& objects) {
  std::string text;
  for (const Annotation& annotation : annotations_of(objects)) {
    if (!text.empty()) text += " / ";
    for (std::size_t n = 0; n < annotation.size(); ++n) text += (n ? " " : "") + std::to_string(annotation[n].object);
  }
  return text;
}

TEST(AnnotationVersions, of_a_moved_box_have_the_dice_and_volumes_that_follow_from_it) {
  gantry::Run run;
  const auto result = AnnotationVersions{}(phantom_dicom("versions"), nullptr, run);
  const Json& annotations = result.history["annotations"];
  ASSERT_EQ(annotations.size(), 1u) << annotations;
  const Json& versions = annotations[0]["versions"];
  ASSERT_EQ(versions.size(), 3u);
  EXPECT_EQ(versions[0]["author"], "Gantry");
  EXPECT_EQ(versions[0]["origin"]["kind"], "automatic");
  EXPECT_TRUE(versions[0]["former"].is_null());
  EXPECT_NEAR(versions[0]["change"]["segments"][0]["volume_ml"].get<double>(), 1.0, 1e-12) << "400 voxels of 2.5 cubic millimetres";
  EXPECT_EQ(versions[1]["author"], "Reader^Anna");
  EXPECT_EQ(versions[1]["origin"]["kind"], "manual");
  EXPECT_EQ(versions[1]["content_time"], "2026-03-01T10:15:00");
  const Json& moved = versions[1]["change"]["segments"];
  EXPECT_EQ(moved[0]["dice"], 0.8);
  EXPECT_NEAR(moved[0]["added_ml"].get<double>(), 0.2, 1e-12);
  EXPECT_NEAR(moved[0]["removed_ml"].get<double>(), 0.2, 1e-12);
  EXPECT_EQ(moved[1]["dice"], 1.0);
  EXPECT_EQ(moved[1]["added_ml"], 0.0);
  const Json& less = versions[2]["change"]["segments"];
  EXPECT_NEAR(less[0]["dice"].get<double>(), 480.0 / 700.0, 1e-12);
  EXPECT_NEAR(less[0]["added_ml"].get<double>(), 0.15, 1e-12);
  EXPECT_NEAR(less[0]["removed_ml"].get<double>(), 0.4, 1e-12);
  // Three authors: three pairs of their latest versions. The first and the third differ by one slice.
  const Json& agreement = annotations[0]["agreement"];
  ASSERT_EQ(agreement.size(), 3u);
  EXPECT_EQ(agreement[1]["second"], "Reader^Ben");
  EXPECT_NEAR(agreement[1]["segments"][0]["dice"].get<double>(), 600.0 / 700.0, 1e-12);
  ASSERT_TRUE(result.figure);
  EXPECT_EQ(result.table.rows().size(), 6u);
}

TEST(AnnotationVersions, follow_from_shared_source_and_names) {
  const Code hippocampus{"SCT", "102313000", "Hippocampus"}, liver{"SCT", "10200004", "Liver"};
  EXPECT_EQ(orders({object(1, {segment(1, "Liver")}), object(2, {segment(3, " liver ")})}), "0 1");
  EXPECT_EQ(orders({object(2, {segment(1, "Liver")}), object(1, {segment(1, "Liver")})}), "1 0") << "in the order of their contents";
  EXPECT_EQ(orders({object(1, {segment(1, "Left", hippocampus)}), object(2, {segment(1, "Right", hippocampus)})}), "0 / 1")
      << "the sides of one code";
  EXPECT_EQ(orders({object(1, {segment(1, "Liver", liver)}), object(2, {segment(1, "Segment 1", liver)})}), "0 1");
  EXPECT_EQ(orders({object(1, {segment(1, "Segment 1")}), object(2, {segment(1, "Segment 1")})}), "0 / 1") << "a name that says nothing";
  auto again = object(2, {segment(1, "Segment 1")});
  again.about.series_uid = "1.2.1";
  EXPECT_EQ(orders({object(1, {segment(1, "Segment 1")}), again}), "0 1") << "but stored into the same series";
  EXPECT_EQ(orders({object(1, {segment(1, "A"), segment(2, "B"), segment(3, "C")}),
                    object(2, {segment(1, "C"), segment(2, "D"), segment(3, "E")})}),
            "0 / 1")
      << "one of three";
  auto elsewhere = object(2, {segment(1, "Liver")});
  elsewhere.about.source_series_uids = {"1.2.101"};
  EXPECT_EQ(orders({object(1, {segment(1, "Liver")}), elsewhere}), "0 / 1") << "another source series";
  elsewhere.about.source_series_uids.clear();
  EXPECT_EQ(orders({object(1, {segment(1, "Liver")}), elsewhere}), "0 / 1") << "no source at all";
  elsewhere.about.predecessors = {"1.2.1.1"};
  EXPECT_EQ(orders({object(1, {segment(1, "Liver")}), elsewhere}), "0 1") << "a named predecessor";
  elsewhere.about.study_uid = "1.3";
  EXPECT_EQ(orders({object(1, {segment(1, "Liver")}), elsewhere}), "0 / 1") << "of another study";
}

TEST(AnnotationVersions, come_after_their_predecessors_whatever_their_clocks_say) {
  auto first = object(30, {segment(1, "Liver")}), second = object(20, {segment(1, "Liver")}), third = object(40, {segment(1, "Liver")});
  second.about.predecessors = {first.about.sop_instance_uid};
  third.about.predecessors = {first.about.sop_instance_uid};
  EXPECT_EQ(orders({second, first, third}), "1 0 2");
  const auto annotations = annotations_of(std::vector{second, first, third});
  EXPECT_EQ(annotations[0][2].former, 0u) << "the version that it names, not the last";
  // A ring, an object that names itself, and predecessors that are not there.
  first.about.predecessors = {third.about.sop_instance_uid, first.about.sop_instance_uid, "9.9.9"};
  EXPECT_EQ(annotations_of(std::vector{second, first, third}).front().size(), 3u);
}

TEST(AnnotationVersions, of_a_thousand_objects_are_ordered_at_once) {
  std::vector<AnnotationObject> objects;
  for (int n = 0; n < 1000; ++n) {
    objects.push_back(object(n % 60, {segment(1, n % 2 ? "Liver" : "Spleen"), segment(2, std::string(200, 'x') + std::to_string(n))}));
    objects.back().about.sop_instance_uid = fmt::format("1.2.3.{}", n);
    if (n > 0) objects.back().about.predecessors = {fmt::format("1.2.3.{}", (n * 7) % 1000)};
  }
  std::size_t versions = 0;
  for (const Annotation& annotation : annotations_of(objects)) versions += annotation.size();
  EXPECT_EQ(versions, 1000u);
  objects.resize(10001);
  EXPECT_THROW(annotations_of(objects), Error);
}

TEST(AnnotationVersions, say_why_objects_cannot_be_read_or_compared) {
  gantry::Run run;
  const DicomFiles good = phantom_dicom("versions");
  const auto reason = [&](const DicomFiles& files, std::size_t version) {
    const Json history = AnnotationVersions{}(files, nullptr, run).history;
    return history["annotations"][0]["versions"][version]["change"]["reason"].get<std::string>();
  };
  const auto changed = [&](std::size_t file, const std::function<void(std::string&)>& change) {
    DicomFiles files = good;
    std::string bytes(reinterpret_cast<const char*>(files.files[file].bytes->data()), files.files[file].bytes->size());
    change(bytes);
    const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
    files.files[file].bytes = std::make_shared<Bytes>(first, first + bytes.size());
    return files;
  };
  EXPECT_EQ(reason(good, 1), "");
  const auto coarser = changed(1, [](std::string& bytes) {
    bytes.replace(bytes.find("\x28\x00\x30\x00"
                             "DS",
                             0, 6) +
                      8,
                  3, "2\\2");
  });
  EXPECT_NE(reason(coarser, 1).find("other rasters"), std::string::npos) << reason(coarser, 1);
  const auto shifted = changed(1, [](std::string& bytes) {
    for (std::size_t at = 0; (at = bytes.find("\x20\x00\x32\x00"
                                              "DS",
                                              at, 6)) != std::string::npos;
         at += 8)
      bytes[at + 8] = '9';
  });
  EXPECT_NE(reason(shifted, 1).find("shifted"), std::string::npos) << reason(shifted, 1);
  const auto nowhere = changed(1, [](std::string& bytes) {
    for (std::size_t at = 0; (at = bytes.find("\x20\x00\x32\x00"
                                              "DS",
                                              at, 6)) != std::string::npos;
         at += 8)
      bytes.replace(at + 8, 3, "nan");
  });
  EXPECT_NE(reason(nowhere, 1).find("no place"), std::string::npos) << reason(nowhere, 1);
  const auto short_pixels = changed(1, [](std::string& bytes) { bytes.resize(bytes.size() - 40); });
  EXPECT_NE(reason(short_pixels, 1).find("are due"), std::string::npos) << reason(short_pixels, 1);
  // Cut off anywhere: read, compared, or a reason; never a crash.
  for (std::size_t size = 0; size < good.files[1].bytes->size(); size += 97) {
    const auto cut = changed(1, [&](std::string& bytes) { bytes.resize(size); });
    const Json history = AnnotationVersions{}(cut, nullptr, run).history;
    EXPECT_EQ(history["annotations"][0]["versions"].size() + history["other"].size(), 3u) << size;
  }
  EXPECT_THROW(AnnotationVersions{}(phantom_dicom("slice"), nullptr, run), Error);
  EXPECT_THROW(AnnotationVersions{}(DicomFiles{}, nullptr, run), Error);
}

}  // namespace
}  // namespace gantry::versions_test
