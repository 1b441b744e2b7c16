// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <malloc.h>

#include <limits>

#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/bundle/bundle.h"
#include "gantry/generation/denoising.h"
#include "gantry/learning/picture_model.h"
#include "gantry/learning/segmentation_model.h"
#include "gantry/learning/trained_bundle.h"
#include "gantry/report/training_report.h"
#include "session.h"

namespace gantry::cli {

namespace {

/// What an option states; as it is where nothing was said.
void take(const std::string& name, const std::string& text, int& target) {
  if (!text.empty()) target = static_cast<int>(whole_number(name, text, 0, 1000000000));
}
void take(const std::string& name, const std::string& text, double& target) {
  if (!text.empty()) target = number(name, text, 0, 1e9);
}

/// A Run with a seed of its own and the session's threads, bar and signals.
Run seeded(Run& of_session, std::uint64_t seed) {
  RunOptions options;
  options.threads = of_session.threads();
  options.memory_bytes = of_session.memory_bytes();
  options.seed = seed;
  options.progress = [of_session](double fraction, std::string_view step) mutable { of_session.progress(fraction, step); };
  return Run(options);
}

/// Keeps freed memory for the next step: each allocates the same again, and giving it back in between cost two fifths of the time in page
/// faults.
void keep_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the greatest that glibc takes
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
  mallopt(M_ARENA_MAX, 1);
}

/// What `gantry train` was told, as texts; empty where nothing was said.
struct TrainWords {
  std::string epochs, batch, rate, decay, smoothing, averaging, members, prior, blocks, widths, size, classes, folds, fold, device = "auto";
  bool mirror = false;
};

std::vector<int> widths_of(const TrainWords& words, const std::vector<int>& otherwise) {
  if (words.widths.empty()) return otherwise;
  std::vector<int> widths;
  for (const std::string& width : split(words.widths, ',')) widths.push_back(static_cast<int>(whole_number("widths", width, 1, 1024)));
  return widths;
}

/// What all tasks have.
template <class Options>
void take_common(const TrainWords& words, Options& options) {
  take("epochs", words.epochs, options.epochs);
  take("batch", words.batch, options.batch);
  take("learning-rate", words.rate, options.learning_rate);
  take("weight-decay", words.decay, options.weight_decay);
  options.widths = widths_of(words, options.widths);
  options.device = learning::device_named(words.device);
}

/// What tasks with classes have.
template <class Reading, class Options>
void take_classes(const TrainWords& words, Reading& reading, Options& options) {
  if (!words.classes.empty()) reading.classes = split(words.classes, ',');
  options.augmentation.mirror = words.mirror;
  take_common(words, options);
}

/// Refuses options that only other tasks have.
void refuse_options(const std::string& task, std::initializer_list<std::pair<const char*, std::string>> others) {
  for (const auto& [name, text] : others)
    if (!text.empty()) throw Error(ErrorCode::usage, fmt::format("train: --{} is not of the task {}", name, task));
}
void refuse_options_of_pictures(const std::string& task, const TrainWords& words) {
  refuse_options(task, {{"size", words.size},
                        {"blocks", words.blocks},
                        {"label-smoothing", words.smoothing},
                        {"averaging", words.averaging},
                        {"members", words.members},
                        {"prior", words.prior}});
}

void train_classification(const TrainWords& words, const std::string& data_set, const Json& said, const std::string& out, Run& run) {
  refuse_options("classification", {{"folds", words.folds}, {"fold", words.fold}});
  learning::PictureSetOptions reading;
  if (!words.size.empty()) reading.rows = reading.columns = static_cast<int>(whole_number("size", words.size, 8, 1024));
  learning::TrainOptions options;
  take_classes(words, reading, options);
  take("blocks", words.blocks, options.blocks);
  take("label-smoothing", words.smoothing, options.label_smoothing);
  take("averaging", words.averaging, options.averaging);
  take("members", words.members, options.members);
  if (!words.prior.empty() && words.prior != "train" && words.prior != "even")
    throw Error(ErrorCode::parameter, "prior: must be train or even; got " + words.prior);
  options.even_prior = words.prior == "even";
  learning::train_picture_bundle(data_set, reading, options, said, out, run);
}

void train_segmentation(const TrainWords& words, const std::string& data_set, const Json& said, const std::string& out, Run& run) {
  refuse_options_of_pictures("segmentation", words);
  learning::VolumeSetOptions reading;
  take("folds", words.folds, reading.folds);
  learning::SegmentationOptions options;
  take_classes(words, reading, options);
  take("fold", words.fold, options.fold);
  learning::train_segmentation_bundle(data_set, reading, options, said, out, run);
}

void train_denoising(const TrainWords& words, const std::string& data_set, const Json& said, const std::string& out, Run& run) {
  refuse_options_of_pictures("denoising", words);
  refuse_options("denoising", {{"classes", words.classes}, {"mirror", words.mirror ? "yes" : ""}});
  learning::VolumeSetOptions reading;
  take("folds", words.folds, reading.folds);
  generation::DenoisingOptions options;
  take_common(words, options);
  take("fold", words.fold, options.fold);
  generation::train_denoising_bundle(data_set, reading, options, said, out, run);
}

/// Where a report goes, and its language; none without a folder.
struct ReportWords {
  std::string folder, language = "en";
  void declare(CommandLine& command, const std::string& what) {
    command.option("--report", folder, what, "OUT");
    command.option("--language", language, "Language of the report; default en", "en|zh");
  }
  /// Before any work.
  void check() const {
    if (language != "en" && language != "zh") throw Error(ErrorCode::parameter, "language: must be en or zh; got " + language);
    if (!folder.empty()) report::check_report_folder(folder);
  }
  void write(const ReportDocument& document, Run& run) const {
    if (!folder.empty()) report::write_training_report(document, folder, language, run);
  }
};

/// What `evaluate` gives and, where it is asked for, reports.
Json evaluate_pictures(const Path& folder, const Path& data_set, const std::string& part, learning::Device device,
                       const ReportWords& report, Run& run) {
  const learning::PictureModel model(folder, device);
  learning::PictureSetOptions reading;
  reading.classes = model.classes();
  reading.channels = model.input().channels;
  reading.rows = model.input().rows;
  reading.columns = model.input().columns;
  reading.complete = false;
  const learning::PictureSet set = learning::read_picture_set(data_set, reading, run);
  const learning::Cases& cases = part == "train" ? set.train : part == "validation" ? set.validation : set.test;
  if (cases.size() == 0) throw Error(ErrorCode::refused, fmt::format("data set: has no picture in its part {}", part));
  Json result{{"bundle", model.bundle().id()}, {"data_set_sha256", set.digest}, {"part", part}};
  const learning::Table probabilities = model.probabilities(cases, run);
  result.update(learning::to_json(learning::score(probabilities, cases.labels, run), model.classes()));
  if (model.novelty()) result["unlike"] = model.novelty()->share_unlike(cases, model.input(), run);
  report.write(report::classifier_report(model.bundle().manifest, model.bundle().id(), part, result, probabilities, cases.labels), run);
  return result;
}

Json evaluate_volumes(const Path& folder, const Path& data_set, const std::string& part, learning::Device device, const ReportWords& report,
                      Run& run) {
  const learning::SegmentationModel model(folder, device);
  learning::VolumeSetOptions reading;
  reading.classes = model.classes();
  reading.folds = 0;
  Run reads = run.part(0, 0.1), measures = run.part(0.1, 1);
  const learning::VolumeSet set = learning::read_volume_set(data_set, reading, reads);
  Json result{{"bundle", model.bundle().id()}, {"data_set_sha256", set.digest}, {"part", part}};
  result.update(learning::evaluate_segmentation(model, set, part, measures));
  report.write(report::segmenter_report(model.bundle().manifest, model.bundle().id(), part, result), run);
  return result;
}

Json evaluate_denoising(const Path& folder, const Path& data_set, const std::string& part, learning::Device, const ReportWords& report,
                        Run& run) {
  if (!report.folder.empty()) throw Error(ErrorCode::usage, "evaluate: there is no report of the task denoising");
  const generation::DenoisingModel model(folder);
  learning::VolumeSetOptions reading;
  reading.labels = false;
  reading.folds = 0;
  Run reads = run.part(0, 0.1), measures = run.part(0.1, 1);
  const learning::VolumeSet set = learning::read_volume_set(data_set, reading, reads);
  if (set.channels() != 1) throw Error(ErrorCode::refused, fmt::format("data set: images must have one channel; have {}", set.channels()));
  Json result{{"bundle", model.bundle().id()}, {"data_set_sha256", set.digest}, {"part", part}};
  result.update(generation::score_denoising(model.network(), set, learning::cases_of_part(model.bundle().manifest, set, part), measures));
  return result;
}

/// What a task is trained and measured by.
struct Task {
  const char* name;
  void (*train)(const TrainWords& words, const std::string& data_set, const Json& said, const std::string& out, Run& run);
  Json (*evaluate)(const Path& folder, const Path& data_set, const std::string& part, learning::Device device, const ReportWords& report,
                   Run& run);
};
constexpr std::array<Task, 3> tasks{{{"classification", train_classification, evaluate_pictures},
                                     {"segmentation", train_segmentation, evaluate_volumes},
                                     {"denoising", train_denoising, evaluate_denoising}}};
const Task& task_named(const std::string& name, ErrorCode otherwise) {
  for (const Task& task : tasks)
    if (name == task.name) return task;
  throw Error(otherwise, fmt::format("task: must be classification, segmentation or denoising; got {}", name));
}

}  // namespace

