// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/train_classifier.h"

#include <numbers>
#include <numeric>

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/version.h"
#include "gantry/compute/parallel.h"

namespace gantry::learning {

namespace {

constexpr std::int64_t scoring_batch = 64;
// Streams of random numbers; those of pictures are epoch x 2^32 + case.
constexpr std::uint64_t stream_of_weights = std::uint64_t{1} << 62, stream_of_order = std::uint64_t{1} << 61;

void check(const TrainOptions& options) {
  const auto within = [](std::string_view name, double value, double low, double high) {
    if (!(value >= low && value <= high))
      throw Error(ErrorCode::parameter, fmt::format("{}: must lie between {} and {}; got {}", name, low, high, value));
  };
  within("epochs", options.epochs, 1, 10000);
  within("batch", options.batch, 2, 4096);
  within("learning_rate", options.learning_rate, 1e-8, 10);
  within("momentum", options.momentum, 0, 0.999);
  within("weight_decay", options.weight_decay, 0, 1);
  within("label_smoothing", options.label_smoothing, 0, 0.5);
  within("rotation_degrees", options.augmentation.rotation_degrees, 0, 180);
  within("shift", options.augmentation.shift, 0, 0.5);
  within("scale", options.augmentation.scale, 0, 1);
  within("contrast", options.augmentation.contrast, 0, 0.9);
  within("brightness", options.augmentation.brightness, 0, 1);
}

/// Mean and standard deviation of each channel over all pictures.
void measure(PictureInput& input, const Cases& cases) {
  const std::size_t plane = static_cast<std::size_t>(input.rows) * static_cast<std::size_t>(input.columns);
  for (std::size_t channel = 0; channel < static_cast<std::size_t>(input.channels); ++channel) {
    double sum = 0, squares = 0;
    for (std::size_t n = 0; n < cases.size(); ++n) {
      const float* values = cases.values.data() + n * input.values() + channel * plane;
      for (std::size_t k = 0; k < plane; ++k) sum += values[k], squares += static_cast<double>(values[k]) * values[k];
    }
    const double count = static_cast<double>(cases.size() * plane), mean = sum / count;
    input.mean[channel] = static_cast<float>(mean);
    input.standard_deviation[channel] = static_cast<float>(std::sqrt(std::max(1e-6, squares / count - mean * mean)));
  }
}

/// Convolutions and the linear layer by He's rule for ReLU, factors and variances 1, the rest 0. Out of our own random numbers, so that
/// they do not depend on LibTorch's version.
Weights first_weights(const Classifier& classifier, std::uint64_t seed) {
  Weights weights = classifier.weights();
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

std::vector<std::size_t> order_of(std::size_t count, std::uint64_t seed, int epoch) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed, stream_of_order + static_cast<std::uint64_t>(epoch));
  for (std::size_t n = count; n > 1; --n)
    std::swap(order[n - 1], order[static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(n) - 1))]);
  return order;
}

double rate_at(const TrainOptions& options, double epochs_done) {
  const double warm = std::min(1.0, options.epochs / 4.0);
  if (epochs_done < warm) return options.learning_rate * (0.01 + 0.99 * epochs_done / warm);
  return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * (epochs_done - warm) / (options.epochs - warm)));
}

/// What a killed training goes on from.
struct Progress {
  int epochs = 0, best_epoch = 0;
  std::vector<Epoch> record;
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
  return weights;
}

/// Doubles by their bits, so that a resumed record is the same to the last digit.
Json record_json(const std::vector<Epoch>& record) {
  Json list = Json::array();
  for (const Epoch& e : record) list.push_back({e.loss, e.validation_cross_entropy, e.validation_auc, e.validation_accuracy});
  return list;
}

void save(const Path& path, const std::string& settings, const Progress& progress, const Classifier& classifier) {
  Weights all;
  put(all, "weights/", classifier.weights());
  put(all, "momentum/", classifier.optimiser_state());
  put(all, "best/", progress.best);
  all.metadata = {{"settings", settings},
                  {"epochs", std::to_string(progress.epochs)},
                  {"best_epoch", std::to_string(progress.best_epoch)},
                  {"record", record_json(progress.record).dump()}};
  write_atomic(path, bundle::encode_safetensors(all));
}

/// False when there is no checkpoint of these settings.
bool load(const Path& path, const std::string& settings, Progress& progress, Classifier& classifier, Run& run) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return false;
  try {
    const Weights all = bundle::read_safetensors(path);
    if (all.metadata.at("settings") != settings) {
      run.warn("training: the checkpoint is of other data or settings; it begins anew");
      return false;
    }
    Progress found;
    found.epochs = std::stoi(all.metadata.at("epochs"));
    found.best_epoch = std::stoi(all.metadata.at("best_epoch"));
    for (const Json& e : parse_json(all.metadata.at("record"), 4)) found.record.push_back({e.at(0), e.at(1), e.at(2), e.at(3)});
    found.best = take(all, "best/");
    classifier.set_optimiser_state(take(all, "momentum/"));
    classifier.set_weights(take(all, "weights/"));
    progress = std::move(found);
    return true;
  } catch (const std::exception& failure) {
    run.warn(fmt::format("training: the checkpoint cannot be used ({}); it begins anew", failure.what()));
    return false;
  }
}

