// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_nodule_classifier.h"

#include <algorithm>
#include <cmath>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/bundle/safetensors.h"

namespace gantry::analysis {

namespace {

constexpr float most_deviation = 6;  ///< features are cut at so many standard deviations, as in training

}  // namespace

const NoduleClassifier& NoduleClassifier::shipped() {
  static const NoduleClassifier classifier = [] {
    const Path path = find_resource("models/lung_nodules/weights.safetensors");
    if (path.empty()) throw Error(ErrorCode::not_found, "models/lung_nodules: not found; set GANTRY_HOME to where models/ lies");
    return NoduleClassifier(path);
  }();
  return classifier;
}

NoduleClassifier::NoduleClassifier(const Path& safetensors) {
  const bundle::Weights file = bundle::read_safetensors(safetensors, 1 << 24);
  const auto take = [&](const std::string& name, std::size_t count) -> const bundle::Tensor& {
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end() || (count > 0 && found->second.values.size() != count))
      throw Error(ErrorCode::unreadable, fmt::format("lung_nodules: tensor '{}' must be there with {} values", name, count));
    if (!std::all_of(found->second.values.begin(), found->second.values.end(), [](float v) { return std::isfinite(v); }))
      throw Error(ErrorCode::unreadable, fmt::format("lung_nodules: tensor '{}' must hold finite values", name));
    return found->second;
  };
  mean_ = take("mean", nodule_feature_count).values;
  scale_ = take("scale", nodule_feature_count).values;
  std::size_t inputs = nodule_feature_count;
  for (int n = 0; file.tensors.contains(fmt::format("bias_{}", n)); ++n) {
    Layer layer;
    layer.bias = take(fmt::format("bias_{}", n), 0).values;
    layer.inputs = inputs;
    layer.outputs = layer.bias.size();
    layer.weights = take(fmt::format("weight_{}", n), layer.inputs * layer.outputs).values;
    inputs = layer.outputs;
    layers_.push_back(std::move(layer));
  }
  if (layers_.empty() || layers_.back().outputs != 1)
    throw Error(ErrorCode::unreadable, "lung_nodules: the last layer must have one output");
  const auto version = file.metadata.find("version");
  id_ =
      fmt::format("lung_nodules@{} sha256:{}", version == file.metadata.end() ? "0" : version->second, sha256_hex(read_bytes(safetensors)));
}

float NoduleClassifier::probability(const NoduleFeatures& features) const {
  std::vector<float> values(features.size()), next;
  for (std::size_t n = 0; n < values.size(); ++n) {
    values[n] = std::clamp((features[n] - mean_[n]) / scale_[n], -most_deviation, most_deviation);
  }
  for (const Layer& layer : layers_) {
    next.assign(layer.bias.begin(), layer.bias.end());
    const bool last = &layer == &layers_.back();
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      const float* w = layer.weights.data() + o * layer.inputs;
      for (std::size_t i = 0; i < layer.inputs; ++i) next[o] += w[i] * values[i];
      if (!last) next[o] = std::max(0.0F, next[o]);
    }
    values.swap(next);
  }
  return 1 / (1 + std::exp(-values[0]));
}

}  // namespace gantry::analysis
