// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/torch/segmenter.h"

#include <fmt/format.h>

#include <algorithm>

#include "gantry/base/error.h"
#include "gantry/learning/torch/learner.h"

namespace gantry::learning {

namespace {

namespace functional = torch::nn::functional;

torch::nn::Conv3d convolution(int from, int to, int size, int stride, bool bias) {
  return torch::nn::Conv3d(torch::nn::Conv3dOptions(from, to, size).stride(stride).padding(size / 2).bias(bias));
}

/// Two convolutions, each with its normalisation and leaky ReLU.
struct Stage : torch::nn::Module {
  torch::nn::Conv3d first, second;
  torch::nn::InstanceNorm3d first_norm, second_norm;

  Stage(int from, int to, int stride)
      : first(register_module("convolution_1", convolution(from, to, 3, stride, false))),
        second(register_module("convolution_2", convolution(to, to, 3, 1, false))),
        first_norm(register_module("normalization_1", torch::nn::InstanceNorm3d(torch::nn::InstanceNorm3dOptions(to).affine(true)))),
        second_norm(register_module("normalization_2", torch::nn::InstanceNorm3d(torch::nn::InstanceNorm3dOptions(to).affine(true)))) {}

  torch::Tensor forward(const torch::Tensor& input) {
    const torch::Tensor inner = torch::leaky_relu(first_norm->forward(first->forward(input)), 0.01);
    return torch::leaky_relu(second_norm->forward(second->forward(inner)), 0.01);
  }
};

struct UNet : torch::nn::Module {
  int classes, block;
  std::vector<std::shared_ptr<Stage>> down, up;
  std::vector<torch::nn::Conv3d> narrow;
  torch::nn::Conv3d head{nullptr};

  explicit UNet(const SegmenterDesign& design) : classes(design.classes), block(design.block) {
    const int voxels = block * block * block;
    const std::vector<int>& widths = design.widths;
    int from = design.channels * voxels;
    for (std::size_t n = 0; n < widths.size(); ++n) {
      down.push_back(register_module(fmt::format("down_{}", n + 1), std::make_shared<Stage>(from, widths[n], n > 0 ? 2 : 1)));
      from = widths[n];
    }
    for (std::size_t n = widths.size() - 1; n-- > 0;) {
      narrow.push_back(register_module(fmt::format("narrow_{}", n + 1), convolution(widths[n + 1], widths[n], 1, 1, true)));
      up.push_back(register_module(fmt::format("up_{}", n + 1), std::make_shared<Stage>(2 * widths[n], widths[n], 1)));
    }
    head = register_module("head", convolution(widths[0], classes * voxels, 1, 1, true));
  }

  torch::Tensor forward(const torch::Tensor& input) {
    const std::int64_t n = input.size(0), b = block;
    const std::int64_t slices = input.size(2) / b, rows = input.size(3) / b, columns = input.size(4) / b;
    torch::Tensor x = input.reshape({n, input.size(1), slices, b, rows, b, columns, b})
                          .permute({0, 1, 3, 5, 7, 2, 4, 6})
                          .reshape({n, -1, slices, rows, columns});
    std::vector<torch::Tensor> features;
    for (const auto& stage : down) features.push_back(x = stage->forward(x));
    for (std::size_t s = 0; s < up.size(); ++s) {
      const torch::Tensor& beside = features[down.size() - 2 - s];
      const std::vector<std::int64_t> size{beside.size(2), beside.size(3), beside.size(4)};
      x = functional::interpolate(narrow[s]->forward(x),
                                  functional::InterpolateFuncOptions().size(size).mode(torch::kTrilinear).align_corners(false));
      x = up[s]->forward(torch::cat({x, beside}, 1));
    }
    return head->forward(x)
        .reshape({n, classes, b, b, b, slices, rows, columns})
        .permute({0, 1, 5, 2, 6, 3, 7, 4})
        .reshape({n, classes, slices * b, rows * b, columns * b});
  }
};

void check(const SegmenterDesign& design) {
  const auto within = [](std::string_view name, std::int64_t value, std::int64_t most) { check_design("segmenter", name, value, most); };
  within("channels", design.channels, 64);
  within("classes", design.classes, 256);
  within("the number of stages", static_cast<std::int64_t>(design.widths.size()), 6);
  within("block", design.block, 4);
  for (const int width : design.widths) within("width", width, 512);
}

class TorchSegmenter final : public TorchLearner<Segmenter, UNet> {
 public:
  TorchSegmenter(const SegmenterDesign& design, Device device) : TorchLearner(std::make_shared<UNet>(design), device), design_(design) {}

