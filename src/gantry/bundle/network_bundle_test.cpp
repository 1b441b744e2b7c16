// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/network_bundle.h"

#include <gtest/gtest.h>

#include <functional>

#include "gantry/base/test_support.h"
#include "gantry/bundle/network_test_support.h"
#include "gantry/bundle/onnx.h"

namespace gantry::bundle::network_bundle_test {
namespace {

ImportedNetwork made_network() {
  const std::string bytes = MadeOnnx{}.bytes();
  ImportedNetwork imported = parse_onnx(std::as_bytes(std::span(bytes.data(), bytes.size())));
  imported.classes = {{"background", {}}, {"liver", {10, 20, 30}}};
  imported.range = {0.05, 0.95};
  return imported;
}

TEST(NetworkBundle, what_is_written_is_read_again) {
  const TemporaryFolder folder;
  const ImportedNetwork imported = made_network();
  write_network_bundle(folder.path() / "liver", imported, Json{{"title", "A liver"}, {"licence", "MIT"}}, Bytes(3));
  const Bundle bundle = open_bundle(folder.path() / "liver");
  EXPECT_EQ(bundle.name, "liver");
  EXPECT_TRUE(holds_network(bundle));
  EXPECT_TRUE(bundle.manifest["files"].contains("LICENSE"));
  const ImportedNetwork again = read_network_bundle(bundle);
  const VolumeLayer &layer = again.network.layers()[0], &before = imported.network.layers()[0];
  EXPECT_EQ(layer.weights.values, before.weights.values);
  EXPECT_EQ(layer.weights.shape, before.weights.shape);
  EXPECT_EQ(layer.bias.values, before.bias.values);
  EXPECT_EQ(layer.activation, before.activation);
  EXPECT_EQ(layer.dilation, 2);
  EXPECT_EQ(again.input_size, imported.input_size);
  EXPECT_EQ(again.range.low, 0.05);
  EXPECT_EQ(again.classes[1].name, "liver");
  EXPECT_EQ(again.classes[1].color, (std::array<int, 3>{10, 20, 30}));
  EXPECT_NE(read_text(bundle.file("card.md")).find("# A liver"), std::string::npos);
}

TEST(NetworkBundle, the_same_network_gives_the_same_bytes) {
  const TemporaryFolder folder;
  write_network_bundle(folder.path() / "a" / "liver", made_network(), Json::object(), std::nullopt);
  write_network_bundle(folder.path() / "b" / "liver", made_network(), Json::object(), std::nullopt);
  EXPECT_EQ(open_bundle(folder.path() / "a" / "liver").sha256, open_bundle(folder.path() / "b" / "liver").sha256);
}

TEST(NetworkBundle, a_manifest_that_does_not_fit_the_weights_is_refused) {
  struct Case {
    std::function<void(Json&)> change;
    ErrorCode code;
    const char* reason;
  };
  const auto layer = [](const char* key, Json value) {
    return [key, value](Json& json) { json["architecture"]["layers"][0][key] = value; };
  };
  for (const Case& bad :
       {Case{layer("kernel", 5), ErrorCode::unreadable, "weights: must be"},
        Case{layer("dilation", 1000), ErrorCode::unreadable, "dilation"},
        Case{layer("activation", "swish"), ErrorCode::unreadable, "got swish"},
        Case{[](Json& json) { json["architecture"]["layers"] = Json::array(); }, ErrorCode::unreadable, "belongs to no layer"},
        Case{[](Json& json) { json["architecture"]["layers"].push_back(json["architecture"]["layers"][0]); }, ErrorCode::unreadable,
             "1.weights: must be there"},
        Case{[](Json& json) { json["architecture"]["kind"] = "other"; }, ErrorCode::refused, "must hold a volume network"},
        Case{[](Json& json) { json["classes"].erase(1); }, ErrorCode::unreadable, "classes: must be the network's 2"},
        Case{[](Json& json) { json["input"]["size"][0] = 1 << 20; }, ErrorCode::unreadable, "size"},
        Case{[](Json& json) { json["input"]["range"]["low_quantile"] = 0.99; }, ErrorCode::unreadable, "must lie below"}}) {
    const TemporaryFolder folder;
    write_network_bundle(folder.path() / "liver", made_network(), Json::object(), std::nullopt);
    const Path file = folder.path() / "liver" / "manifest.json";
    Json manifest = parse_json(read_text(file));
    bad.change(manifest);
    write_atomic(file, to_text(manifest));
    const Error error = error_of([&] { read_network_bundle(open_bundle(folder.path() / "liver")); });
    EXPECT_EQ(error.code(), bad.code) << error.what();
    EXPECT_NE(std::string(error.what()).find(bad.reason), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace gantry::bundle::network_bundle_test
