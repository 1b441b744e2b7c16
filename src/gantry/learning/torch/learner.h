// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gantry/learning/engine.h"
#include "gantry/learning/torch/tensors.h"

namespace gantry::learning {

/// Tensors with their names, in the order in which the network registered them.
using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// The weights of a network of LibTorch and the memory of the descent: what all that learn share.
class TorchWeights {
 public:
  /// Sets everything to zero, moves it to the device and sets the network to evaluation.
  TorchWeights(std::shared_ptr<torch::nn::Module> network, Device device);

  torch::Device device() const { return device_; }
  /// Everything that the outputs depend on.
  Weights weights() const;
  void set_weights(const Weights& weights);
  Weights optimiser_state() const;
  void set_optimiser_state(const Weights& state);

  /// Sets the network to training and forgets the gradients of the last step.
  void begin_step();
  /// A whole step on a batch of `count` cases that do not meet in the network. `share(begin, size)` is the mean loss of a part of them. On
  /// a CPU each case learns on a thread of its own and their gradients are added in order: the same bits for any number of threads, and one
  /// meeting of the threads a step. Returns the mean loss.
  double learn_apart(std::int64_t count, const StepOptions& options,
                     const std::function<torch::Tensor(std::int64_t begin, std::int64_t size)>& share);
  /// One step along the gradients; the network evaluates again.
  void descend(const StepOptions& options);

 private:
  NamedTensors tensors() const;
  void make_memory(Descent descent);

  std::shared_ptr<torch::nn::Module> network_;
  torch::Device device_;
  NamedTensors momentum_;
  NamedTensors squares_;  ///< of gradients, their mean; Adam's alone
  std::int64_t steps_ = 0;
};

/// Throws Error(parameter) unless 1 <= value <= most.
void check_design(std::string_view network, std::string_view name, std::int64_t value, std::int64_t most);

/// A learner of the interface `Base` around a network `Module`.
template <class Base, class Module>
class TorchLearner : public Base {
 public:
  TorchLearner(std::shared_ptr<Module> network, Device device) : net_(std::move(network)), state_(net_, device) {}
  Weights weights() const override { return state_.weights(); }
  void set_weights(const Weights& weights) override { state_.set_weights(weights); }
  Weights optimiser_state() const override { return state_.optimiser_state(); }
  void set_optimiser_state(const Weights& state) override { state_.set_optimiser_state(state); }

 protected:
  std::shared_ptr<Module> net_;
  TorchWeights state_;
};

}  // namespace gantry::learning
