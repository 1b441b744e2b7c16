// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/bundle/bundle.h"
#include "gantry/learning/picture_model.h"
#include "session.h"

namespace gantry::cli {

namespace {

/// A whole number of an option; the default where none is given.
int whole_option(const std::string& name, const std::string& text, int otherwise) {
  if (text.empty()) return otherwise;
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number > 1000000000)
    throw Error(ErrorCode::parameter, fmt::format("{}: must be a whole number of at least 0; got {}", name, text));
  return static_cast<int>(*number);
}

double number_option(const std::string& name, const std::string& text, double otherwise) {
  if (text.empty()) return otherwise;
  const auto number = parse_double(text);
  if (!number) throw Error(ErrorCode::parameter, fmt::format("{}: must be a number; got {}", name, text));
  return *number;
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

}  // namespace

int train(const Words& arguments) {
  CommandLine command("train", "Trains a network on labelled images and writes it as a bundle.");
  std::string data_set, out, task, epochs, batch, rate, decay, smoothing, blocks, widths, seed, size, classes, description;
  bool mirror = false;
  command.positional("DATASET", data_set, "NPZ file in MedMNIST's form, or folders of pictures, one a class");
  command.option("--task", task, "What is to be learnt", "classification");
  command.option("-o,--output", out, "Bundle to write", "BUNDLE");
  command.option("--classes", classes, "Names of the labels 0, 1, ... of an NPZ file", "A,B,...");
  command.option("--size", size, "Rows and columns of the network's input; default: those of the first picture, at most 128", "PIXELS");
  command.option("--epochs", epochs, "How often each picture is seen; default 30", "N");
  command.option("--batch", batch, "Pictures a step; default 64", "N");
  command.option("--learning-rate", rate, "Greatest learning rate; default 0.1", "RATE");
  command.option("--weight-decay", decay, "Decay of weights; default 0.0005", "DECAY");
  command.option("--label-smoothing", smoothing, "Share of the target spread over all classes; default 0", "SHARE");
  command.option("--widths", widths, "Features of each stage; default 16,32,64", "A,B,...");
  command.option("--blocks", blocks, "Blocks a stage; default 2", "N");
  command.flag("--mirror", mirror, "Also learn from mirrored pictures");
  command.option("--seed", seed, "Seed of everything random; default 1", "N");
  command.option("--describe", description, "JSON with title, intended use, data, licence, limits and scope for the card", "FILE");
  command.example("gantry train films.npz --task classification -o films --classes normal,pneumonia");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (task.empty() || out.empty()) throw Error(ErrorCode::usage, "train: needs --task and -o BUNDLE");
  if (task != "classification") throw Error(ErrorCode::parameter, "task: must be classification; got " + task);
  learning::PictureSetOptions reading;
  reading.rows = reading.columns = whole_option("size", size, 0);
  if (!size.empty() && !(reading.rows >= 8 && reading.rows <= 1024))
    throw Error(ErrorCode::parameter, "size: must lie between 8 and 1024; got " + size);
  if (!classes.empty()) reading.classes = split(classes, ',');
  learning::TrainOptions options;
  options.epochs = whole_option("epochs", epochs, options.epochs);
  options.batch = whole_option("batch", batch, options.batch);
  options.blocks = whole_option("blocks", blocks, options.blocks);
  options.learning_rate = number_option("learning-rate", rate, options.learning_rate);
  options.weight_decay = number_option("weight-decay", decay, options.weight_decay);
  options.label_smoothing = number_option("label-smoothing", smoothing, options.label_smoothing);
  options.augmentation.mirror = mirror;
  if (!widths.empty()) {
    options.widths.clear();
    for (const std::string& width : split(widths, ',')) options.widths.push_back(whole_option("widths", width, 0));
  }
  const Json said = description.empty() ? Json::object() : learning::read_description(description);
  Run& of_session = session.start(true);
  Run run = seeded(of_session, static_cast<std::uint64_t>(whole_option("seed", seed, 1)));
  learning::train_picture_bundle(data_set, reading, options, said, out, run);
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
  std::string folder, data_set, part = "test";
  command.positional("BUNDLE", folder, "Trained model");
  command.positional("DATASET", data_set, "As for gantry train");
  command.option("--part", part, "Which part of it; default test", "train|validation|test");
  command.example("gantry evaluate films films.npz --json");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  if (part != "train" && part != "validation" && part != "test")
    throw Error(ErrorCode::parameter, "part: must be one of train, validation, test; got " + part);
  Run& run = session.start();
  const learning::PictureModel model(folder);
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
  const Json scores = learning::to_json(learning::score(model.probabilities(cases, run), cases.labels, run), model.classes());
  for (const auto& [key, value] : scores.items()) result[key] = value;
  session.finish();
  if (session.json()) {
    print(result);
    return 0;
  }
  std::string text = fmt::format("{}\n", model.bundle().id());
  for (const auto& [key, value] : result.items()) {
    if (key != "bundle") text += fmt::format("{:<24} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
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
