// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "gantry/base/json.h"

namespace gantry::bundle {

/// Writer of the wire format of protocol buffers, for tests.
class ProtoWriter {
 public:
  ProtoWriter& number(unsigned field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
    return *this;
  }
  ProtoWriter& text(unsigned field, const std::string& bytes) {
    varint(field << 3 | 2);
    varint(bytes.size());
    bytes_ += bytes;
    return *this;
  }
  ProtoWriter& real(unsigned field, float value) {
    varint(field << 3 | 5);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  ProtoWriter& message(unsigned field, const ProtoWriter& inner) { return text(field, inner.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    while (value >= 128) {
      bytes_.push_back(static_cast<char>((value & 127) | 128));
      value >>= 7;
    }
    bytes_.push_back(static_cast<char>(value));
  }
  std::string bytes_;
};

inline std::string raw_floats(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// 0.5, 1, 1.5, ...
inline std::vector<float> steps(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t n = 0; n < count; ++n) values[n] = 0.5F * static_cast<float>(n + 1);
  return values;
}

/// What can be changed in the made ONNX model: one 3x3x3 convolution from one channel to two, then one node more.
struct MadeOnnx {
  std::string kind = "Relu";
  std::vector<std::uint64_t> shape{2, 1, 3, 3, 3}, pads{2, 2, 2, 2, 2, 2}, strides{1, 1, 1};
  std::size_t values = 54;
  std::uint64_t type = 1;
  std::string second_input = "a";
  bool external = false;

  std::string bytes() const {
    const auto ints = [](const char* name, const std::vector<std::uint64_t>& values) {
      ProtoWriter attribute;
      attribute.text(1, name);
      for (const auto value : values) attribute.number(8, value);
      return attribute.number(20, 7);
    };
    const auto convolution = ProtoWriter()
                                 .text(1, "x")
                                 .text(1, "w")
                                 .text(1, "b")
                                 .text(2, "a")
                                 .text(3, "first")
                                 .text(4, "Conv")
                                 .message(5, ints("kernel_shape", {3, 3, 3}))
                                 .message(5, ints("dilations", {2, 2, 2}))
                                 .message(5, ints("pads", pads))
                                 .message(5, ints("strides", strides));
    const auto second = ProtoWriter().text(1, second_input).text(2, "y").text(3, "second").text(4, kind);
    ProtoWriter weights, bias;
    for (const auto size : shape) weights.number(1, size);
    weights.number(2, type).text(8, "w").text(9, raw_floats(steps(values)));
    if (external) weights.number(14, 1);
    bias.number(1, 2).number(2, 1).text(8, "b").real(4, -1.0F).real(4, 2.0F);
    ProtoWriter sizes;
    for (const std::uint64_t size : {1, 1, 8, 8, 8}) sizes.message(1, ProtoWriter().number(1, size));
    const auto info = [&](const char* name) {
      return ProtoWriter().text(1, name).message(2, ProtoWriter().message(1, ProtoWriter().number(1, 1).message(2, sizes)));
    };
    const auto graph = ProtoWriter()
                           .message(1, convolution)
                           .message(1, second)
                           .message(5, weights)
                           .message(5, bias)
                           .message(11, info("x"))
                           .message(12, ProtoWriter().text(1, "y"));
    return ProtoWriter().number(1, 7).text(2, "made").message(7, graph).bytes();
  }
};

/// The tfjs description of the same network; its weight file `weights.bin` holds `tfjs_weights()`.
inline Json made_tfjs() {
  return parse_json(
      R"({"format": "layers-model", "generatedBy": "made", "modelTopology": {"model_config": {"class_name": "Functional", "config": {
    "layers": [
     {"class_name": "InputLayer", "name": "in", "inbound_nodes": [], "config": {"batch_input_shape": [null, 8, 8, 8, 1]}},
     {"class_name": "Conv3D", "name": "first", "inbound_nodes": [[["in", 0, 0, {}]]], "config": {"filters": 2, "kernel_size": [3, 3, 3],
      "strides": [1, 1, 1], "dilation_rate": [2, 2, 2], "padding": "same", "data_format": "channels_last", "activation": "linear",
      "use_bias": true}},
     {"class_name": "Activation", "name": "second", "inbound_nodes": [[["first", 0, 0, {}]]], "config": {"activation": "relu"}}]}}},
   "weightsManifest": [{"paths": ["weights.bin"], "weights": [
     {"name": "first/kernel", "shape": [3, 3, 3, 1, 2], "dtype": "float32"}, {"name": "first/bias", "shape": [2], "dtype": "float32"}]}]})");
}
inline std::vector<float> tfjs_weights() {
  const std::vector<float> kernel = steps(54);
  std::vector<float> values;
  for (std::size_t tap = 0; tap < 27; ++tap)
    for (std::size_t filter = 0; filter < 2; ++filter) values.push_back(kernel[filter * 27 + tap]);
  values.push_back(-1.0F);
  values.push_back(2.0F);
  return values;
}

}  // namespace gantry::bundle