int train(const Words& arguments) {
  CommandLine command("train", "Trains a network on labelled images and writes it as a bundle.");
  std::string data_set, out, task, seed = "1", description;
  ReportWords report;
  TrainWords words;
  command.positional(
      "DATASET", data_set,
      "For classification an NPZ file in MedMNIST's form, or folders of pictures, one a class; for segmentation a folder with "
      "images and labels, or imagesTr and labelsTr; for denoising one with images");
  command.option("--task", task, "What is to be learnt", "classification|segmentation|denoising");
  command.option("-o,--output", out, "Bundle to write", "BUNDLE");
  command.option("--classes", words.classes, "Names of the labels 0, 1, ... of an NPZ file or of label images", "A,B,...");
  command.option("--size", words.size, "Rows and columns of a classifier's input; default: those of the first picture, at most 128",
                 "PIXELS");
  command.option("--epochs", words.epochs, "How often each case is seen; default 30, for segmentation 40, for denoising 1200", "N");
  command.option("--batch", words.batch, "Cases a step; default 64, for segmentation 2, for denoising 4", "N");
  command.option("--learning-rate", words.rate, "Greatest learning rate; default 0.1, for segmentation 0.003, for denoising 0.002", "RATE");
  command.option("--weight-decay", words.decay, "Decay of weights; default 0.0005, for volumes 0.01", "DECAY");
  command.option("--label-smoothing", words.smoothing, "Share of a classifier's target spread over all classes; default 0", "SHARE");
  command.option("--averaging", words.averaging,
                 "Memory of the mean of a classifier's weights over steps; 0 = the last ones; default 0.998", "SHARE");
  command.option("--members", words.members, "Networks from other seeds that answer together in a classifier; default 1", "N");
  command.option("--prior", words.prior,
                 "How frequent a classifier's probabilities take the classes for: as in the training part, or all alike; default train",
                 "train|even");
  command.option("--widths", words.widths,
                 "Features of each stage, default 16,32,64; for denoising of each layer but the last, default 32,32,32,32", "A,B,...");
  command.option("--blocks", words.blocks, "Blocks a stage of a classifier; default 2", "N");
  command.option("--folds", words.folds, "Into how many folds volumes are dealt; default 5", "N");
  command.option("--fold", words.fold, "Fold that is held out and measured, from 0; default 0", "N");
  command.flag("--mirror", words.mirror, "Also learn from mirrored cases");
  command.option("--device", words.device, "Where to compute; default auto: CUDA where there is one", "auto|cpu|cuda");
  command.option("--seed", seed, "Seed of everything random; default 1", "N");
  command.option("--describe", description, "JSON with title, intended use, data, licence, limits and scope for the card", "FILE");
  report.declare(command, "Folder for a report of the part that was measured last: test, else validation");
  command.example("gantry train films.npz --task classification -o films --classes normal,pneumonia");
  command.example("gantry train hippocampus --task segmentation -o hippocampus --classes background,anterior,posterior --fold 0");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (task.empty() || out.empty()) throw Error(ErrorCode::usage, "train: needs --task and -o BUNDLE");
  const Task& chosen = task_named(task, ErrorCode::parameter);
  if (!report.folder.empty() && task == "denoising") throw Error(ErrorCode::usage, "train: --report is not of the task denoising");
  report.check();
  const Json said = description.empty() ? Json::object() : learning::read_description(description);
  keep_memory();
  Run& of_session = session.start(true);
  Run run = seeded(of_session, static_cast<std::uint64_t>(whole_number("seed", seed, 0, std::numeric_limits<std::int64_t>::max())));
  chosen.train(words, data_set, said, out, run);
  if (!report.folder.empty()) {
    const bool tested = bundle::open_bundle(out).manifest["figures"].contains("test");
    chosen.evaluate(out, data_set, tested ? "test" : "validation", learning::device_named(words.device), report, run);
  }
  for (const std::string& warning : run.warnings()) of_session.warn(warning);
  session.finish();
  const bundle::Bundle written = bundle::open_bundle(out);
  if (session.json()) {
    print(Json{{"bundle", written.id()}, {"figures", written.manifest["figures"]}});
  } else {
    print(fmt::format("{}\n{}", written.id(), to_text(written.manifest["figures"])));
  }
  return 0;
}

