// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/training.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/json.h"
#include "gantry/base/random.h"
#include "gantry/base/version.h"

namespace gantry::learning {

namespace {

// Streams of random numbers; those of cases are epoch x 2^32 + case.
constexpr std::uint64_t stream_of_weights = std::uint64_t{1} << 62, stream_of_order = std::uint64_t{1} << 61;

/// Convolutions and linear layers by He's rule for ReLU, factors and variances 1, the rest 0. Out of our own random numbers, so that
/// they do not depend on LibTorch's version.
Weights first_weights(const Learner& learner, std::uint64_t seed) {
  Weights weights = learner.weights();
  std::uint64_t stream = stream_of_weights;
  for (auto& [name, tensor] : weights.tensors) {
    Random random(seed, ++stream);
    if (tensor.shape.size() > 1) {
      const double inputs = static_cast<double>(tensor.values.size()) / static_cast<double>(tensor.shape[0]);
      for (float& value : tensor.values) value = static_cast<float>(std::sqrt(2 / inputs) * random.next_normal());
    } else {
      const bool one = name.ends_with("running_var") || (name.ends_with(".weight") && tensor.shape.size() == 1);
      std::fill(tensor.values.begin(), tensor.values.end(), one ? 1.0f : 0.0f);
    }
  }
  return weights;
}

/// What a killed training goes on from.
struct Progress {
  int epochs = 0, best_epoch = 0;
  std::vector<std::vector<double>> record;
  Weights best;
};

void put(Weights& into, const std::string& prefix, const Weights& weights) {
  for (const auto& [name, tensor] : weights.tensors) into.tensors[prefix + name] = tensor;
}

Weights take(const Weights& from, const std::string& prefix) {
  Weights weights;
  for (const auto& [name, tensor] : from.tensors) {
    if (name.starts_with(prefix)) weights.tensors[name.substr(prefix.size())] = tensor;
  }
  for (const auto& [key, value] : from.metadata) {
    if (key.starts_with(prefix)) weights.metadata[key.substr(prefix.size())] = value;
  }
  return weights;
}

void save(const Course& course, const std::string& settings, const Progress& progress, const Learner& learner) {
  Weights all;
  if (course.average) put(all, "average/", course.average->weights());
  put(all, "weights/", learner.weights());
  const Weights memory = learner.optimiser_state();
  put(all, "momentum/", memory);
  put(all, "best/", progress.best);
  all.metadata = {{"settings", settings},
                  {"epochs", std::to_string(progress.epochs)},
                  {"best_epoch", std::to_string(progress.best_epoch)},
                  {"record", Json(progress.record).dump()}};
  if (course.average) all.metadata["average_steps"] = std::to_string(course.average->steps());
  for (const auto& [key, value] : memory.metadata) all.metadata["momentum/" + key] = value;
  write_atomic(course.checkpoint, bundle::encode_safetensors(all));
}

/// False when there is no checkpoint of these settings.
bool load(const Course& course, const std::string& settings, Progress& progress, Learner& learner, Run& run) {
  std::error_code ignored;
  if (course.checkpoint.empty() || !std::filesystem::exists(course.checkpoint, ignored)) return false;
  try {
    const Weights all = bundle::read_safetensors(course.checkpoint);
    if (all.metadata.at("settings") != settings) {
      run.warn("training: the checkpoint is of other data or settings; it begins anew");
      return false;
    }
    Progress found;
    found.epochs = std::stoi(all.metadata.at("epochs"));
    found.best_epoch = std::stoi(all.metadata.at("best_epoch"));
    found.record = parse_json(all.metadata.at("record"), 4).get<std::vector<std::vector<double>>>();
    found.best = take(all, "best/");
    learner.set_optimiser_state(take(all, "momentum/"));
    learner.set_weights(take(all, "weights/"));
    if (course.average) course.average->restore(take(all, "average/"), std::stoll(all.metadata.at("average_steps")));
    progress = std::move(found);
    return true;
  } catch (const std::exception& failure) {
    run.warn(fmt::format("training: the checkpoint cannot be used ({}); it begins anew", failure.what()));
    return false;
  }
}

/// The figures of the average where there is one; the learner goes on as it was.
std::vector<double> examined(const Course& course, Learner& learner) {
  if (!course.average) return course.examine();
  const Weights now = learner.weights();
  learner.set_weights(course.average->weights());
  std::vector<double> figures = course.examine();
  learner.set_weights(now);
  return figures;
}

}  // namespace

void WeightAverage::add(const Weights& weights) {
  const auto before = static_cast<double>(steps_++);
  if (before == 0) {
    mean_ = weights;
    return;
  }
  const auto share = static_cast<float>(1 - std::min(memory_, (1 + before) / (10 + before)));
  for (auto& [name, mean] : mean_.tensors) {
    const std::vector<float>& now = weights.tensors.at(name).values;
    for (std::size_t n = 0; n < mean.values.size(); ++n) mean.values[n] += share * (now[n] - mean.values[n]);
  }
}

void WeightAverage::restore(Weights mean, std::int64_t steps) {
  mean_ = std::move(mean);
  steps_ = steps;
}

std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed, int epoch) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed, stream_of_order + static_cast<std::uint64_t>(epoch));
  for (std::size_t n = count; n > 1; --n)
    std::swap(order[n - 1], order[static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(n) - 1))]);
  return order;
}

