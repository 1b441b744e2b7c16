// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/engine.h"

#include <torch/cuda.h>
#include <torch/version.h>

#include <string_view>

#include "gantry/base/version.h"
#include "gantry/learning/torch/classifier.h"
#include "gantry/learning/torch/regressor.h"
#include "gantry/learning/torch/segmenter.h"

namespace gantry::learning {

namespace {

class TorchEngine final : public Engine {
 public:
  std::string name() const override { return "LibTorch " TORCH_VERSION; }
  bool has_cuda() const override { return torch::cuda::is_available(); }
  std::unique_ptr<Classifier> classifier(const ClassifierDesign& design, Device device) const override {
    return make_torch_classifier(design, device);
  }
  std::unique_ptr<Segmenter> segmenter(const SegmenterDesign& design, Device device) const override {
    return make_torch_segmenter(design, device);
  }
  std::unique_ptr<Regressor> regressor(const ChainDesign& design, Device device) const override {
    return make_torch_regressor(design, device);
  }
};

}  // namespace

}  // namespace gantry::learning

/// What `learning::engine` asks for; nullptr when the plug-in is of another version than the library.
extern "C" __attribute__((visibility("default"))) const void* gantry_learning_engine(const char* version) {
  static const gantry::learning::TorchEngine engine;
  return std::string_view(version) == gantry::version() ? static_cast<const gantry::learning::Engine*>(&engine) : nullptr;
}
