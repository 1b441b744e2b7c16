// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/torch/learner.h"

#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <thread>

#include "gantry/base/error.h"

namespace gantry::learning {

namespace {

constexpr double adam_memory = 0.999;
const std::string squares_prefix = "squares/";

void fill(NamedTensors& targets, const Weights& source, std::string_view subject) {
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

}  // namespace

TorchWeights::TorchWeights(std::shared_ptr<torch::nn::Module> network, Device device)
    : network_(std::move(network)), device_(device == Device::cuda ? torch::kCUDA : torch::kCPU) {
  const torch::NoGradGuard guard;
  network_->to(device_);
  for (auto& [name, values] : tensors()) values.zero_();
  network_->eval();
}

NamedTensors TorchWeights::tensors() const {
  NamedTensors all;
  for (const auto& item : network_->named_parameters()) all.emplace_back(item.key(), item.value());
  for (const auto& item : network_->named_buffers()) {
    if (item.value().is_floating_point()) all.emplace_back(item.key(), item.value());
  }
  return all;
}

Weights TorchWeights::weights() const {
  Weights result;
  for (const auto& [name, values] : tensors()) result.tensors[name] = from_torch(values);
  return result;
}

void TorchWeights::set_weights(const Weights& weights) {
  auto mine = tensors();
  fill(mine, weights, "weights");
}

Weights TorchWeights::optimiser_state() const {
  Weights result;
  for (const auto& [name, values] : momentum_) result.tensors[name] = from_torch(values);
  for (const auto& [name, values] : squares_) result.tensors[squares_prefix + name] = from_torch(values);
  if (!squares_.empty()) result.metadata["steps"] = std::to_string(steps_);
  return result;
}

void TorchWeights::set_optimiser_state(const Weights& state) {
  Weights momentum, squares;
  for (const auto& [name, tensor] : state.tensors) {
    const bool square = name.starts_with(squares_prefix);
    (square ? squares : momentum).tensors[square ? name.substr(squares_prefix.size()) : name] = tensor;
  }
  make_memory(squares.tensors.empty() ? Descent::nesterov : Descent::adam);
  fill(momentum_, momentum, "optimiser state");
  if (squares.tensors.empty()) return;
  fill(squares_, squares, "optimiser state");
  const auto steps = state.metadata.find("steps");
  if (steps == state.metadata.end()) throw Error(ErrorCode::unreadable, "optimiser state: must hold its number of steps");
  steps_ = std::stoll(steps->second);
}

void TorchWeights::make_memory(Descent descent) {
  const auto fill_with_zeros = [&](NamedTensors& memory) {
    if (!memory.empty()) return;
    for (const auto& item : network_->named_parameters()) memory.emplace_back(item.key(), torch::zeros_like(item.value()));
  };
  fill_with_zeros(momentum_);
  if (descent == Descent::adam) fill_with_zeros(squares_);
}

void TorchWeights::begin_step() {
  network_->train();
  network_->zero_grad();
}

double TorchWeights::learn_apart(std::int64_t count, const StepOptions& options,
                                 const std::function<torch::Tensor(std::int64_t begin, std::int64_t size)>& share) {
  begin_step();
  const std::vector<torch::Tensor> weights = network_->parameters();
  const std::int64_t pieces = device_.is_cpu() ? count : 1, size = count / pieces;
  std::vector<double> losses(static_cast<std::size_t>(pieces));
  std::vector<std::vector<torch::Tensor>> gradients(losses.size());
  std::vector<std::exception_ptr> failures(losses.size());
  const auto work = [&](std::int64_t first, std::int64_t step) {
    for (std::int64_t n = first; n < pieces; n += step) {
      const auto piece = static_cast<std::size_t>(n);
      try {
        use_threads(1);
        const torch::Tensor loss = share(n * size, size);
        losses[piece] = loss.item<double>();
        gradients[piece] = torch::autograd::grad({loss}, weights);
      } catch (...) {
        failures[piece] = std::current_exception();
      }
    }
  };
  {
    const std::int64_t threads = std::clamp<std::int64_t>(options.threads, 1, pieces);
    std::vector<std::jthread> others;
    for (std::int64_t n = 1; n < threads; ++n) others.emplace_back(work, n, threads);
    work(0, threads);
  }
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  double loss = 0;
  for (const double one : losses) loss += one / static_cast<double>(pieces);
  for (std::size_t w = 0; w < weights.size(); ++w) {
    torch::Tensor sum = gradients[0][w];
    for (std::size_t n = 1; n < gradients.size(); ++n) sum = sum + gradients[n][w];
    weights[w].mutable_grad() = sum / static_cast<double>(pieces);
  }
  descend(options);
  return loss;
}

void TorchWeights::descend(const StepOptions& options) {
  const torch::NoGradGuard guard;
  network_->eval();
  make_memory(options.descent);
  ++steps_;
  double shorten = 1;
  if (options.longest_gradient > 0) {
    double squares = 0;
    for (const auto& item : network_->named_parameters()) squares += item.value().grad().square().sum().item<double>();
    shorten = std::min(1.0, options.longest_gradient / std::max(1e-12, std::sqrt(squares)));
  }
  const auto steps = static_cast<double>(steps_);
  const double mean_share = 1 - std::pow(options.momentum, steps), square_share = 1 - std::pow(adam_memory, steps);
  std::size_t n = 0;
  for (const auto& item : network_->named_parameters()) {
    torch::Tensor values = item.value();
    torch::Tensor gradient = values.grad();
    if (shorten < 1) gradient = gradient.mul(shorten);
    const double decay = values.dim() > 1 ? options.weight_decay : 0;
    torch::Tensor& momentum = momentum_[n].second;
    if (options.descent == Descent::adam) {
      torch::Tensor& squares = squares_[n].second;
      momentum.mul_(options.momentum).add_(gradient, 1 - options.momentum);
      squares.mul_(adam_memory).addcmul_(gradient, gradient, 1 - adam_memory);
      values.mul_(1 - options.learning_rate * decay);
      values.addcdiv_(momentum, squares.div(square_share).sqrt_().add_(1e-8), -options.learning_rate / mean_share);
    } else {
      if (decay > 0) gradient = gradient.add(values, decay);
      momentum.mul_(options.momentum).add_(gradient);
      values.sub_(gradient.add(momentum, options.momentum), options.learning_rate);
    }
    ++n;
  }
}

void check_design(std::string_view network, std::string_view name, std::int64_t value, std::int64_t most) {
  if (!(value >= 1 && value <= most))
    throw Error(ErrorCode::parameter, fmt::format("{}: {} must lie between 1 and {}; got {}", network, name, most, value));
}

}  // namespace gantry::learning
