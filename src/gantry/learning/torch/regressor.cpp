// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/torch/regressor.h"

#include <fmt/format.h>

#include "gantry/base/error.h"
#include "gantry/learning/torch/learner.h"

namespace gantry::learning {

namespace {

struct Chain : torch::nn::Module {
  std::vector<torch::nn::Conv3d> layers;

  explicit Chain(const ChainDesign& design) {
    int from = design.channels;
    const auto add = [&](int to) {
      layers.push_back(
          register_module(fmt::format("convolution_{}", layers.size() + 1), torch::nn::Conv3d(torch::nn::Conv3dOptions(from, to, 3))));
      from = to;
    };
    for (const int width : design.widths) add(width);
    add(design.outputs);
  }

  torch::Tensor forward(torch::Tensor x) {
    for (std::size_t n = 0; n < layers.size(); ++n) x = n ? layers[n]->forward(torch::elu(x)) : layers[n]->forward(x);
    return x;
  }
};

void check_chain(const ChainDesign& design) {
  check_design("regressor", "channels", design.channels, 64);
  check_design("regressor", "outputs", design.outputs, 64);
  check_design("regressor", "the number of layers", static_cast<std::int64_t>(design.widths.size()) + 1, 16);
  for (const int width : design.widths) check_design("regressor", "width", width, 256);
}

class TorchRegressor final : public TorchLearner<Regressor, Chain> {
 public:
  TorchRegressor(const ChainDesign& design, Device device) : TorchLearner(std::make_shared<Chain>(design), device), design_(design) {}

  Tensor forward(const Tensor& batch, int threads) const override {
    return with_torch("network", threads, [&] {
      const torch::InferenceMode guard;
      return from_torch(net_->forward(input(batch)));
    });
  }

  double learn(const Tensor& batch, const Tensor& targets, const StepOptions& options) override {
    return with_torch("training step", 1, [&] {
      const torch::Tensor volumes = input(batch), wanted = to_torch(targets).to(state_.device());
      std::vector<std::int64_t> shape = batch.shape;
      shape[1] = design_.outputs;
      for (std::size_t n = 2; n < 5; ++n) shape[n] -= 2 * design_.reach();
      if (targets.shape != shape)
        throw Error(ErrorCode::parameter,
                    fmt::format("targets: must be [{}]; got [{}]", fmt::join(shape, ", "), fmt::join(targets.shape, ", ")));
      return state_.learn_apart(volumes.size(0), options, [&](std::int64_t begin, std::int64_t size) {
        return torch::mse_loss(net_->forward(volumes.narrow(0, begin, size)), wanted.narrow(0, begin, size));
      });
    });
  }

 private:
  torch::Tensor input(const Tensor& batch) const {
    const auto& shape = batch.shape;
    const std::int64_t least = 2 * design_.reach() + 1;
    const bool volumes = shape.size() == 5 && shape[0] >= 1 && shape[1] == design_.channels;
    if (!volumes || std::any_of(shape.begin() + 2, shape.end(), [&](std::int64_t side) { return side < least; }))
      throw Error(
          ErrorCode::parameter,
          fmt::format("batch: must be volumes of {0} channels, (n, {0}, slices, rows, columns), with sides of {1} and more; got [{2}]",
                      design_.channels, least, fmt::join(shape, ", ")));
    return to_torch(batch).to(state_.device());
  }

  ChainDesign design_;
};

}  // namespace

std::unique_ptr<Regressor> make_torch_regressor(const ChainDesign& design, Device device) {
  check_chain(design);
  return std::make_unique<TorchRegressor>(design, device);
}

}  // namespace gantry::learning
