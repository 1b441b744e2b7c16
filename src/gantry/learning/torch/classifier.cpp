// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/torch/classifier.h"

#include <cmath>

#include "gantry/base/error.h"
#include "gantry/learning/torch/tensors.h"

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
  const auto within = [](std::string_view name, std::int64_t value, std::int64_t most) {
    if (!(value >= 1 && value <= most))
      throw Error(ErrorCode::parameter, fmt::format("classifier: {} must lie between 1 and {}; got {}", name, most, value));
  };
  within("channels", design.channels, 64);
  within("classes", design.classes, 1000);
  within("the number of stages", static_cast<std::int64_t>(design.widths.size()), 6);
  within("blocks", design.blocks, 16);
  for (const int width : design.widths) within("width", width, 1024);
}

class TorchClassifier final : public Classifier {
 public:
  explicit TorchClassifier(const ClassifierDesign& design) : design_(design), net_(std::make_shared<Residual>(design)) {
    const torch::NoGradGuard guard;
    for (auto& [name, values] : tensors()) values.zero_();
    net_->eval();
  }

  Tensor forward(const Tensor& batch, int threads) const override {
    return with_torch("network", threads, [&] {
      const torch::InferenceMode guard;
      return from_torch(net_->scores(net_->features(input(batch))));
    });
  }

  Weights weights() const override {
    Weights result;
    for (const auto& [name, values] : tensors()) result.tensors[name] = from_torch(values);
    return result;
  }

  void set_weights(const Weights& weights) override {
    auto mine = tensors();
    fill(mine, weights, "weights");
  }

  Weights optimiser_state() const override {
    Weights result;
    for (const auto& [name, values] : momentum_) result.tensors[name] = from_torch(values);
    return result;
  }

  void set_optimiser_state(const Weights& state) override {
    make_momentum();
    fill(momentum_, state, "optimiser state");
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
      make_momentum();
      net_->train();
      net_->zero_grad();
      const torch::Tensor scores = net_->scores(net_->features(images));
      const torch::Tensor loss = torch::nn::functional::cross_entropy(
          scores, targets, torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(options.label_smoothing));
      loss.backward();
      net_->eval();
      descend(options);
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
  using Named = std::vector<std::pair<std::string, torch::Tensor>>;

  /// What `forward` depends on, by name.
  Named tensors() const {
    Named all;
    for (const auto& item : net_->named_parameters()) all.emplace_back(item.key(), item.value());
    for (const auto& item : net_->named_buffers()) {
      if (item.value().is_floating_point()) all.emplace_back(item.key(), item.value());
    }
    return all;
  }

  static void fill(Named& targets, const Weights& source, std::string_view subject) {
    for (const auto& [name, values] : targets) {
      const auto found = source.tensors.find(name);
      if (found == source.tensors.end()) throw Error(ErrorCode::unreadable, fmt::format("{}: tensor '{}' must be there", subject, name));
      if (found->second.shape != values.sizes().vec()) {
        throw Error(ErrorCode::unreadable, fmt::format("{}: tensor '{}' must have the shape [{}]; got [{}]", subject, name,
                                                       fmt::join(values.sizes().vec(), ", "), fmt::join(found->second.shape, ", ")));
      }
      if (!std::all_of(found->second.values.begin(), found->second.values.end(), [](float v) { return std::isfinite(v); }))
        throw Error(ErrorCode::unreadable, fmt::format("{}: tensor '{}' must hold finite values", subject, name));
    }
    if (source.tensors.size() != targets.size()) {
      for (const auto& [name, values] : source.tensors) {
        if (std::none_of(targets.begin(), targets.end(), [&](const auto& target) { return target.first == name; }))
          throw Error(ErrorCode::unreadable, fmt::format("{}: the network has no tensor '{}'", subject, name));
      }
    }
    const torch::NoGradGuard guard;
    for (auto& [name, values] : targets) values.copy_(to_torch(source.tensors.at(name)));
  }

  torch::Tensor input(const Tensor& batch) const {
    if (batch.shape.size() != 4 || batch.shape[1] != design_.channels || batch.shape[0] < 1 || batch.shape[2] < 1 || batch.shape[3] < 1) {
      throw Error(ErrorCode::parameter, fmt::format("batch: must be images of {} channels, (n, {}, rows, columns); got [{}]",
                                                    design_.channels, design_.channels, fmt::join(batch.shape, ", ")));
    }
    return to_torch(batch);
  }

  void make_momentum() {
    if (!momentum_.empty()) return;
    for (const auto& item : net_->named_parameters()) momentum_.emplace_back(item.key(), torch::zeros_like(item.value()));
  }

  void descend(const StepOptions& options) {
    const torch::NoGradGuard guard;
    std::size_t n = 0;
    for (const auto& item : net_->named_parameters()) {
      torch::Tensor values = item.value();
      torch::Tensor gradient = values.grad();
      if (values.dim() > 1) gradient = gradient.add(values, options.weight_decay);
      torch::Tensor& momentum = momentum_[n++].second;
      momentum.mul_(options.momentum).add_(gradient);
      values.sub_(gradient.add(momentum, options.momentum), options.learning_rate);
    }
  }

  ClassifierDesign design_;
  std::shared_ptr<Residual> net_;
  Named momentum_;
};

}  // namespace

std::unique_ptr<Classifier> make_torch_classifier(const ClassifierDesign& design) {
  check(design);
  return std::make_unique<TorchClassifier>(design);
}

}  // namespace gantry::learning
