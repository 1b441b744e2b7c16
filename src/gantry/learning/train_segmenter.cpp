// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/learning/segmentation_model.h"
#include "gantry/learning/tiles.h"
#include "gantry/learning/trained_bundle.h"
#include "gantry/learning/training.h"
#include "gantry/volume/resample.h"

namespace gantry::learning {

namespace {

constexpr std::int64_t most_positions = 10000;

void check(const SegmentationOptions& options, const VolumeSetOptions& reading) {
  check_option("epochs", options.epochs, 1, 10000);
  check_option("batch", options.batch, 1, 256);
  check_option("learning_rate", options.learning_rate, 1e-8, 10);
  check_option("momentum", options.momentum, 0, 0.999);
  check_option("weight_decay", options.weight_decay, 0, 1);
  check_option("most_patch_voxels", static_cast<double>(options.most_patch_voxels), 512, 1 << 26);
  check_option("folds", reading.folds, 2, 20);
  check_option("fold", options.fold, 0, reading.folds - 1);
}

VolumeSource source_of(const VolumeCase& one, const VolumePlan& plan, std::size_t classes, const Run& run) {
  VolumeSource source;
  source.image = with_context(one.name, [&] { return prepare_volume(one.image, plan, run); });
  source.labels = resample_labels<std::uint8_t>(one.labels, source.image.grid(), run);
  std::vector<std::int64_t> counts(classes);
  for (const std::uint8_t label : source.labels.values()) ++counts[label];
  source.positions.resize(classes - 1);
  std::vector<std::int64_t> seen(classes);
  for (std::int64_t n = 0; n < source.labels.count(); ++n) {
    const std::size_t label = source.labels[n];
    const std::int64_t every = std::max<std::int64_t>(1, (counts[label] + most_positions - 1) / most_positions);
    if (label && seen[label]++ % every == 0) source.positions[label - 1].push_back(n);
  }
  return source;
}

double learn_epoch(Segmenter& segmenter, const std::vector<VolumeSource>& sources, const VolumePlan& plan,
                   const SegmentationOptions& options, int epoch, Run& run) {
  const std::vector<std::size_t> order = shuffled(sources.size(), run.seed(), epoch);
  const std::size_t size = std::min(static_cast<std::size_t>(options.batch), order.size());
  const std::size_t steps = order.size() / size;  // what is left over takes part in other epochs
  const auto voxels = static_cast<std::size_t>(plan.patch[0] * plan.patch[1] * plan.patch[2]);
  const std::size_t values = voxels * static_cast<std::size_t>(plan.channels);
  double loss = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    const double done = static_cast<double>(step) / static_cast<double>(steps);
    run.progress((epoch + done) / options.epochs, "learning");
    Tensor batch{{static_cast<std::int64_t>(size), plan.channels, plan.patch[2], plan.patch[1], plan.patch[0]},
                 std::vector<float>(size * values)};
    std::vector<std::uint8_t> labels(size * voxels);
    parallel_for(run, static_cast<std::int64_t>(size), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        const auto place = static_cast<std::size_t>(n);
        const std::size_t at = order[step * size + place];
        draw_patch(sources[at], plan.patch, options.augmentation, Random(run.seed(), (static_cast<std::uint64_t>(epoch) << 32) + at),
                   {batch.values.data() + place * values, values}, {labels.data() + place * voxels, voxels});
      }
    });
    loss += segmenter.learn(batch, labels,
                            {.descent = Descent::adam,
                             .learning_rate = rate_at(options.learning_rate, options.epochs, epoch + done),
                             .momentum = options.momentum,
                             .weight_decay = options.weight_decay,
                             .longest_gradient = options.longest_gradient,
                             .threads = run.threads()});
    check_loss(loss, epoch);
  }
  return loss / static_cast<double>(steps);
}

}  // namespace

Json to_json(const SegmentationOptions& options) {
  return {{"widths", options.widths},
          {"block", options.block},
          {"epochs", options.epochs},
          {"batch", options.batch},
          {"learning_rate", options.learning_rate},
          {"momentum", options.momentum},
          {"weight_decay", options.weight_decay},
          {"longest_gradient", options.longest_gradient},
          {"most_patch_voxels", options.most_patch_voxels},
          {"augmentation", to_json(options.augmentation)},
          {"fold", options.fold}};
}

void train_segmentation_bundle(const Path& data_set, const VolumeSetOptions& reading, const SegmentationOptions& options,
                               const Json& description, const Path& destination, Run& run) {
  check(options, reading);
  const BundlePlace place = place_for(destination);
  engine();  // what is missing is said before anything is read
  Run reads = run.part(0, 0.02);
  const VolumeSet set = read_volume_set(data_set, reading, reads);
  const auto fold = static_cast<std::size_t>(options.fold);
  const std::vector<std::size_t> training = set.training_of(fold), &held_out = set.folds[fold];
  const SegmenterDesign design{
      .channels = set.channels(), .classes = static_cast<int>(set.classes.size()), .widths = options.widths, .block = options.block};
  const auto segmenter = engine().segmenter(design, options.device);
  const VolumePlan plan = plan_volumes(set, training, design, options.most_patch_voxels);

  std::vector<VolumeSource> sources;
  for (const std::size_t n : training) sources.push_back(source_of(set.cases[n], plan, set.classes.size(), run));
  Run learning = run.part(0.02, 0.95);
  Course course;
  course.epochs = options.epochs;
  course.seed = run.seed();
  course.checkpoint = place.checkpoint;
  course.settings = fmt::format("{}\n{}\n{}", to_json(options).dump(), set.digest, to_json(plan).dump());
  course.learn = [&](int epoch) { return learn_epoch(*segmenter, sources, plan, options, epoch, learning); };
  course.describe = [](const std::vector<double>& row) { return fmt::format("loss {:.4f}", row[0]); };
  Outcome outcome = take_course(*segmenter, course, options.device, learning);
  segmenter->set_weights(outcome.weights);
  sources.clear();

  std::vector<std::string> names;
  std::vector<std::vector<double>> dice;
  for (std::size_t n = 0; n < held_out.size(); ++n) {
    const VolumeCase& one = set.cases[held_out[n]];
    const auto count = static_cast<double>(held_out.size());
    Run share = run.part(0.95 + 0.05 * static_cast<double>(n) / count, 0.95 + 0.05 * static_cast<double>(n + 1) / count, "measuring");
    const auto given = segment_canonical(*segmenter, design.classes, plan, one.image, share);
    names.push_back(one.name);
    dice.emplace_back();
    for (std::size_t c = 1; c < set.classes.size(); ++c)
      dice.back().push_back(dice_of(given.values(), one.labels.values(), static_cast<std::uint8_t>(c)));
  }

  Json manifest = manifest_of(place, "segmentation", description, set.classes);
  manifest["input"] = to_json(plan);
  manifest["architecture"] = {{"kind", "u_net"}, {"widths", options.widths}, {"block", options.block}};
  Json& record = manifest["training"] = training_of(options.device, run);
  record["data_set"] = data_set_record(set, training, held_out);
  record["options"] = to_json(options);
  record["chosen_by"] = "the last epoch";
  Json& epochs = record["epochs"] = Json::array();
  for (const auto& row : outcome.record) epochs.push_back({{"loss", std::round(row[0] * 1e5) / 1e5}});
  manifest["figures"]["validation"] = score_segmentations(set.classes, names, dice, run);
  write_trained(place, manifest, outcome.weights, {}, run);
}

}  // namespace gantry::learning
