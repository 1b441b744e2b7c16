// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/volume_plan.h"

#include "gantry/base/test_support.h"
#include "gantry/learning/volume_augmentation.h"
#include "gantry/learning/volume_test_support.h"

namespace gantry::learning::volume_plan_test {

namespace {

VolumeSet set_of(const std::vector<std::pair<Size3, Vec3>>& grids) {
  VolumeSet set;
  set.classes = {"background", "part"};
  for (const auto& [size, spacing] : grids) {
    Voxels<float> image(Grid(size, spacing));
    for (std::int64_t n = 0; n < image.count(); ++n) image[n] = static_cast<float>(n % 101);
    Voxels<std::uint8_t> labels(image.grid(), std::uint8_t{1});
    set.cases.push_back({fmt::format("case_{}", set.cases.size()), std::move(image), std::move(labels), ""});
  }
  return set;
}

const SegmenterDesign three_stages{.widths = {16, 32, 64}, .block = 2};

}  // namespace

// nnU-Net's plan for the hippocampus task: patch 40 x 56 x 40 from a median size of 35 x 51 x 36 (sizes of its 3d_fullres plan).
TEST(VolumePlan, rounds_the_median_size_up_to_what_the_network_halves) {
  const VolumeSet set = set_of({{{31, 40, 24}, {1, 1, 1}}, {{35, 51, 36}, {1, 1, 1}}, {{43, 59, 47}, {1, 1, 1}}});
  const VolumePlan plan = plan_volumes(set, {0, 1, 2}, three_stages, 1 << 18);
  EXPECT_EQ(plan.patch, (Size3{40, 56, 40}));
  EXPECT_EQ(plan.spacing_mm.x, 1);
  EXPECT_FALSE(plan.intensity.ct);
}

TEST(VolumePlan, takes_finer_slices_than_the_median_where_volumes_are_flat) {
  const VolumeSet set = set_of({{{120, 120, 8}, {1, 1, 5}}, {{120, 120, 8}, {1, 1, 5}}, {{120, 120, 20}, {1, 1, 2}}});
  const VolumePlan plan = plan_volumes(set, {0, 1, 2}, three_stages, 1 << 18);
  EXPECT_NEAR(plan.spacing_mm.z, 2 + 0.2 * 3, 1e-9);  // the tenth percentile of 2, 5, 5
  EXPECT_EQ(plan.spacing_mm.x, 1);
}

TEST(VolumePlan, shrinks_the_patch_along_the_axis_that_it_covers_most_of) {
  const VolumeSet set = set_of({{{100, 60, 60}, {1, 1, 1}}});
  const VolumePlan plan = plan_volumes(set, {0}, three_stages, 64 * 64 * 64);
  EXPECT_LE(plan.patch[0] * plan.patch[1] * plan.patch[2], 64 * 64 * 64);
  for (const std::int64_t side : plan.patch) EXPECT_EQ(side % 8, 0);
  EXPECT_GT(plan.patch[0], plan.patch[1]);
}

TEST(VolumePlan, brings_an_image_to_mean_0_and_deviation_1_whatever_its_scale) {
  const VolumePlan plan{.channels = 1, .spacing_mm = {1, 1, 1}, .patch = {8, 8, 8}};
  VolumeSet set = set_of({{{10, 9, 8}, {1, 1, 1}}});
  gantry::Run run;
  const auto one = prepare_volume(set.cases[0].image, plan, run);
  double sum = 0, squares = 0;
  for (const float v : one.values()) sum += v, squares += static_cast<double>(v) * v;
  EXPECT_NEAR(sum / 720, 0, 1e-5);
  EXPECT_NEAR(squares / 720, 1, 1e-5);
  for (float& v : set.cases[0].image.values()) v = 1e6F * v + 3;
  const auto large = prepare_volume(set.cases[0].image, plan, run);
  for (std::int64_t n = 0; n < 720; ++n) EXPECT_NEAR(large[n], one[n], 1e-4);
}

TEST(VolumePlan, resamples_to_its_spacing_and_clips_ct) {
  VolumePlan plan{.channels = 1, .spacing_mm = {2, 2, 2}, .patch = {8, 8, 8}};
  plan.intensity = {.ct = true, .low = 10, .high = 50, .mean = 30, .standard_deviation = 10};
  const VolumeSet set = set_of({{{10, 8, 6}, {1, 1, 1}}});
  gantry::Run run;
  const auto prepared = prepare_volume(set.cases[0].image, plan, run);
  EXPECT_EQ(prepared.grid().size(), (Size3{5, 4, 3}));
  for (const float v : prepared.values()) EXPECT_TRUE(v >= -2 && v <= 2) << v;
  EXPECT_EQ(error_of([&] {
              prepare_volume(Voxels<float>(Grid({4, 4, 4}), 0, 1, 2), plan, run);
            }).message(),
            "image: must have 1 channels; has 2");
  plan.spacing_mm = {1e-3, 1e-3, 1e-3};
  EXPECT_EQ(error_of([&] { prepare_volume(set.cases[0].image, plan, run); }).code(), ErrorCode::out_of_memory);
}

TEST(VolumePlan, comes_back_from_its_json_and_refuses_others_by_name) {
  VolumePlan plan{.channels = 2, .spacing_mm = {1, 1.5, 2}, .patch = {40, 56, 40}};
  plan.intensity = {.ct = true, .low = -100, .high = 300, .mean = 40, .standard_deviation = 25};
  const Json json = to_json(plan);
  EXPECT_EQ(to_json(parse_volume_plan(json, 8)), json);
  const auto refused = [&](const char* pointer, const Json& value) {
    Json bad = json;
    bad[Json::json_pointer(pointer)] = value;
    return std::string(error_of([&] { parse_volume_plan(bad, 8); }).message());
  };
  EXPECT_EQ(refused("/patch/1", 57), "manifest: patch: must be multiples of 8; got 57");
  EXPECT_EQ(refused("/patch", Json::array({8, 8})), "manifest: spacing_mm and patch: must be three numbers");
  EXPECT_EQ(refused("/spacing_mm/0", 0), "manifest: spacing_mm: must lie between 0.001 and 1000; got 0");
  EXPECT_EQ(refused("/intensity/method", "magic"), "manifest: intensity: method must be image or ct; got \"magic\"");
  EXPECT_EQ(refused("/intensity/high", -200), "manifest: intensity: low must be below high");
}

TEST(VolumeAugmentation, draws_the_same_patch_for_the_same_stream_and_another_for_another) {
  test::Balls balls(4, {16, 16, 16});
  VolumeAugmentation none{.turned = 0, .contrast = 0, .brightness = 0, .gamma_share = 0, .noise_share = 0, .foreground_share = 0};
  const VolumeSource source{balls.image.clone(), Voxels<std::uint8_t>(balls.labels.grid()), {}};
  std::vector<float> values(4096);
  std::vector<std::uint8_t> labels(4096);
  draw_patch(source, {16, 16, 16}, none, Random(1, 2), values, labels);
  const auto again = [&](std::uint64_t stream) {
    std::vector<float> others(4096);
    draw_patch(source, {16, 16, 16}, none, Random(1, stream), others, labels);
    return others;
  };
  // Only the place differs, by up to two voxels: the mean stays close, and nothing leaves the range of the volume.
  for (const float value : values) EXPECT_TRUE(value >= 0 && value <= 980) << value;
  EXPECT_EQ(again(2), values);
  EXPECT_NE(again(3), values);
}

TEST(VolumeAugmentation, moves_labels_with_values_and_keeps_them_whole) {
  // Values are 100 x label, so wherever the map leads both must agree, but for the interpolated edge.
  test::Balls balls(4, {24, 24, 24});
  for (std::int64_t n = 0; n < balls.image.count(); ++n) balls.image[n] = 100.0F * static_cast<float>(balls.labels[n]);
  std::vector<std::vector<std::int64_t>> positions(2);
  for (std::int64_t n = 0; n < balls.labels.count(); ++n)
    if (balls.labels[n]) positions[balls.labels[n] - 1U].push_back(n);
  const VolumeSource source{balls.image.clone(), std::move(balls.labels), positions};
  VolumeAugmentation geometry{.turned = 1,
                              .rotation_degrees = 40,
                              .contrast = 0,
                              .brightness = 0,
                              .gamma_share = 0,
                              .noise_share = 0,
                              .foreground_share = 1,
                              .mirror = true};
  for (std::uint64_t stream = 0; stream < 8; ++stream) {
    std::vector<float> values(16 * 16 * 16);
    std::vector<std::uint8_t> labels(values.size());
    draw_patch(source, {16, 16, 16}, geometry, Random(9, stream), values, labels);
    int there = 0;
    double difference = 0;
    for (std::size_t n = 0; n < values.size(); ++n) {
      there += labels[n] != 0;
      const double of_label = 100.0 * labels[n];
      // The nearest of the eight neighbours has at least an eighth of the weight.
      EXPECT_LE(std::abs(values[n] - of_label), 175.001) << n;
      difference += std::abs(values[n] - of_label) / static_cast<double>(values.size());
    }
    EXPECT_LT(difference, 6);
    EXPECT_GT(there, 20) << stream;  // a patch on a voxel of a class shows it
  }
}

}  // namespace gantry::learning::volume_plan_test
