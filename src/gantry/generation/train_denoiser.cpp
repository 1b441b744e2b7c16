// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/generation/denoising.h"
#include "gantry/learning/trained_bundle.h"
#include "gantry/learning/training.h"

namespace gantry::generation {

namespace {

using learning::Tensor;

void check_options(const DenoisingOptions& options, const learning::VolumeSetOptions& reading) {
  using learning::check_option;
  check_option("epochs", options.epochs, 1, 100000);
  check_option("batch", options.batch, 1, 256);
  check_option("learning_rate", options.learning_rate, 1e-8, 10);
  check_option("momentum", options.momentum, 0, 0.999);
  check_option("weight_decay", options.weight_decay, 0, 1);
  check_option("level", options.level[0], 1e-4, 100);
  check_option("level", options.level[1], options.level[0], 100);
  check_option("correlation", options.correlation[0], 0, 4);
  check_option("correlation", options.correlation[1], options.correlation[0], 4);
  check_option("patch", options.patch, 2, 128);
  check_option("folds", reading.folds, 2, 20);
  check_option("fold", options.fold, 0, reading.folds - 1);
}

/// A cube of a case with fresh noise in one of its 48 positions: the noisy values in it and `reach` around it, and what the image differs
/// from them in it; both over the root mean square of the noisy image.
void draw_cube(const Voxels<float>& image, const DenoisingOptions& options, int reach, Random random, const Run& run,
               std::span<float> noisy_values, std::span<float> wanted) {
  const double low = std::log(options.level[0]), high = std::log(options.level[1]);
  const CountNoise noise{std::exp(random.next_uniform(low, high)), random.next_uniform(options.correlation[0], options.correlation[1])};
  const auto stream = static_cast<std::uint64_t>(random.next_integer(0, std::int64_t{1} << 62));
  const Voxels<float> noisy = with_count_noise(image, noise, Random(run.seed(), stream), run);
  double squares = 0;
  for (const float value : noisy.values()) squares += std::pow(static_cast<double>(value), 2);
  const auto factor = static_cast<float>(1 / std::sqrt(std::max(1e-30, squares / static_cast<double>(noisy.count()))));
  std::array<std::size_t, 3> axis{0, 1, 2};
  for (std::size_t n = 3; n > 1; --n)
    std::swap(axis[n - 1], axis[static_cast<std::size_t>(random.next_integer(0, static_cast<std::int64_t>(n) - 1))]);
  Size3 begin{};
  std::array<bool, 3> turned{};
  for (std::size_t n = 0; n < 3; ++n) {
    begin[n] = random.next_integer(0, image.grid().size(static_cast<int>(n)) - options.patch);
    turned[n] = random.next_uniform() < 0.5;
  }
  // Where voxel `at` of the cube lies; beyond the image its border.
  const auto place_of = [&](const Size3& at) {
    Size3 place{};
    for (std::size_t n = 0; n < 3; ++n) {
      const std::size_t along = axis[n];
      const std::int64_t offset = turned[along] ? options.patch - 1 - at[n] : at[n];
      place[along] = std::clamp<std::int64_t>(begin[along] + offset, 0, image.grid().size(static_cast<int>(along)) - 1);
    }
    return image.grid().index(place[0], place[1], place[2]);
  };
  std::size_t seen = 0, told = 0;
  for (std::int64_t k = -reach; k < options.patch + reach; ++k)
    for (std::int64_t j = -reach; j < options.patch + reach; ++j)
      for (std::int64_t i = -reach; i < options.patch + reach; ++i) {
        const std::int64_t place = place_of({i, j, k});
        noisy_values[seen++] = factor * noisy[place];
        if (std::min({i, j, k}) >= 0 && std::max({i, j, k}) < options.patch) wanted[told++] = factor * (image[place] - noisy[place]);
      }
}

double learn_cubes(learning::Regressor& regressor, const learning::VolumeSet& set, const std::vector<std::size_t>& training, int reach,
                   const DenoisingOptions& options, int epoch, Run& run) {
  const std::vector<std::size_t> order = learning::shuffled(training.size(), run.seed(), epoch);
  const std::size_t size = std::min(static_cast<std::size_t>(options.batch), order.size()), steps = order.size() / size;
  const std::int64_t side = options.patch + 2 * reach, patch = options.patch, cases = static_cast<std::int64_t>(size);
  const auto values = static_cast<std::size_t>(side * side * side), wanted = static_cast<std::size_t>(patch * patch * patch);
  double loss = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    const double done = static_cast<double>(step) / static_cast<double>(steps);
    run.progress((epoch + done) / options.epochs, "learning");
    Tensor batch{{cases, 1, side, side, side}, std::vector<float>(size * values)};
    Tensor targets{{cases, 1, patch, patch, patch}, std::vector<float>(size * wanted)};
    parallel_for(run, cases, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        const auto place = static_cast<std::size_t>(n);
        const std::size_t at = order[step * size + place];
        draw_cube(set.cases[training[at]].image, options, reach, Random(run.seed(), (static_cast<std::uint64_t>(epoch) << 32) + at), run,
                  {batch.values.data() + place * values, values}, {targets.values.data() + place * wanted, wanted});
      }
    });
    loss += regressor.learn(batch, targets,
                            {.descent = learning::Descent::adam,
                             .learning_rate = learning::rate_at(options.learning_rate, options.epochs, epoch + done),
                             .momentum = options.momentum,
                             .weight_decay = options.weight_decay,
                             .longest_gradient = options.longest_gradient,
                             .threads = run.threads()});
    learning::check_loss(loss, epoch);
  }
  return loss / static_cast<double>(steps);
}

}  // namespace

