// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/tfjs.h"

#include <gtest/gtest.h>

#include <functional>

#include "gantry/base/test_support.h"
#include "gantry/bundle/network_test_support.h"
#include "gantry/bundle/onnx.h"

namespace gantry::bundle::tfjs_test {
namespace {

Path written(const TemporaryFolder& folder, const Json& json, const std::vector<float>& weights = tfjs_weights()) {
  write_atomic(folder.path() / "model.json", to_text(json));
  write_atomic(folder.path() / "weights.bin", raw_floats(weights));
  return folder.path() / "model.json";
}

Json& layers_of(Json& json) { return json["modelTopology"]["model_config"]["config"]["layers"]; }

TEST(Tfjs, gives_the_same_network_as_its_onnx_twin) {
  const TemporaryFolder folder;
  const ImportedNetwork imported = read_tfjs(written(folder, made_tfjs()));
  const std::string bytes = MadeOnnx{}.bytes();
  const ImportedNetwork twin = parse_onnx(std::as_bytes(std::span(bytes.data(), bytes.size())));
  ASSERT_EQ(imported.network.layers().size(), 1U);
  const VolumeLayer &layer = imported.network.layers()[0], &other = twin.network.layers()[0];
  EXPECT_EQ(layer.weights.shape, other.weights.shape);
  EXPECT_EQ(layer.weights.values, other.weights.values);
  EXPECT_EQ(layer.bias.values, other.bias.values);
  EXPECT_EQ(layer.dilation, other.dilation);
  EXPECT_EQ(layer.activation, other.activation);
  EXPECT_FALSE(layer.normalised);
  EXPECT_EQ(imported.input_size, twin.input_size);
}

TEST(Tfjs, a_name_that_ends_in_gn_means_normalised_channels) {
  const TemporaryFolder folder;
  Json json = made_tfjs();
  layers_of(json)[1]["name"] = "first_gn";
  layers_of(json)[1]["config"]["use_bias"] = false;
  layers_of(json)[2]["inbound_nodes"][0][0][0] = "first_gn";
  Json& weights = json["weightsManifest"][0]["weights"];
  weights[0]["name"] = "first_gn/kernel";
  weights.erase(1);
  json["_comment"] = "Normalize the data for this model with min = 5% quantile, max = 95% quantile";
  auto values = tfjs_weights();
  values.resize(54);
  const ImportedNetwork imported = read_tfjs(written(folder, json, values));
  EXPECT_TRUE(imported.network.layers()[0].normalised);
  EXPECT_TRUE(imported.network.layers()[0].bias.values.empty());
  EXPECT_EQ(imported.range.low, 0.05);
  EXPECT_EQ(imported.range.high, 0.95);
}

TEST(Tfjs, what_is_not_supported_or_malformed_is_refused_with_its_reason) {
  struct Case {
    std::function<void(Json&)> change;
    ErrorCode code;
    const char* reason;
  };
  const auto config = [](const char* key, Json value) { return [key, value](Json& json) { layers_of(json)[1]["config"][key] = value; }; };
  const auto weights = [](const char* key, Json value) {
    return [key, value](Json& json) { json["weightsManifest"][0]["weights"][0][key] = value; };
  };
  const auto path = [](Json value) { return [value](Json& json) { json["weightsManifest"][0]["paths"][0] = value; }; };
  for (const Case& bad :
       {Case{path("../weights.bin"), ErrorCode::refused, "plain file names"},
        Case{path("/etc/passwd"), ErrorCode::refused, "plain file names"},
        Case{path(".."), ErrorCode::refused, "plain file names"},
        Case{path("a\\b"), ErrorCode::refused, "plain file names"},
        Case{path(7), ErrorCode::refused, "plain file names"},
        Case{path("none.bin"), ErrorCode::not_found, "none.bin"},
        Case{[](Json& json) { layers_of(json)[1]["class_name"] = "MaxPooling3D"; }, ErrorCode::refused,
             "layer 'first': class_name: must be Conv3D"},
        Case{[](Json& json) { layers_of(json)[2]["inbound_nodes"][0][0][0] = "in"; }, ErrorCode::refused, "only chains"},
        Case{[](Json& json) { layers_of(json)[2]["config"]["activation"] = "swish"; }, ErrorCode::unreadable, "got swish"},
        Case{[](Json& json) { layers_of(json).erase(1); }, ErrorCode::refused, "only chains"},
        Case{[](Json& json) { layers_of(json) = Json::array(); }, ErrorCode::unreadable, "belong to no layer"},
        Case{[](Json& json) { json["format"] = "graph-model"; }, ErrorCode::refused, "layers-model"},
        Case{[](Json& json) { json.erase("modelTopology"); }, ErrorCode::unreadable, "modelTopology: must be there"},
        Case{config("strides", {2, 2, 2}), ErrorCode::refused, "strides: must be 1"},
        Case{config("padding", "valid"), ErrorCode::refused, "padding: must be same"},
        Case{config("kernel_size", {3, 3, 1}), ErrorCode::refused, "the same along the three axes"},
        Case{config("kernel_size", {5, 5, 5}), ErrorCode::unreadable, "weights: must be"},
        Case{config("dilation_rate", {0, 0, 0}), ErrorCode::unreadable, "dilation: must lie between"},
        Case{config("dilation_rate", {-1, 2, 2}), ErrorCode::unreadable, "must be a whole number"},
        Case{config("filters", 3), ErrorCode::unreadable, "filters: must be the kernel's 2"},
        Case{config("groups", 2), ErrorCode::refused, "groups: must be 1"},
        Case{weights("dtype", "uint8"), ErrorCode::refused, "must be float32"},
        Case{weights("quantization", {{"dtype", "uint8"}}), ErrorCode::refused, "plain float32"},
        Case{weights("shape", {3, 3, 3, 1, 4294967296}), ErrorCode::unreadable, "must be a whole number"},
        Case{weights("shape", {2147483648, 2147483648, 2147483648, 2, 2}), ErrorCode::unreadable, "must fit the 56 values"},
        Case{weights("shape", {3, 3, 3, 1}), ErrorCode::unreadable, "29 of 56 values are used"},
        Case{weights("name", "first/bias"), ErrorCode::unreadable, "must be listed once"}}) {
    const TemporaryFolder folder;
    Json json = made_tfjs();
    bad.change(json);
    const Path file = written(folder, json);
    const Error error = error_of([&] { read_tfjs(file); });
    EXPECT_EQ(error.code(), bad.code) << error.what();
    EXPECT_NE(std::string(error.what()).find(bad.reason), std::string::npos) << error.what();
  }
}

TEST(Tfjs, weights_that_are_too_short_too_long_or_not_finite_are_refused) {
  const auto reason = [](std::vector<float> weights) {
    const TemporaryFolder folder;
    const Path file = written(folder, made_tfjs(), weights);
    return std::string(error_of([&] { read_tfjs(file); }).what());
  };
  auto values = tfjs_weights();
  values[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(reason(values).find("weights: values must be finite"), std::string::npos);
  values = tfjs_weights();
  values.push_back(1);
  EXPECT_NE(reason(values).find("56 of 57 values are used"), std::string::npos);
  values.resize(20);
  EXPECT_NE(reason(values).find("must fit the 20 values"), std::string::npos);
}

TEST(Tfjs, every_truncation_of_the_description_is_an_error) {
  const std::string whole = to_text(made_tfjs());
  const TemporaryFolder folder;
  const Path file = written(folder, made_tfjs());
  for (std::size_t length = 0; length + 2 < whole.size(); length += 41) {
    write_atomic(file, whole.substr(0, length));
    EXPECT_THROW(read_tfjs(file), Error) << length;
  }
}

}  // namespace
}  // namespace gantry::bundle::tfjs_test
