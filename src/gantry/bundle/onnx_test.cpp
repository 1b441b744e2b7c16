// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/onnx.h"

#include <gtest/gtest.h>

#include "gantry/base/test_support.h"
#include "gantry/bundle/network_test_support.h"

namespace gantry::bundle::onnx_test {
namespace {

ImportedNetwork parsed(const std::string& bytes) { return parse_onnx(std::as_bytes(std::span(bytes.data(), bytes.size()))); }

TEST(Onnx, layers_have_their_shapes_weights_and_activations) {
  const ImportedNetwork imported = parsed(MadeOnnx{}.bytes());
  ASSERT_EQ(imported.network.layers().size(), 1U);
  const VolumeLayer& layer = imported.network.layers()[0];
  EXPECT_EQ(layer.name, "first");
  EXPECT_EQ(layer.dilation, 2);
  EXPECT_EQ(layer.activation, Activation::relu);
  EXPECT_EQ(layer.weights.values, steps(54));
  EXPECT_EQ(layer.bias.values, (std::vector<float>{-1, 2}));
  EXPECT_EQ(imported.input_size, (std::array<std::int64_t, 3>{8, 8, 8}));
  EXPECT_EQ(imported.producer, "made");
  EXPECT_EQ(imported.network.reach(), 2);
}

TEST(Onnx, what_is_not_supported_or_malformed_is_refused_with_its_reason) {
  struct Case {
    MadeOnnx model;
    ErrorCode code;
    const char* reason;
  };
  for (const Case& bad :
       {Case{{.kind = "MaxPool"}, ErrorCode::refused, "node 'second': operator MaxPool"},
        Case{{.second_input = "x"}, ErrorCode::refused, "only chains"},
        Case{{.strides = {2, 2, 2}}, ErrorCode::refused, "strides: must be 1"},
        Case{{.pads = {1, 1, 1, 1, 1, 1}}, ErrorCode::refused, "pads: must be 2"},
        Case{{.type = 10}, ErrorCode::refused, "must be float32"}, Case{{.external = true}, ErrorCode::refused, "within the file"},
        Case{{.values = 53}, ErrorCode::unreadable, "shape must fit"},
        Case{{.values = 55}, ErrorCode::unreadable, "must hold 54 values; got 55"},
        Case{{.shape = {std::uint64_t{1} << 62, 4, 3, 3, 3}}, ErrorCode::unreadable, "shape must fit"},
        Case{{.shape = {1, 2, 3, 3, 3}}, ErrorCode::unreadable, "bias: must be (1)"},
        Case{{.shape = {std::uint64_t{0} - 2, 1, 3, 3, 3}}, ErrorCode::unreadable, "shape must fit"}}) {
    const Error error = error_of([&] { parsed(bad.model.bytes()); });
    EXPECT_EQ(error.code(), bad.code) << error.what();
    EXPECT_NE(std::string(error.what()).find(bad.reason), std::string::npos) << error.what();
  }
}

TEST(Onnx, a_length_beyond_the_end_is_refused_before_anything_is_allocated) {
  const Error error = error_of([] { parsed("\x3a\xff\xff\xff\xff\x0f"); });
  EXPECT_NE(std::string(error.what()).find("must fit the 0 that are left"), std::string::npos) << error.what();
  EXPECT_EQ(error_of([] { parsed(std::string(11, '\xff')); }).code(), ErrorCode::unreadable);
}

TEST(Onnx, every_truncation_and_every_changed_byte_gives_a_network_or_an_error) {
  const std::string whole = MadeOnnx{}.bytes();
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_THROW(parsed(whole.substr(0, length)), Error) << length << " of " << whole.size() << " bytes";
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const int change : {1, 0x80, 0xff}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ change);
      try {
        parsed(changed);
      } catch (const Error&) {
        ++refused;
      }
    }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace gantry::bundle::onnx_test
