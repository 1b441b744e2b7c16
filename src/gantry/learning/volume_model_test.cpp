// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/volume_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gantry/base/test_support.h"
#include "gantry/io/io.h"
#include "gantry/learning/conform.h"
#include "gantry/learning/mesh_network.h"
#include "gantry/volume/resample.h"

namespace gantry::learning::volume_model_test {
namespace {

/// Class 1 where the scaled value exceeds a half.
bundle::ImportedNetwork threshold_network(Size3 size) {
  bundle::VolumeLayer layer;
  layer.name = "threshold";
  layer.kernel = 1;
  layer.weights = {{2, 1, 1, 1, 1}, {0, 1}};
  layer.bias = {{2}, {0.5F, 0}};
  return {.network = bundle::VolumeNetwork({layer}), .input_size = size, .classes = {{"background", {}}, {"Bright part*", {1, 2, 3}}}};
}

/// Two bright balls, the second one smaller, on an oblique grid of unequal spacings.
Voxels<float> balls() {
  Mat3 direction;
  direction.column = {Vec3{0.8, 0.6, 0}, Vec3{-0.6, 0.8, 0}, Vec3{0, 0, 1}};
  Voxels<float> volume(Grid({60, 50, 30}, {1, 1.2, 2}, {-30, 12, 100}, direction));
  for (std::int64_t k = 0; k < 30; ++k)
    for (std::int64_t j = 0; j < 50; ++j)
      for (std::int64_t i = 0; i < 60; ++i) {
        const Vec3 mm{static_cast<double>(i), 1.2 * static_cast<double>(j), 2 * static_cast<double>(k)};
        const bool in = norm(mm - Vec3{25, 30, 30}) < 15 || norm(mm - Vec3{52, 50, 50}) < 4;
        volume(i, j, k) = in ? 900.0F : 100.0F;
      }
  return volume;
}

TEST(VolumeModel, the_largest_part_comes_back_on_the_grid_of_the_image) {
  gantry::Run run;
  const Voxels<float> volume = balls();
  const Labels labels = segment_volume(threshold_network({96, 96, 96}), Image(volume.clone()), "made", run);
  ASSERT_EQ(labels.image().grid(), volume.grid());
  ASSERT_EQ(labels.table().size(), 1U);
  EXPECT_EQ(labels.table()[0].id, "bright_part");
  EXPECT_EQ(labels.table()[0].method, "made");
  const auto values = labels.image().as<std::uint8_t>();
  std::int64_t both = 0, found = 0, large = 0;
  for (std::int64_t k = 0; k < 30; ++k)
    for (std::int64_t j = 0; j < 50; ++j)
      for (std::int64_t i = 0; i < 60; ++i) {
        const bool in =
            norm(Vec3{static_cast<double>(i), 1.2 * static_cast<double>(j), 2 * static_cast<double>(k)} - Vec3{25, 30, 30}) < 15;
        both += in && values(i, j, k) == 1;
        found += values(i, j, k) == 1;
        large += in;
      }
  EXPECT_GT(2.0 * static_cast<double>(both) / static_cast<double>(found + large), 0.97);
  EXPECT_EQ(values(52, 42, 25), 0);
}

TEST(VolumeModel, a_part_of_the_head_has_the_classes_that_it_has_in_the_whole) {
  gantry::Run run;
  const Voxels<float> volume = balls();
  bundle::ImportedNetwork network = threshold_network({96, 96, 96});
  std::vector<bundle::VolumeLayer> layers = network.network.layers();
  // Two layers before it average along the rows, at two widths, so that voxels see others.
  for (const int dilation : {3, 5}) {
    bundle::VolumeLayer mean;
    mean.name = "mean";
    mean.kernel = 3;
    mean.dilation = dilation;
    mean.weights = {{1, 1, 3, 3, 3}, std::vector<float>(27, 0.0F)};
    for (const int n : {4, 13, 22}) mean.weights.values[static_cast<std::size_t>(n)] = 1.0F / 3;
    mean.bias = {{1}, {0.0F}};
    layers.insert(layers.begin(), mean);
  }
  network.network = bundle::VolumeNetwork(layers);
  // From the middle of the larger ball to beyond the volume: a corner of the box lies outside.
  const Vec3 low = volume.grid().world_from_voxel({25, 25, 15});
  const WorldBox box{{low.x, low.y - 12, low.z - 8}, {low.x + 200, low.y + 9, low.z + 11}};
  const Labels whole = segment_volume(network, Image(volume.clone()), "made", run);
  const Labels part = segment_volume(network, Image(volume.clone()), "made", run, box);
  const auto a = whole.image().as<std::uint8_t>(), b = part.image().as<std::uint8_t>();
  std::int64_t inside = 0, left_out = 0;
  for (std::int64_t n = 0; n < a.count(); ++n) {
    const Vec3 at =
        volume.grid().world_from_voxel({static_cast<double>(n % 60), static_cast<double>(n / 60 % 50), static_cast<double>(n / 3000)});
    double depth = INFINITY;  // below -1: outside, above 1: inside; between them a voxel of the network decides
    for (int axis = 0; axis < 3; ++axis) depth = std::min({depth, at[axis] - box.low[axis], box.high[axis] - at[axis]});
    if (depth > 1) {
      EXPECT_EQ(b[n], a[n]);
      inside += a[n];
    } else if (depth < -1) {
      EXPECT_EQ(b[n], 0);
      left_out += a[n];
    }
  }
  EXPECT_GT(inside, 500);
  EXPECT_GT(left_out, 500);
}

TEST(VolumeModel, a_network_without_a_stated_input_is_refused) {
  gantry::Run run;
  EXPECT_EQ(error_of([&] { segment_volume(threshold_network({0, 8, 8}), Image(balls()), "made", run); }).code(), ErrorCode::not_possible);
}

/// The largest difference between the outputs of two networks anywhere on a volume.
double largest_difference(const bundle::ImportedNetwork& a, const bundle::ImportedNetwork& b, const Voxels<float>& volume,
                          gantry::Run& run) {
  std::vector<float> outputs;
  run_mesh_network(a.network, volume, run,
                   [&](std::int64_t, std::span<const float> values) { outputs.insert(outputs.end(), values.begin(), values.end()); });
  double largest = 0;
  std::size_t at = 0;
  run_mesh_network(b.network, volume, run, [&](std::int64_t, std::span<const float> values) {
    for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value) - outputs.at(at++)));
  });
  return at == outputs.size() ? largest : std::numeric_limits<double>::infinity();
}

