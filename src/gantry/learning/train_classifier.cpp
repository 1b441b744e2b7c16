// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/train_classifier.h"

#include "gantry/compute/parallel.h"
#include "gantry/learning/training.h"

namespace gantry::learning {

namespace {

constexpr std::int64_t scoring_batch = 64;

void check(const TrainOptions& options) {
  check_option("epochs", options.epochs, 1, 10000);
  check_option("batch", options.batch, 2, 4096);
  check_option("learning_rate", options.learning_rate, 1e-8, 10);
  check_option("momentum", options.momentum, 0, 0.999);
  check_option("weight_decay", options.weight_decay, 0, 1);
  check_option("label_smoothing", options.label_smoothing, 0, 0.5);
  check_option("rotation_degrees", options.augmentation.rotation_degrees, 0, 180);
  check_option("shift", options.augmentation.shift, 0, 0.5);
  check_option("scale", options.augmentation.scale, 0, 1);
  check_option("contrast", options.augmentation.contrast, 0, 0.9);
  check_option("brightness", options.augmentation.brightness, 0, 1);
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

double learn_epoch(Classifier& classifier, const PictureSet& set, const PictureInput& input, const TrainOptions& options, int epoch,
                   Run& run) {
  const std::vector<std::size_t> order = shuffled(set.train.size(), run.seed(), epoch);
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
                             {.learning_rate = rate_at(options.learning_rate, options.epochs, epoch + done),
                              .momentum = options.momentum,
                              .weight_decay = options.weight_decay,
                              .label_smoothing = options.label_smoothing,
                              .threads = run.threads()});
    check_loss(loss, epoch);
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
  const auto classifier = engine().classifier(result.design, options.device);
  Course course;
  course.epochs = options.epochs;
  course.checkpoint = options.checkpoint;
  course.settings = fmt::format("{}\n{}\n{}", to_json(options).dump(), set.digest, to_json(set.input).dump());
  course.learn = [&](int epoch) { return learn_epoch(*classifier, set, result.input, options, epoch, run); };
  course.examine = [&] {
    const Table probabilities = softmax(scores_of(*classifier, result.input, set.validation, run), 1);
    const auto [auc, accuracy] = auc_and_accuracy(probabilities, set.validation.labels);
    return std::vector<double>{cross_entropy(probabilities, set.validation.labels), auc, accuracy};
  };
  course.describe = [](const std::vector<double>& row) {
    return fmt::format("loss {:.4f}, validation loss {:.4f}, AUC {:.4f}, accuracy {:.4f}", row[0], row[1], row[2], row[3]);
  };
  Outcome outcome = take_course(*classifier, course, options.device, run);
  result.resumed = outcome.resumed;
  result.weights = std::move(outcome.weights);
  result.epoch = outcome.epoch;
  for (const auto& row : outcome.record) result.record.push_back({row[0], row[1], row[2], row[3]});
  classifier->set_weights(result.weights);
  result.temperature = fit_temperature(scores_of(*classifier, result.input, set.validation, run), set.validation.labels);
  return result;
}

}  // namespace gantry::learning
