// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/learning/train_classifier.h"

#include "gantry/base/error.h"
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
  check_option("averaging", options.averaging, 0, 0.99999);
  check_option("members", options.members, 1, most_members);
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

double learn_epoch(Classifier& classifier, WeightAverage* average, const PictureSet& set, const PictureInput& input,
                   const TrainOptions& options, std::uint64_t seed, int epoch, Run& run) {
  const std::vector<std::size_t> order = shuffled(set.train.size(), seed, epoch);
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
                Random(seed, (static_cast<std::uint64_t>(epoch) << 32) + at), out);
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
    if (average) average->add(classifier.weights());
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
          {"averaging", options.averaging},
          {"members", options.members},
          {"prior", options.even_prior ? "even" : "train"},
          {"augmentation", to_json(options.augmentation)}};
}

Path checkpoint_of(const Path& first, int number) {
  return first.empty() || number == 1 ? first : Path(first.string() + fmt::format(".{}", number));
}

Table forward_together(const Classifiers& classifiers, const Tensor& batch) {
  const auto scores = [&](const Classifier& classifier) {
    const Tensor given = classifier.forward(batch, 1);
    if (!std::all_of(given.values.begin(), given.values.end(), [](float v) { return std::isfinite(v); }))
      throw Error(ErrorCode::not_possible, "network: its scores must be finite; they are not");
    return Table{static_cast<std::size_t>(given.shape[1]), {given.values.begin(), given.values.end()}};
  };
  Table pooled = scores(*classifiers[0]);
  if (classifiers.size() == 1) return pooled;
  pooled = softmax(pooled, 1);
  for (std::size_t m = 1; m < classifiers.size(); ++m) {
    const Table other = softmax(scores(*classifiers[m]), 1);
    for (std::size_t n = 0; n < pooled.values.size(); ++n) pooled.values[n] += other.values[n];
  }
  for (double& value : pooled.values) value = std::log(std::max(1e-300, value / static_cast<double>(classifiers.size())));
  return pooled;
}

Table scores_of(const Classifiers& classifiers, const PictureInput& input, const Cases& cases, const Run& run) {
  Table table;
  const std::size_t values = input.values();
  const auto count = static_cast<std::int64_t>(cases.size());
  std::vector<std::vector<double>> parts(static_cast<std::size_t>((count + scoring_batch - 1) / scoring_batch));
  parallel_for(run, count, scoring_batch, [&](std::int64_t begin, std::int64_t end) {
    Tensor batch{{end - begin, input.channels, input.rows, input.columns}, {}};
    batch.values.assign(cases.values.begin() + begin * static_cast<std::ptrdiff_t>(values),
                        cases.values.begin() + end * static_cast<std::ptrdiff_t>(values));
    normalise(batch.values, input);
    parts[static_cast<std::size_t>(begin / scoring_batch)] = forward_together(classifiers, batch).values;
  });
  for (const auto& part : parts) table.values.insert(table.values.end(), part.begin(), part.end());
  if (count > 0) table.classes = table.values.size() / cases.size();
  return table;
}

namespace {

TrainedMember train_member(const std::shared_ptr<Classifier>& classifier, const PictureSet& set, const PictureInput& input,
                           const TrainOptions& options, int number, Run& run) {
  const std::uint64_t seed = run.seed() + static_cast<std::uint64_t>(number - 1) * 0x9e3779b97f4a7c15U;
  std::optional<WeightAverage> average;
  if (options.averaging > 0) average.emplace(options.averaging);
  Course course;
  course.epochs = options.epochs;
  course.seed = seed;
  course.checkpoint = checkpoint_of(options.checkpoint, number);
  course.settings = fmt::format("{}\n{}\n{}", to_json(options).dump(), set.digest, to_json(set.input).dump());
  course.average = average ? &*average : nullptr;
  course.learn = [&](int epoch) { return learn_epoch(*classifier, course.average, set, input, options, seed, epoch, run); };
  course.examine = [&] {
    const Table probabilities = softmax(scores_of({classifier}, input, set.validation, run), 1);
    const auto [auc, accuracy] = auc_and_accuracy(probabilities, set.validation.labels);
    return std::vector<double>{cross_entropy(probabilities, set.validation.labels), auc, accuracy};
  };
  course.describe = [&](const std::vector<double>& row) {
    const std::string member = options.members > 1 ? fmt::format("network {} of {}, ", number, options.members) : "";
    return fmt::format("{}loss {:.4f}, validation loss {:.4f}, AUC {:.4f}, accuracy {:.4f}", member, row[0], row[1], row[2], row[3]);
  };
  Outcome outcome = take_course(*classifier, course, options.device, run);
  TrainedMember member{std::move(outcome.weights), outcome.epoch, {}, outcome.resumed};
  for (const auto& row : outcome.record) member.record.push_back({row[0], row[1], row[2], row[3]});
  classifier->set_weights(member.weights);
  return member;
}

}  // namespace

TrainedClassifier train_classifier(const PictureSet& set, const TrainOptions& options, Run& run) {
  check(options);
  TrainedClassifier result;
  result.design = {
      .channels = set.input.channels, .classes = static_cast<int>(set.classes.size()), .widths = options.widths, .blocks = options.blocks};
  result.input = set.input;
  measure(result.input, set.train);
  Classifiers classifiers;
  for (int number = 1; number <= options.members; ++number) {
    classifiers.push_back(engine().classifier(result.design, options.device));
    Run share = run.part((number - 1.0) / options.members, static_cast<double>(number) / options.members);
    result.members.push_back(train_member(classifiers.back(), set, result.input, options, number, share));
  }
  result.calibration.temperature = fit_temperature(scores_of(classifiers, result.input, set.validation, run), set.validation.labels);
  if (options.even_prior) {
    const auto classes = static_cast<double>(set.classes.size()), all = static_cast<double>(set.train.size());
    for (std::size_t c = 0; c < set.classes.size(); ++c) {
      const auto count = static_cast<double>(std::count(set.train.labels.begin(), set.train.labels.end(), static_cast<int>(c)));
      result.calibration.shares.push_back(std::max(1.0, count) / all);
      result.calibration.prior.push_back(1 / classes);
    }
  }
  return result;
}

}  // namespace gantry::learning
