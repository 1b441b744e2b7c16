// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/bundle/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "gantry/base/test_support.h"

namespace gantry::bundle::safetensors_test {
namespace {

/// A file of `header` and `floats` values 0, 1, 2, ...
Path written(const TemporaryFolder& folder, const std::string& header, std::size_t floats, std::uint64_t stated = 0) {
  const std::uint64_t length = stated ? stated : header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes += header;
  for (std::size_t n = 0; n < floats; ++n) {
    const auto value = static_cast<float>(n);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  const Path path = folder.path() / "weights.safetensors";
  write_atomic(path, bytes);
  return path;
}

TEST(Safetensors, tensors_have_their_names_shapes_and_values) {
  const TemporaryFolder folder;
  const Weights weights =
      read_safetensors(written(folder,
                               R"({"__metadata__":{"version":"3"},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[4,20]},)"
                               R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                               5));
  ASSERT_EQ(weights.tensors.size(), 2U);
  EXPECT_EQ(weights.tensors.at("b").shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(weights.tensors.at("b").values, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(weights.tensors.at("a").values, std::vector<float>{0});
  EXPECT_EQ(weights.metadata.at("version"), "3");
}

TEST(Safetensors, what_is_malformed_is_refused_with_its_reason) {
  struct Case {
    const char* header;
    std::size_t floats;
    std::uint64_t stated;
    const char* reason;
  };
  for (const Case& bad :
       {Case{"{}", 0, 90, "header must fit"}, Case{"{}", 0, std::uint64_t{1} << 60, "header must fit"},
        Case{"[]", 0, 0, "must be an object"}, Case{"{}", 3, 0, "must fill the file"},
        Case{R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 1, 0, "within the file"},
        Case{R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}})", 1, 0, "must fit the file"},
        Case{R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 1, 0, "within the file"},
        Case{R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 1, 0, "not negative"},
        Case{R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", 2, 0, "must be F32"},
        Case{R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 1, 0,
             "gap or overlap"},
        Case{R"({"a":7})", 0, 0, "must have dtype"}}) {
    const TemporaryFolder folder;
    const Path path = written(folder, bad.header, bad.floats, bad.stated);
    const Error error = error_of([&] { read_safetensors(path); });
    EXPECT_EQ(error.code(), ErrorCode::unreadable);
    EXPECT_NE(std::string(error.what()).find(bad.reason), std::string::npos) << error.what();
  }
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { read_safetensors(folder.path() / "none"); }).code(), ErrorCode::not_found);
}

}  // namespace
TEST(Safetensors, come_back_as_they_were_written) {
  Weights weights;
  weights.tensors["b"] = {{2, 3}, {1, 2, 3, 4, 5, 6}};
  weights.tensors["a"] = {{}, {7}};
  weights.tensors["empty"] = {{0, 4}, {}};
  weights.metadata["version"] = "3";
  const TemporaryFolder folder;
  write_atomic(folder.path() / "w.safetensors", encode_safetensors(weights));
  const Weights back = read_safetensors(folder.path() / "w.safetensors");
  EXPECT_EQ(back.metadata, weights.metadata);
  ASSERT_EQ(back.tensors.size(), 3U);
  for (const auto& [name, tensor] : weights.tensors) {
    EXPECT_EQ(back.tensors.at(name).shape, tensor.shape);
    EXPECT_EQ(back.tensors.at(name).values, tensor.values);
  }
  weights.tensors["b"].shape = {7};
  EXPECT_EQ(error_of([&] { encode_safetensors(weights); }).code(), ErrorCode::parameter);
}

}  // namespace gantry::bundle::safetensors_test
