// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/head_mr_hippocampus.h"

#include "gantry/base/test_support.h"
#include "gantry/bundle/network_bundle.h"
#include "gantry/dicom/test_objects.h"

namespace gantry::analysis::head_mr_hippocampus_test {
namespace {

/// Classes 0 to 3 where the scaled value is nearest to 0, 1/3, 2/3 and 1: the tangents of a parabola.
bundle::ImportedNetwork locator() {
  bundle::VolumeLayer layer;
  layer.name = "levels";
  layer.kernel = 1;
  layer.weights = {{4, 1, 1, 1, 1}, {0, 2.0F / 3, 4.0F / 3, 2}};
  layer.bias = {{4}, {0, -1.0F / 9, -4.0F / 9, -1}};
  return {.network = bundle::VolumeNetwork({layer}),
          .input_size = {96, 96, 96},
          .classes = {{"background", {}}, {"brain", {}}, {"Left-Hippocampus", {}}, {"Right-Hippocampus", {}}}};
}

/// A ball of a brain with a brighter ball for each hippocampus.
Image head_with(Vec3 left, Vec3 right, double radius_mm, double spacing_mm = 1) {
  const auto side = static_cast<std::int64_t>(95 / spacing_mm) + 1;
  Voxels<float> head(Grid({side, side, side}, {spacing_mm, spacing_mm, spacing_mm}, {-47.5, -47.5, -47.5}));
  for (std::int64_t n = 0; n < head.count(); ++n) {
    const Vec3 at = head.grid().world_from_voxel(
        {static_cast<double>(n % side), static_cast<double>(n / side % side), static_cast<double>(n / (side * side))});
    head[n] = norm(at - left) < radius_mm ? 200.0F : norm(at - right) < radius_mm ? 300.0F : norm(at) < 46 ? 100.0F : 0.0F;
  }
  return head;
}

class Hippocampi : public testing::Test {
 protected:
  void SetUp() override {
    bundle::write_network_bundle(folder_.path() / "gantry/models/locator_of_levels", locator(), Json::object(), std::nullopt);
    ::setenv("XDG_DATA_HOME", folder_.path().c_str(), 1);
    input_.modality = "MR";
    input_.image = head_with({25, 0, -10}, {-25, 0, -10}, 8.5);
  }
  void TearDown() override { ::unsetenv("XDG_DATA_HOME"); }

  /// The reason for silence; nothing else may be in the result.
  std::string reason(const std::string& outliner = "hippocampus") {
    Profile profile;
    profile.id = "test";
    profile.parameters = Json::object();
    profile.models = {{{"bundle", outliner}}, {{"bundle", "locator_of_levels"}}};
    head_.brain.parenchyma = Mask(input_.image.grid(), 1);
    SeriesResult result;
    gantry::Run run;
    add_hippocampi(result, head_, input_, profile, run);
    EXPECT_TRUE(result.findings.empty() && result.segments.empty() && result.images.empty() && result.tables.empty());
    EXPECT_TRUE(result.models.empty() && result.glances.empty());
    if (result.not_analysed.size() != 1) return "no reason";
    EXPECT_EQ(result.not_analysed[0].zh.find("海马："), 0U);
    return result.not_analysed[0].en;
  }
  /// The reason for a patient of this age who was given this.
  std::string reason_for(const std::string& age, const std::string& agent) {
    dicom::test::Slice slice;
    slice.before_series = [&](dicom::test::Writer& w) { w.text(0x00101010U, "AS", age).text(0x00180010U, "LO", agent); };
    dicom::Series series;
    series.header = dicom::Header(dicom::test::parse(dicom::test::part10(dicom::test::slice_set(slice))));
    input_.series = &series;
    const std::string found = reason("none_of_this_name");
    input_.series = nullptr;
    return found;
  }

  TemporaryFolder folder_;
  SeriesInput input_;
  HeadMr head_;
};

const std::string asks_the_models = "Hippocampus: model none_of_this_name: must lie in models/; it is not there.";

TEST_F(Hippocampi, are_not_looked_for_in_long_voxels) {
  input_.image = head_with({25, 0, -10}, {-25, 0, -10}, 8.5, 1.65);
  EXPECT_EQ(reason("none_of_this_name"), "Hippocampus: the voxels are longer than 1.6 mm.");
  input_.image = head_with({25, 0, -10}, {-25, 0, -10}, 8.5, 1.6);
  EXPECT_EQ(reason("none_of_this_name"), asks_the_models);
}

TEST_F(Hippocampi, are_not_looked_for_in_a_brain_that_is_cut_off) {
  head_.brain.cut_below = true;
  EXPECT_EQ(reason("none_of_this_name"), "Hippocampus: the brain is cut off below by the field of view.");
}

TEST_F(Hippocampi, are_not_looked_for_in_children_and_after_contrast_medium) {
  EXPECT_EQ(reason_for("017Y", ""), "Hippocampus: the model knows adults only.");
  EXPECT_EQ(reason_for("030M", ""), "Hippocampus: the model knows adults only.");
  EXPECT_EQ(reason_for("018Y", ""), asks_the_models);
  EXPECT_EQ(reason_for("", ""), asks_the_models);
  EXPECT_EQ(reason_for("040Y", "GADOVIST"), "Hippocampus: contrast medium was given.");
}

TEST_F(Hippocampi, are_not_outlined_where_none_can_lie) {
  if (!learning::engine_is_installed()) GTEST_SKIP() << "built without LibTorch";
  input_.image = head_with({-25, 0, -10}, {25, 0, -10}, 8.5);
  EXPECT_EQ(reason(), "Hippocampus: its place: must lie 12 to 45 mm beside the mid-plane; lies at -25 mm.");
  input_.image = head_with({10, 0, -10}, {-25, 0, -10}, 8.5);
  EXPECT_EQ(reason(), "Hippocampus: its place: must lie 12 to 45 mm beside the mid-plane; lies at 10 mm.");
  input_.image = head_with({25, 0, -10}, {-25, 0, -10}, 5);
  EXPECT_EQ(reason(), "Hippocampus: its place: must have the size of a hippocampus; has 0.6 mL.");
  input_.image = head_with({25, 0, -10}, {-25, 0, -10}, 14);
  EXPECT_EQ(reason(), "Hippocampus: its place: must have the size of a hippocampus; has 11.5 mL.");
}

// Place and size are right, and what the network outlines in a head without features, or with a bright ball elsewhere, lies elsewhere.
TEST_F(Hippocampi, are_not_shown_when_the_outline_is_not_that_of_one) {
  if (!learning::engine_is_installed()) GTEST_SKIP() << "built without LibTorch";
  const learning::SegmentationModel model(find_resource("models/hippocampus"));
  for (const double radius_mm : {0.0, 8.5}) {
    const Image image = head_with({25, 14, -10}, {-25, 0, -10}, radius_mm);
    Mask place(image.grid());
    for (std::int64_t n = 0; n < place.count(); ++n) {
      const Vec3 voxel{static_cast<double>(n % 96), static_cast<double>(n / 96 % 96), static_cast<double>(n / (96 * 96))};
      place[n] = norm(place.grid().world_from_voxel(voxel) - Vec3{25, 0, -10}) < 8.5;
    }
    gantry::Run run;
    const Error error = error_of([&] { outline_hippocampus(model, image.as<float>(), place, true, run); });
    EXPECT_EQ(error.code(), ErrorCode::not_possible);
    EXPECT_EQ(error.message().find("its outline: must be that of a hippocampus where one lies; has "), 0U) << error.message();
  }
}

}  // namespace
}  // namespace gantry::analysis::head_mr_hippocampus_test