TEST(VolumeModel, both_formats_of_a_brain_network_agree_and_find_a_brain_of_the_known_volume) {
  const char* data = std::getenv("GANTRY_TEST_DATA");
  if (!data) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  const Path models = Path(data) / "models";
  gantry::Run run;
  const Image image = io::read(models / "brainchop/t1_crop.nii.gz", run);
  const auto tfjs = bundle::read_network(models / "brainchop/model5_gw_ae"),
             onnx = bundle::read_network(models / "brainchop-onnx/model5ae others");
  Voxels<float> volume = conformed(image, tfjs.input_size, run);
  scale_to_range(volume, tfjs.range, run);
  EXPECT_LT(largest_difference(tfjs, onnx, volume, run), 1e-4);
  const auto classes = classify_voxels(tfjs.network, volume, run);
  const auto brain =
      static_cast<double>(std::count_if(classes.values().begin(), classes.values().end(), [](auto value) { return value != 0; }));
  EXPECT_GT(brain / 1e6, 1.20);
  EXPECT_LT(brain / 1e6, 1.30);
  const auto larger = bundle::read_network(models / "brainchop/model11_gw_ae"),
             twin = bundle::read_network(models / "brainchop-onnx/model11 others");
  EXPECT_LT(largest_difference(larger, twin, crop<float>(volume, {64, 48, 64}, {96, 96, 96}), run), 1e-4);
}

}  // namespace
}  // namespace gantry::learning::volume_model_test