double rate_at(double greatest, int epochs, double epochs_done) {
  const double warm = std::min(1.0, epochs / 4.0);
  if (epochs_done < warm) return greatest * (0.01 + 0.99 * epochs_done / warm);
  return greatest * 0.5 * (1 + std::cos(std::numbers::pi * (epochs_done - warm) / (epochs - warm)));
}

void check_option(std::string_view name, double value, double low, double high) {
  if (!(value >= low && value <= high))
    throw Error(ErrorCode::parameter, fmt::format("{}: must lie between {} and {}; got {}", name, low, high, value));
}

void check_loss(double loss, int epoch) {
  if (!std::isfinite(loss))
    throw Error(ErrorCode::not_possible,
                fmt::format("training: the loss must stay finite; it is not in epoch {}: use a smaller learning rate", epoch + 1));
}

Outcome take_course(Learner& learner, const Course& course, Device device, Run& run) {
  const std::string settings =
      sha256_hex(fmt::format("{}\n{}\n{}\n{}\n{}\n", course.settings, course.seed, run.threads(), name_of(device), version()));
  Outcome result;
  Progress progress;
  result.resumed = load(course, settings, progress, learner, run);
  if (!result.resumed) learner.set_weights(first_weights(learner, course.seed));
  for (int epoch = progress.epochs; epoch < course.epochs; ++epoch) {
    std::vector<double> row{course.learn(epoch)};
    if (course.examine) {
      const std::vector<double> figures = examined(course, learner);
      row.insert(row.end(), figures.begin(), figures.end());
    }
    progress.record.push_back(row);
    progress.epochs = epoch + 1;
    const bool best =
        !progress.best_epoch || (course.examine && row[1] < progress.record[static_cast<std::size_t>(progress.best_epoch) - 1][1]);
    if (best || (!course.examine && progress.epochs == course.epochs)) {
      progress.best_epoch = epoch + 1;
      progress.best = course.average ? course.average->weights() : learner.weights();
    }
    if (!course.checkpoint.empty()) save(course, settings, progress, learner);
    run.progress((epoch + 1.0) / course.epochs, fmt::format("epoch {} of {}: {}", epoch + 1, course.epochs, course.describe(row)));
  }
  result.weights = std::move(progress.best);
  result.epoch = progress.best_epoch;
  result.record = std::move(progress.record);
  return result;
}

}  // namespace gantry::learning
