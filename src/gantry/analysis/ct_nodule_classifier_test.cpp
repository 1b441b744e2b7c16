// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_nodule_classifier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "gantry/base/json.h"
#include "gantry/base/test_support.h"

namespace gantry::analysis::ct_nodule_classifier_test {
namespace {

/// A file of tensors without shape.
Path written(const TemporaryFolder& folder, const std::map<std::string, std::vector<float>>& tensors) {
  Json header = Json::object();
  std::string data;
  for (const auto& [name, values] : tensors) {
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    header[name] = {{"dtype", "F32"}, {"shape", {values.size()}}, {"data_offsets", {begin, data.size()}}};
  }
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  const Path path = folder.path() / "weights.safetensors";
  write_atomic(path, bytes + text + data);
  return path;
}

std::map<std::string, std::vector<float>> one_layer() {
  std::vector<float> weights(nodule_feature_count);
  weights[0] = 3, weights[1] = -1;
  return {{"mean", std::vector<float>(nodule_feature_count, 1)},
          {"scale", std::vector<float>(nodule_feature_count, 2)},
          {"weight_0", weights},
          {"bias_0", {0.5F}}};
}

TEST(NoduleClassifier, one_layer_is_a_logistic_regression_of_standardised_features) {
  const TemporaryFolder folder;
  const NoduleClassifier classifier(written(folder, one_layer()));
  NoduleFeatures features;
  features.fill(1);
  EXPECT_FLOAT_EQ(classifier.probability(features), static_cast<float>(1 / (1 + std::exp(-0.5))));
  features[0] = 2, features[1] = 100;  // 0.5 and, cut, 6 standard deviations
  EXPECT_FLOAT_EQ(classifier.probability(features), static_cast<float>(1 / (1 + std::exp(-(0.5 + 1.5 - 6)))));
}

TEST(NoduleClassifier, weights_of_another_form_are_refused) {
  for (const char* name : {"mean", "scale", "weight_0", "bias_0"}) {
    const TemporaryFolder folder;
    auto tensors = one_layer();
    tensors[name].push_back(0);
    EXPECT_EQ(error_of([&] { NoduleClassifier{written(folder, tensors)}; }).code(), ErrorCode::unreadable) << name;
    tensors.erase(name);
    EXPECT_EQ(error_of([&] { NoduleClassifier{written(folder, tensors)}; }).code(), ErrorCode::unreadable) << name;
    tensors = one_layer();
    tensors[name][0] = std::nanf("");
    EXPECT_EQ(error_of([&] { NoduleClassifier{written(folder, tensors)}; }).code(), ErrorCode::unreadable) << name;
  }
}

TEST(NoduleClassifier, the_one_that_ships_can_be_read) {
  const NoduleClassifier classifier = NoduleClassifier::shipped();
  EXPECT_EQ(classifier.id().rfind("lung_nodules@1 sha256:", 0), 0U);
  EXPECT_TRUE(std::isfinite(classifier.probability(NoduleFeatures{})));
}

}  // namespace
}  // namespace gantry::analysis::ct_nodule_classifier_test
