// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/torch/classifier.h"

#include <fmt/format.h>

#include "gantry/base/error.h"
#include "gantry/learning/torch/learner.h"

namespace gantry::learning {

namespace {

torch::nn::Conv2d convolution(int from, int to, int size, int stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, size).stride(stride).padding(size / 2).bias(false));
}

/// Two convolutions and a shortcut, which is a 1x1 convolution where the size changes.
struct Block : torch::nn::Module {
  torch::nn::Conv2d first, second, shortcut{nullptr};
  torch::nn::BatchNorm2d first_norm, second_norm, shortcut_norm{nullptr};

  Block(int from, int to, int stride)
      : first(register_module("convolution_1", convolution(from, to, 3, stride))),
        second(register_module("convolution_2", convolution(to, to, 3, 1))),
        first_norm(register_module("normalization_1", torch::nn::BatchNorm2d(to))),
        second_norm(register_module("normalization_2", torch::nn::BatchNorm2d(to))) {
    if (from == to && stride == 1) return;
    shortcut = register_module("shortcut", convolution(from, to, 1, stride));
    shortcut_norm = register_module("shortcut_normalization", torch::nn::BatchNorm2d(to));
  }

  torch::Tensor forward(const torch::Tensor& input) {
    const torch::Tensor inner = torch::relu(first_norm->forward(first->forward(input)));
    const torch::Tensor beside = shortcut ? shortcut_norm->forward(shortcut->forward(input)) : input;
    return torch::relu(second_norm->forward(second->forward(inner)) + beside);
  }
};

struct Residual : torch::nn::Module {
  torch::nn::Conv2d stem;
  torch::nn::BatchNorm2d stem_norm;
  std::vector<std::shared_ptr<Block>> blocks;
  torch::nn::Linear head;

  explicit Residual(const ClassifierDesign& design)
      : stem(register_module("stem", convolution(design.channels, design.widths.front(), 3, 1))),
        stem_norm(register_module("stem_normalization", torch::nn::BatchNorm2d(design.widths.front()))),
        head(register_module("head", torch::nn::Linear(design.widths.back(), design.classes))) {
    int from = design.widths.front();
    for (std::size_t stage = 0; stage < design.widths.size(); ++stage) {
      for (int n = 0; n < design.blocks; ++n) {
        const int to = design.widths[stage];
        blocks.push_back(register_module(fmt::format("stage_{}_block_{}", stage + 1, n + 1),
                                         std::make_shared<Block>(from, to, stage > 0 && n == 0 ? 2 : 1)));
        from = to;
      }
    }
  }

  torch::Tensor features(const torch::Tensor& input) {
    torch::Tensor x = torch::relu(stem_norm->forward(stem->forward(input)));
    for (const auto& block : blocks) x = block->forward(x);
    return x;
  }
  torch::Tensor scores(const torch::Tensor& features) { return head->forward(features.mean({2, 3})); }
};

void check(const ClassifierDesign& design) {
  const auto within = [](std::string_view name, std::int64_t value, std::int64_t most) { check_design("classifier", name, value, most); };
  within("channels", design.channels, 64);
  within("classes", design.classes, 1000);
  within("the number of stages", static_cast<std::int64_t>(design.widths.size()), 6);
  within("blocks", design.blocks, 16);
  for (const int width : design.widths) within("width", width, 1024);
}

class TorchClassifier final : public TorchLearner<Classifier, Residual> {
 public:
  TorchClassifier(const ClassifierDesign& design, Device device)
      : TorchLearner(std::make_shared<Residual>(design), device), design_(design) {}

  Tensor forward(const Tensor& batch, int threads) const override {
    return with_torch("network", threads, [&] {
      const torch::InferenceMode guard;
      return from_torch(net_->scores(net_->features(input(batch))));
    });
  }

  double learn(const Tensor& batch, std::span<const int> labels, const StepOptions& options) override {
    return with_torch("training step", options.threads, [&] {
      const torch::Tensor images = input(batch);
      torch::Tensor targets = torch::empty({static_cast<std::int64_t>(labels.size())}, torch::kInt64);
      if (images.size(0) != targets.size(0))
        throw Error(ErrorCode::parameter, fmt::format("labels: must be one an image; got {} for {}", labels.size(), images.size(0)));
      for (std::size_t n = 0; n < labels.size(); ++n) {
        if (!(labels[n] >= 0 && labels[n] < design_.classes))
          throw Error(ErrorCode::parameter, fmt::format("label: must lie between 0 and {}; got {}", design_.classes - 1, labels[n]));
        targets.data_ptr<std::int64_t>()[n] = labels[n];
      }
      state_.begin_step();
      const torch::Tensor scores = net_->scores(net_->features(images));
      const torch::Tensor loss = torch::nn::functional::cross_entropy(
          scores, targets.to(state_.device()), torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(options.label_smoothing));
      loss.backward();
      state_.descend(options);
      return loss.item<double>();
    });
  }

  Tensor activation_map(const Tensor& batch, int label) override {
    if (!(label >= 0 && label < design_.classes))
      throw Error(ErrorCode::parameter, fmt::format("label: must lie between 0 and {}; got {}", design_.classes - 1, label));
    return with_torch("activation map", 1, [&] {
      torch::Tensor features;
      {
        const torch::NoGradGuard guard;
        features = net_->features(input(batch));
      }
      features = features.detach().requires_grad_(true);
      const torch::Tensor score = net_->scores(features).select(1, label).sum();
      const torch::Tensor gradient = torch::autograd::grad({score}, {features})[0];
      const torch::Tensor importance = gradient.mean({2, 3}, true);
      return from_torch(torch::relu((importance * features).sum(1)));
    });
  }

 private:
  torch::Tensor input(const Tensor& batch) const {
    if (batch.shape.size() != 4 || batch.shape[1] != design_.channels || batch.shape[0] < 1 || batch.shape[2] < 1 || batch.shape[3] < 1) {
      throw Error(ErrorCode::parameter, fmt::format("batch: must be images of {} channels, (n, {}, rows, columns); got [{}]",
                                                    design_.channels, design_.channels, fmt::join(batch.shape, ", ")));
    }
    return to_torch(batch).to(state_.device());
  }

  ClassifierDesign design_;
};

}  // namespace

std::unique_ptr<Classifier> make_torch_classifier(const ClassifierDesign& design, Device device) {
  check(design);
  return std::make_unique<TorchClassifier>(design, device);
}

}  // namespace gantry::learning