Json to_json(const DenoisingOptions& options) {
  return {{"widths", options.widths},
          {"epochs", options.epochs},
          {"batch", options.batch},
          {"learning_rate", options.learning_rate},
          {"momentum", options.momentum},
          {"weight_decay", options.weight_decay},
          {"longest_gradient", options.longest_gradient},
          {"level", options.level},
          {"correlation", options.correlation},
          {"patch", options.patch},
          {"fold", options.fold}};
}

void train_denoising_bundle(const Path& data_set, learning::VolumeSetOptions reading, const DenoisingOptions& options,
                            const Json& description, const Path& destination, Run& run) {
  check_options(options, reading);
  reading.labels = false;
  const learning::BundlePlace place = learning::place_for(destination);
  const learning::ChainDesign design{.channels = 1, .outputs = 1, .widths = options.widths};
  const auto regressor = learning::engine().regressor(design, options.device);
  Run reads = run.part(0, 0.02);
  const learning::VolumeSet set = learning::read_volume_set(data_set, reading, reads);
  if (set.channels() != 1) throw Error(ErrorCode::refused, fmt::format("data set: images must have one channel; have {}", set.channels()));
  for (const learning::VolumeCase& one : set.cases) {
    const Size3& size = one.image.grid().size();
    if (const auto least = std::min({size[0], size[1], size[2]}); least < options.patch)
      throw Error(ErrorCode::refused,
                  fmt::format("{}: image: must have {} voxels along each axis; has {}", one.name, options.patch, least));
  }
  const auto fold = static_cast<std::size_t>(options.fold);
  const std::vector<std::size_t> training = set.training_of(fold), &held_out = set.folds[fold];

  Run learning_run = run.part(0.02, 0.95);
  learning::Course course;
  course.epochs = options.epochs;
  course.seed = run.seed();
  course.checkpoint = place.checkpoint;
  course.settings = fmt::format("{}\n{}", to_json(options).dump(), set.digest);
  course.learn = [&](int epoch) { return learn_cubes(*regressor, set, training, design.reach(), options, epoch, learning_run); };
  course.describe = [](const std::vector<double>& row) { return fmt::format("loss {:.5f}", row[0]); };
  const learning::Outcome outcome = learning::take_course(*regressor, course, options.device, learning_run);

  Json manifest = learning::manifest_of(place, "denoising", description, {});
  manifest["input"] = {{"channels", 1}, {"scale", "root mean square"}};
  manifest["architecture"] = {{"kind", "chain"}, {"widths", options.widths}};
  Json& record = manifest["training"] = learning::training_of(options.device, run);
  record["data_set"] = learning::data_set_record(set, training, held_out);
  record["options"] = to_json(options);
  record["chosen_by"] = "the last epoch";
  Json& epochs = record["epochs"] = Json::array();
  for (const auto& row : outcome.record) epochs.push_back({{"loss", std::round(row[0] * 1e5) / 1e5}});
  Run measuring = run.part(0.95, 1, "measuring");
  manifest["figures"]["validation"] = score_denoising(chain_of(outcome.weights), set, held_out, measuring);
  learning::write_trained(place, manifest, outcome.weights, {}, run);
}

}  // namespace gantry::generation
