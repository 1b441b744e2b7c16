// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/mesh_network.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gantry/base/random.h"
#include "gantry/base/test_support.h"

namespace gantry::learning::mesh_network_test {
namespace {

using bundle::Activation;
using bundle::VolumeLayer;
using bundle::VolumeNetwork;

VolumeLayer layer_of(int outputs, int inputs, int kernel, int dilation, std::uint64_t seed) {
  VolumeLayer layer;
  layer.name = "made";
  layer.kernel = kernel;
  layer.dilation = dilation;
  layer.weights.shape = {outputs, inputs, kernel, kernel, kernel};
  layer.bias.shape = {outputs};
  Random random(seed);
  for (int n = 0; n < outputs * inputs * kernel * kernel * kernel; ++n)
    layer.weights.values.push_back(static_cast<float>(random.next_uniform() - 0.5));
  for (int n = 0; n < outputs; ++n) layer.bias.values.push_back(static_cast<float>(random.next_uniform() - 0.5));
  return layer;
}

/// One input, one output, all weights zero but one.
VolumeLayer tap_at(int i, int j, int k, int dilation) {
  VolumeLayer layer = layer_of(1, 1, 3, dilation, 1);
  std::fill(layer.weights.values.begin(), layer.weights.values.end(), 0.0F);
  layer.weights.values[static_cast<std::size_t>((i * 3 + j) * 3 + k)] = 1;
  layer.bias.values = {0};
  return layer;
}

Voxels<float> made_volume(Size3 size, std::uint64_t seed = 5) {
  auto volume = Voxels<float>::uninitialized(Grid(size));
  Random random(seed);
  for (float& value : volume.values()) value = static_cast<float>(random.next_uniform());
  return volume;
}

/// The output as (channel, k, j, i).
std::vector<float> output_of(const VolumeNetwork& network, const Voxels<float>& volume, int threads = 2) {
  const std::int64_t slice = volume.grid().size(0) * volume.grid().size(1), slices = volume.grid().size(2);
  std::vector<float> output(static_cast<std::size_t>(network.outputs() * slice * slices));
  gantry::Run run(RunOptions{.threads = threads});
  std::int64_t next = 0;
  run_mesh_network(network, volume, run, [&](std::int64_t k, std::span<const float> values) {
    EXPECT_EQ(k, next++);
    for (std::int64_t c = 0; c < network.outputs(); ++c)
      std::copy_n(values.begin() + c * slice, slice, output.begin() + (c * slices + k) * slice);
  });
  EXPECT_EQ(next, slices);
  return output;
}

/// The same by the definition, in double precision.
std::vector<double> defined_output(const VolumeNetwork& network, const Voxels<float>& volume) {
  const auto [ni, nj, nk] = volume.grid().size();
  const std::int64_t count = ni * nj * nk;
  std::vector<double> values(volume.values().begin(), volume.values().end());
  for (const VolumeLayer& layer : network.layers()) {
    std::vector<double> next(static_cast<std::size_t>(layer.outputs() * count));
    const int half = layer.kernel / 2;
    for (int out = 0; out < layer.outputs(); ++out) {
      double* to = next.data() + out * count;
      for (std::int64_t k = 0; k < nk; ++k)
        for (std::int64_t j = 0; j < nj; ++j)
          for (std::int64_t i = 0; i < ni; ++i) {
            double sum = layer.bias.values[static_cast<std::size_t>(out)];
            std::size_t weight = static_cast<std::size_t>(out * layer.inputs() * layer.kernel * layer.kernel * layer.kernel);
            for (int in = 0; in < layer.inputs(); ++in)
              for (int a = -half; a <= half; ++a)
                for (int b = -half; b <= half; ++b)
                  for (int c = -half; c <= half; ++c, ++weight) {
                    const std::int64_t x = i + a * layer.dilation, y = j + b * layer.dilation, z = k + c * layer.dilation;
                    if (x < 0 || x >= ni || y < 0 || y >= nj || z < 0 || z >= nk) continue;
                    sum += layer.weights.values[weight] * values[static_cast<std::size_t>(in * count + x + ni * (y + nj * z))];
                  }
            to[i + ni * (j + nj * k)] = sum;
          }
      double mean = 0, variance = 0;
      for (std::int64_t n = 0; n < count; ++n) mean += to[n] / static_cast<double>(count);
      for (std::int64_t n = 0; n < count; ++n) variance += (to[n] - mean) * (to[n] - mean) / static_cast<double>(count);
      for (std::int64_t n = 0; n < count; ++n) {
        const double v = layer.normalised ? (to[n] - mean) / std::sqrt(variance + layer.epsilon) : to[n];
        to[n] = layer.activation == Activation::relu   ? std::max(v, 0.0)
                : layer.activation == Activation::elu  ? (v > 0 ? v : std::expm1(v))
                : layer.activation == Activation::gelu ? v / 2 * (1 + std::erf(v / std::sqrt(2.0)))
                                                       : v;
      }
    }
    values = std::move(next);
  }
  return values;
}

/// Errors stay below `tolerance` times the largest output.
void expect_defined(const VolumeNetwork& network, const Voxels<float>& volume, double tolerance) {
  const auto output = output_of(network, volume);
  const auto expected = defined_output(network, volume);
  ASSERT_EQ(output.size(), expected.size());
  double worst = 0, largest = 0;
  for (std::size_t n = 0; n < output.size(); ++n) {
    worst = std::max(worst, std::abs(output[n] - expected[n]));
    largest = std::max(largest, std::abs(expected[n]));
  }
  EXPECT_LT(worst, tolerance * largest);
}

TEST(MeshNetwork, one_tap_moves_the_volume_along_its_axis_and_brings_zeros_in) {
  const auto volume = made_volume({20, 9, 7});
  for (const int dilation : {1, 2, 16})
    for (int axis = 0; axis < 3; ++axis) {
      const auto output = output_of(VolumeNetwork({tap_at(axis == 0 ? 2 : 1, axis == 1 ? 2 : 1, axis == 2 ? 2 : 1, dilation)}), volume);
      const auto [ni, nj, nk] = volume.grid().size();
      for (std::int64_t k = 0; k < nk; ++k)
        for (std::int64_t j = 0; j < nj; ++j)
          for (std::int64_t i = 0; i < ni; ++i) {
            const std::int64_t x = i + (axis == 0 ? dilation : 0), y = j + (axis == 1 ? dilation : 0), z = k + (axis == 2 ? dilation : 0);
            const float expected = x < ni && y < nj && z < nk ? volume(x, y, z) : 0.0F;
            ASSERT_EQ(output[static_cast<std::size_t>(i + ni * (j + nj * k))], expected) << axis << " " << dilation;
          }
    }
}

TEST(MeshNetwork, a_box_of_ones_counts_the_voxels_within_the_volume) {
  VolumeLayer box = layer_of(1, 1, 3, 1, 1);
  std::fill(box.weights.values.begin(), box.weights.values.end(), 1.0F);
  box.bias.values = {0};
  const auto output = output_of(VolumeNetwork({box}), Voxels<float>(Grid({5, 5, 5}), 1.0F));
  EXPECT_EQ(output[0], 8);
  EXPECT_EQ(output[2], 12);
  EXPECT_EQ(output[2 + 5 * 2], 18);
  EXPECT_EQ(output[2 + 5 * (2 + 5 * 2)], 27);
}

TEST(MeshNetwork, equals_its_definition_for_every_activation_and_number_of_channels) {
  for (const Activation activation : {Activation::relu, Activation::elu, Activation::gelu}) {
    VolumeLayer first = layer_of(7, 1, 3, 2, 11), second = layer_of(13, 7, 3, 3, 12), third = layer_of(1, 13, 5, 1, 13);
    first.activation = second.activation = third.activation = activation;
    expect_defined(VolumeNetwork({first, second, third, layer_of(3, 1, 1, 1, 14)}), made_volume({19, 8, 9}), 2e-6);
  }
}

TEST(MeshNetwork, normalisation_takes_each_channel_over_the_whole_volume) {
  VolumeLayer first = layer_of(6, 1, 3, 2, 21), second = layer_of(5, 6, 3, 1, 22), last = layer_of(2, 5, 1, 1, 23);
  first.normalised = second.normalised = true;
  first.activation = second.activation = Activation::gelu;
  expect_defined(VolumeNetwork({first, second, last}), made_volume({17, 10, 8}), 5e-6);
  last.normalised = true;
  expect_defined(VolumeNetwork({first, second, last}), made_volume({17, 10, 8}), 5e-6);
  const auto output = output_of(VolumeNetwork({first, second, last}), made_volume({17, 10, 8}));
  double sum = 0, squares = 0;
  for (std::size_t n = 0; n < output.size() / 2; ++n) {
    sum += output[n];
    squares += output[n] * output[n];
  }
  EXPECT_NEAR(sum / (17 * 10 * 8), 0, 1e-6);
  EXPECT_NEAR(squares / (17 * 10 * 8), 1, 1e-3);
}

TEST(MeshNetwork, a_channel_without_variation_becomes_zero) {
  VolumeLayer layer = layer_of(1, 1, 1, 1, 3);
  layer.normalised = true;
  for (const float value : output_of(VolumeNetwork({layer}), Voxels<float>(Grid({4, 4, 4}), 3.0F))) ASSERT_NEAR(value, 0, 1e-3);
}

TEST(MeshNetwork, gives_the_same_bits_for_any_number_of_threads) {
  VolumeLayer first = layer_of(11, 1, 3, 4, 31), second = layer_of(11, 11, 3, 2, 32);
  first.normalised = true;
  first.activation = second.activation = Activation::elu;
  const VolumeNetwork network({first, second, layer_of(4, 11, 1, 1, 33)});
  const auto volume = made_volume({33, 30, 12});
  EXPECT_EQ(output_of(network, volume, 1), output_of(network, volume, 3));
}

TEST(MeshNetwork, classes_are_the_first_of_the_highest_outputs) {
  VolumeLayer layer = layer_of(3, 1, 1, 1, 1);
  layer.weights.values = {1, -1, 1};
  layer.bias.values = {0, 0.5F, 0};
  auto volume = Voxels<float>(Grid({2, 1, 1}));
  volume[0] = 0.1F;
  volume[1] = 0.9F;
  gantry::Run run;
  const auto classes = classify_voxels(VolumeNetwork({layer}), volume, run);
  EXPECT_EQ(classes[0], 1);
  EXPECT_EQ(classes[1], 0);
}

TEST(MeshNetwork, more_memory_than_allowed_and_other_components_are_refused) {
  const VolumeNetwork network({layer_of(8, 1, 3, 1, 1), layer_of(2, 8, 1, 1, 2)});
  gantry::Run small(RunOptions{.memory_bytes = 1 << 16});
  EXPECT_EQ(error_of([&] { classify_voxels(network, made_volume({32, 32, 32}), small); }).code(), ErrorCode::out_of_memory);
  gantry::Run run;
  EXPECT_EQ(error_of([&] { classify_voxels(network, Voxels<float>(Grid({4, 4, 4}), 0, 2), run); }).code(), ErrorCode::parameter);
  run.cancel();
  EXPECT_EQ(error_of([&] { classify_voxels(network, made_volume({8, 8, 8}), run); }).code(), ErrorCode::cancelled);
}

}  // namespace
}  // namespace gantry::learning::mesh_network_test