  Tensor forward(const Tensor& batch, int threads) const override {
    return with_torch("network", threads, [&] {
      const torch::InferenceMode guard;
      return from_torch(net_->forward(input(batch)));
    });
  }

  double learn(const Tensor& batch, std::span<const std::uint8_t> labels, const StepOptions& options) override {
    return with_torch("training step", 1, [&] {
      const torch::Tensor volumes = input(batch);
      const torch::Tensor targets = targets_of(labels, volumes).to(state_.device());
      return state_.learn_apart(volumes.size(0), options, [&](std::int64_t begin, std::int64_t size) {
        return loss_of(volumes.narrow(0, begin, size), targets.narrow(0, begin, size));
      });
    });
  }

 private:
  torch::Tensor loss_of(const torch::Tensor& volumes, const torch::Tensor& targets) const {
    const torch::Tensor logs = torch::log_softmax(net_->forward(volumes), 1);
    const torch::Tensor entropy = torch::nll_loss_nd(logs, targets);
    const torch::Tensor truth = torch::one_hot(targets, design_.classes).permute({0, 4, 1, 2, 3}).slice(1, 1).to(torch::kFloat32);
    const torch::Tensor given = logs.slice(1, 1).exp();
    const torch::Tensor shared = (given * truth).sum({2, 3, 4}), all = given.sum({2, 3, 4}) + truth.sum({2, 3, 4});
    return entropy + 1 - ((2 * shared + 1e-5) / (all + 1e-5)).mean();
  }

  torch::Tensor targets_of(std::span<const std::uint8_t> labels, const torch::Tensor& volumes) const {
    const std::int64_t voxels = volumes.numel() / design_.channels;
    if (static_cast<std::int64_t>(labels.size()) != voxels)
      throw Error(ErrorCode::parameter, fmt::format("labels: must be one a voxel; got {} for {}", labels.size(), voxels));
    torch::Tensor targets = torch::empty({volumes.size(0), volumes.size(2), volumes.size(3), volumes.size(4)}, torch::kInt64);
    std::int64_t* out = targets.data_ptr<std::int64_t>();
    for (const std::uint8_t label : labels) {
      if (label >= design_.classes)
        throw Error(ErrorCode::parameter, fmt::format("label: must lie between 0 and {}; got {}", design_.classes - 1, label));
      *out++ = label;
    }
    return targets;
  }

  torch::Tensor input(const Tensor& batch) const {
    const auto& shape = batch.shape;
    const bool volumes = shape.size() == 5 && shape[0] >= 1 && shape[1] == design_.channels;
    if (!volumes || std::any_of(shape.begin() + 2, shape.end(), [&](std::int64_t side) { return side < 1 || side % design_.divisor(); })) {
      throw Error(ErrorCode::parameter,
                  fmt::format("batch: must be volumes of {} channels, (n, {}, slices, rows, columns), with sides that "
                              "are multiples of {}; got [{}]",
                              design_.channels, design_.channels, design_.divisor(), fmt::join(shape, ", ")));
    }
    return to_torch(batch).to(state_.device());
  }

  SegmenterDesign design_;
};

}  // namespace

std::unique_ptr<Segmenter> make_torch_segmenter(const SegmenterDesign& design, Device device) {
  check(design);
  return std::make_unique<TorchSegmenter>(design, device);
}

}  // namespace gantry::learning