double learn_epoch(Classifier& classifier, const PictureSet& set, const PictureInput& input, const TrainOptions& options, int epoch,
                   Run& run) {
  const std::vector<std::size_t> order = order_of(set.train.size(), run.seed(), epoch);
  const std::size_t size = std::min(static_cast<std::size_t>(options.batch), order.size());
  const std::size_t steps = order.size() / size;  // what is left over takes part in other epochs
  const std::size_t values = input.values();
  double loss = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    const double done = static_cast<double>(step) / static_cast<double>(steps);
    run.progress((epoch + done) / options.epochs, "learning");
    Tensor batch{{static_cast<std::int64_t>(size), input.channels, input.rows, input.columns}, std::vector<float>(size * values)};
    std::vector<int> labels(size);
    parallel_for(run, static_cast<std::int64_t>(size), 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        const std::size_t at = order[step * size + static_cast<std::size_t>(n)];
        const std::span<float> out(batch.values.data() + static_cast<std::size_t>(n) * values, values);
        augment({set.train.values.data() + at * values, values}, input, options.augmentation,
                Random(run.seed(), (static_cast<std::uint64_t>(epoch) << 32) + at), out);
        normalise(out, input);
        labels[static_cast<std::size_t>(n)] = set.train.labels[at];
      }
    });
    loss += classifier.learn(batch, labels,
                             {.learning_rate = rate_at(options, epoch + done),
                              .momentum = options.momentum,
                              .weight_decay = options.weight_decay,
                              .label_smoothing = options.label_smoothing,
                              .threads = run.threads()});
    if (!std::isfinite(loss))
      throw Error(ErrorCode::not_possible,
                  fmt::format("training: the loss must stay finite; it is not in epoch {}: use a smaller learning rate", epoch + 1));
  }
  return loss / static_cast<double>(steps);
}

}  // namespace

Json to_json(const TrainOptions& options) {
  return {{"widths", options.widths},
          {"blocks", options.blocks},
          {"epochs", options.epochs},
          {"batch", options.batch},
          {"learning_rate", options.learning_rate},
          {"momentum", options.momentum},
          {"weight_decay", options.weight_decay},
          {"label_smoothing", options.label_smoothing},
          {"augmentation", to_json(options.augmentation)}};
}

Table scores_of(const Classifier& classifier, const PictureInput& input, const Cases& cases, const Run& run) {
  Table table;
  const std::size_t values = input.values();
  const auto count = static_cast<std::int64_t>(cases.size());
  std::vector<std::vector<float>> parts(static_cast<std::size_t>((count + scoring_batch - 1) / scoring_batch));
  parallel_for(run, count, scoring_batch, [&](std::int64_t begin, std::int64_t end) {
    Tensor batch{{end - begin, input.channels, input.rows, input.columns}, {}};
    batch.values.assign(cases.values.begin() + begin * static_cast<std::ptrdiff_t>(values),
                        cases.values.begin() + end * static_cast<std::ptrdiff_t>(values));
    normalise(batch.values, input);
    parts[static_cast<std::size_t>(begin / scoring_batch)] = classifier.forward(batch, 1).values;
  });
  for (const auto& part : parts) table.values.insert(table.values.end(), part.begin(), part.end());
  if (count > 0) table.classes = table.values.size() / cases.size();
  return table;
}

TrainedClassifier train_classifier(const PictureSet& set, const TrainOptions& options, Run& run) {
  check(options);
  TrainedClassifier result;
  result.design = {
      .channels = set.input.channels, .classes = static_cast<int>(set.classes.size()), .widths = options.widths, .blocks = options.blocks};
  result.input = set.input;
  measure(result.input, set.train);
  const auto classifier = engine().classifier(result.design);
  const std::string settings = sha256_hex(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n", to_json(options).dump(), set.digest,
                                                      to_json(set.input).dump(), run.seed(), run.threads(), version()));
  Progress progress;
  result.resumed = load(options.checkpoint, settings, progress, *classifier, run);
  if (!result.resumed) classifier->set_weights(first_weights(*classifier, run.seed()));
  for (int epoch = progress.epochs; epoch < options.epochs; ++epoch) {
    Epoch line;
    line.loss = learn_epoch(*classifier, set, result.input, options, epoch, run);
    const Table probabilities = softmax(scores_of(*classifier, result.input, set.validation, run), 1);
    line.validation_cross_entropy = cross_entropy(probabilities, set.validation.labels);
    const double before =
        progress.best_epoch ? progress.record[static_cast<std::size_t>(progress.best_epoch) - 1].validation_cross_entropy : 0;
    const auto [auc, accuracy] = auc_and_accuracy(probabilities, set.validation.labels);
    line.validation_auc = auc;
    line.validation_accuracy = accuracy;
    progress.record.push_back(line);
    progress.epochs = epoch + 1;
    if (!progress.best_epoch || line.validation_cross_entropy < before) {
      progress.best_epoch = epoch + 1;
      progress.best = classifier->weights();
    }
    if (!options.checkpoint.empty()) save(options.checkpoint, settings, progress, *classifier);
    run.progress((epoch + 1.0) / options.epochs,
                 fmt::format("epoch {} of {}: loss {:.4f}, validation loss {:.4f}, AUC {:.4f}, accuracy {:.4f}", epoch + 1, options.epochs,
                             line.loss, line.validation_cross_entropy, line.validation_auc, line.validation_accuracy));
  }
  result.weights = std::move(progress.best);
  result.epoch = progress.best_epoch;
  result.record = std::move(progress.record);
  classifier->set_weights(result.weights);
  result.temperature = fit_temperature(scores_of(*classifier, result.input, set.validation, run), set.validation.labels);
  return result;
}

}  // namespace gantry::learning