int evaluate(const Words& arguments) {
  CommandLine command("evaluate", "Measures a bundle on labelled images.");
  std::string folder, data_set, part = "test", device = "auto";
  ReportWords report;
  command.positional("BUNDLE", folder, "Trained model");
  command.positional("DATASET", data_set, "As for gantry train");
  command.option("--part", part, "Which part of it; for volumes test means cases that the model has never seen; default test",
                 "train|validation|test");
  report.declare(command, "Folder for report.html, report.pdf and the charts as pictures");
  command.option("--device", device, "Where to compute; default auto: CUDA where there is one", "auto|cpu|cuda");
  command.example("gantry evaluate films films.npz --report films-report");
  command.example("gantry evaluate films films.npz --json");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (part != "train" && part != "validation" && part != "test")
    throw Error(ErrorCode::parameter, "part: must be one of train, validation, test; got " + part);
  report.check();
  Run& run = session.start();
  const learning::Device place = learning::device_named(device);
  const bundle::Bundle opened = bundle::open_bundle(folder);
  const Json result = task_named(opened.task, ErrorCode::refused).evaluate(folder, data_set, part, place, report, run);
  session.finish();
  if (session.json()) {
    print(result);
    return 0;
  }
  std::string text = fmt::format("{}\n", opened.id());
  for (const auto& [key, value] : result.items()) {
    if (key != "bundle" && !key.ends_with("_of_cases"))
      text += fmt::format("{:<24} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  print(text);
  return 0;
}

int bundle_info(const Words& arguments) {
  CommandLine command("bundle info", "Says what a bundle is: its card, or its manifest as JSON.");
  std::string folder;
  command.positional("BUNDLE", folder, "Trained model");
  command.example("gantry bundle info models/cxr_pneumonia");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  const bundle::Bundle bundle = bundle::open_bundle(folder);
  if (session.json()) {
    Json all{{"id", bundle.id()}};
    for (const auto& [key, value] : bundle.manifest.items()) all[key] = value;
    print(all);
    return 0;
  }
  const bool card = bundle.manifest["files"].contains("card.md");
  print(fmt::format("{}\n\n{}", bundle.id(), card ? read_text(bundle.file("card.md"), std::uint64_t{1} << 20) : "It has no card.\n"));
  return 0;
}

int bundle_verify(const Words& arguments) {
  CommandLine command("bundle verify", "Checks that every file of a bundle is what its manifest says.");
  std::vector<std::string> folders;
  command.positionals("BUNDLE", folders, "Trained models");
  command.example("gantry bundle verify models/cxr_pneumonia");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  Json list = Json::array();
  std::string text;
  for (const std::string& folder : folders) {
    const bundle::Bundle bundle = bundle::open_bundle(folder);
    list.push_back(bundle.id());
    text += fmt::format("{}: {} files are as they were written\n", bundle.id(), bundle.manifest["files"].size());
  }
  if (session.json()) {
    print(Json{{"verified", list}});
  } else {
    print(text);
  }
  return 0;
}

int bundle_card(const Words& arguments) {
  CommandLine command("bundle card", "Prints the card of a bundle; with --describe writes it anew first.");
  std::string folder, description;
  command.positional("BUNDLE", folder, "Trained model");
  command.option("--describe", description, "JSON as for gantry train", "FILE");
  command.example("gantry bundle card models/cxr_pneumonia");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (!description.empty()) learning::describe_bundle(folder, learning::read_description(description));
  const bundle::Bundle bundle = bundle::open_bundle(folder);
  if (!bundle.manifest["files"].contains("card.md")) throw Error(ErrorCode::not_found, bundle.name + ": has no card");
  print(read_text(bundle.file("card.md"), std::uint64_t{1} << 20));
  return 0;
}

}  // namespace gantry::cli
