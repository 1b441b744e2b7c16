// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/network.h"

#include <gtest/gtest.h>

#include "gantry/base/test_support.h"
#include "gantry/bundle/network_test_support.h"

namespace gantry::bundle::network_test {
namespace {

VolumeLayer layer_of(std::int64_t outputs, std::int64_t inputs, int kernel) {
  VolumeLayer layer;
  layer.name = "made";
  layer.kernel = kernel;
  layer.weights.shape = {outputs, inputs, kernel, kernel, kernel};
  layer.weights.values = steps(static_cast<std::size_t>(outputs * inputs * kernel * kernel * kernel));
  return layer;
}

TEST(VolumeNetwork, counts_its_parameters_its_reach_and_its_work) {
  VolumeLayer first = layer_of(2, 1, 3);
  first.dilation = 4;
  first.bias = {{2}, {0, 1}};
  const VolumeNetwork network({first, layer_of(3, 2, 1)});
  EXPECT_EQ(network.inputs(), 1);
  EXPECT_EQ(network.outputs(), 3);
  EXPECT_EQ(network.parameters(), 54 + 2 + 6);
  EXPECT_EQ(network.products_per_voxel(), 54 + 6);
  EXPECT_EQ(network.reach(), 4);
}

TEST(VolumeNetwork, what_does_not_fit_together_is_refused_with_the_layer) {
  const auto reason = [](std::vector<VolumeLayer> layers) {
    return std::string(error_of([&] { VolumeNetwork network(std::move(layers)); }).what());
  };
  EXPECT_NE(reason({}).find("layers: must be 1 to 256"), std::string::npos);
  EXPECT_NE(reason({layer_of(2, 1, 3), layer_of(2, 3, 1)}).find("layer 'made': inputs: must be the 2 outputs"), std::string::npos);
  VolumeLayer layer = layer_of(2, 1, 3);
  layer.kernel = 2;
  EXPECT_NE(reason({layer}).find("kernel: must be 1, 3, 5 or 7; got 2"), std::string::npos);
  layer = layer_of(2, 1, 3);
  layer.weights.values.pop_back();
  EXPECT_NE(reason({layer}).find("got 53 values"), std::string::npos);
  layer = layer_of(2, 1, 3);
  layer.bias = {{3}, {0, 0, 0}};
  EXPECT_NE(reason({layer}).find("bias: must be (2)"), std::string::npos);
  layer = layer_of(1, 1, 1);
  layer.weights.shape = {2000, 1, 1, 1, 1};
  EXPECT_NE(reason({layer}).find("1 to 1024 channels"), std::string::npos);
  EXPECT_NE(reason(std::vector<VolumeLayer>(257, layer_of(1, 1, 1))).find("got 257"), std::string::npos);
}

TEST(VolumeNetwork, classes_are_those_of_the_colormap_with_as_many_labels) {
  const TemporaryFolder folder;
  write_atomic(folder.path() / "model.json", to_text(made_tfjs()));
  write_atomic(folder.path() / "weights.bin", raw_floats(tfjs_weights()));
  EXPECT_EQ(read_network(folder.path()).classes[1].name, "class 1");
  write_atomic(folder.path() / "colormap.json", R"({"R": [0, 300], "G": [0, 2], "B": [0, 3], "labels": ["background", "liver"]})");
  write_atomic(folder.path() / "colormap3.json", R"({"labels": ["a", "b", "c"]})");
  const auto classes = read_network(folder.path()).classes;
  ASSERT_EQ(classes.size(), 2U);
  EXPECT_EQ(classes[1].name, "liver");
  EXPECT_EQ(classes[1].color, (std::array<int, 3>{255, 2, 3}));
}

TEST(VolumeNetwork, a_source_without_a_network_says_so) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { read_network(folder.path()); }).code(), ErrorCode::not_found);
  EXPECT_EQ(error_of([&] { read_network(folder.path() / "none"); }).code(), ErrorCode::not_found);
}

TEST(VolumeNetwork, both_formats_of_the_brain_networks_hold_the_same_weights) {
  const char* data = std::getenv("GANTRY_TEST_DATA");
  if (!data) GTEST_SKIP() << "GANTRY_TEST_DATA is not set";
  const Path models = Path(data) / "models";
  for (const auto& [folder, twin] : {std::pair("model5_gw_ae", "model5ae others"), std::pair("model11_gw_ae", "model11 others")}) {
    const ImportedNetwork tfjs = read_network(models / "brainchop" / folder), onnx = read_network(models / "brainchop-onnx" / twin);
    ASSERT_EQ(tfjs.network.layers().size(), onnx.network.layers().size());
    EXPECT_EQ(tfjs.input_size, onnx.input_size);
    for (std::size_t n = 0; n < tfjs.network.layers().size(); ++n) {
      const VolumeLayer &a = tfjs.network.layers()[n], &b = onnx.network.layers()[n];
      EXPECT_EQ(a.weights.values, b.weights.values) << folder << " layer " << n;
      EXPECT_EQ(a.bias.values, b.bias.values);
      EXPECT_EQ(a.dilation, b.dilation);
      EXPECT_EQ(a.activation, b.activation);
    }
  }
  const std::map<std::string, std::pair<std::int64_t, int>> expected{
      {"mindgrab", {146237, 2}},          {"model5_gw_ae", {5598, 3}},       {"model11_gw_ae", {23290, 3}},
      {"model18cls", {96408, 18}},        {"model20chan3cls", {87183, 3}},   {"model21_104class", {86372, 104}},
      {"model30chan18cls", {196038, 18}}, {"model30chan50cls", {197030, 50}}};
  for (const auto& [name, counts] : expected) {
    const ImportedNetwork imported = read_network(models / "brainchop" / name);
    EXPECT_EQ(imported.network.parameters(), counts.first) << name;
    EXPECT_EQ(imported.network.outputs(), counts.second) << name;
    EXPECT_EQ(imported.network.layers()[0].normalised, name == "mindgrab");
    EXPECT_EQ(imported.range.high, name == "model20chan3cls" || name == "model30chan50cls" ? 0.95 : 1.0) << name;
  }
}

}  // namespace
}  // namespace gantry::bundle::network_test
