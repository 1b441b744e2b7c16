// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/catalogue/catalogue.h"
#include "gantry/operation/pipeline.h"
#include "gantry/operation/sources.h"
#include "session.h"

namespace gantry::cli {

namespace {

std::pair<std::string, std::string> name_and_path(const std::string& word, const char* option) {
  const auto equals = word.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == word.size()) {
    throw Error(ErrorCode::usage, fmt::format("{}: must read name=path; got {}", option, word));
  }
  return {word.substr(0, equals), word.substr(equals + 1)};
}

std::string plan_text(const Json& plan) {
  std::string text;
  for (const Json& step : plan.at("steps")) {
    Words sources;
    for (const auto& [port, names] : step.at("inputs").items()) sources.push_back(port + " = " + join(names.get<Words>(), ", "));
    text +=
        fmt::format("{:<16} {:<32} {}\n", step.at("id").get<std::string>(), step.at("operation").get<std::string>(), join(sources, "; "));
    Words settings;
    for (const auto& [name, value] : step.at("parameters").items()) settings.push_back(name + " " + value.dump());
    if (!settings.empty()) text += fmt::format("{:<16} {}\n", "", join(settings, ", "));
    if (step.contains("seconds")) {
      const bool cached = step.value("cached", false);
      text += fmt::format("{:<16} about {:.2g} s, {} MiB{}\n", "", step.at("seconds").get<double>(),
                          step.at("bytes").get<std::uint64_t>() >> 20, cached ? "; in the cache" : "");
    }
  }
  if (plan.contains("seconds")) {
    text += fmt::format("In all about {:.2g} s and {} MiB beyond the inputs.\n", plan.at("seconds").get<double>(),
                        plan.at("peak_bytes").get<std::uint64_t>() >> 20);
  } else {
    text += "With --input for each input the forecast of time and memory is shown too.\n";
  }
  return text;
}

}  // namespace

int run_pipeline(const Words& arguments) {
  CommandLine command("pipeline", "Runs operations joined to a graph by a JSON file; also replays a provenance file.");
  std::string file;
  Words input_words, output_words;
  bool explain = false;
  command.positional("FILE", file, "Pipeline (docs/reference/pipeline.schema.json) or provenance file");
  command.options("--input", input_words, "A pipeline input and its file; repeat for each", "NAME=PATH");
  command.options("--output", output_words, "A pipeline output and the file to write; repeat for each", "NAME=PATH");
  command.flag("--explain", explain, "Print the plan with a forecast of time and memory; run nothing");
  command.example("gantry pipeline smooth-and-threshold.json --input ct=ct.nii.gz --output mask=mask.nii.gz");
  command.example("gantry pipeline mask.nii.gz.provenance.json --input image=ct.nii.gz --output mask=again.nii.gz");
  Session session(command);
  if (!command.parse(arguments)) return 0;
  Run& run = session.start(true);

  const Json json = with_context(Path(file).filename().string(), [&] { return parse_json(read_text(file, std::uint64_t{1} << 24)); });
  const Pipeline pipeline = with_context(Path(file).filename().string(), [&] { return Pipeline::parse(json, catalogue()); });
  const Sources sources;
  std::map<std::string, Value> inputs;
  for (const std::string& word : input_words) {
    const auto [name, path] = name_and_path(word, "--input");
    const auto type = pipeline.inputs().find(name);
    if (type == pipeline.inputs().end()) throw Error(ErrorCode::usage, fmt::format("{}: is not an input of the pipeline", name));
    inputs[name] = with_context(name, [&] { return sources.resolve(*type->second, path, run); });
    const Json& stated = json.at("inputs").at(name);
    if (stated.contains("sha256") && stated.at("sha256") != inputs[name].digest()) {
      run.warn(fmt::format("input {} differs from the one that the file was made with", name));
    }
  }
  if (explain) {
    const Json plan = pipeline.explain(inputs, session.cache());
    session.json() ? print(plan) : print(plan_text(plan));
    return 0;
  }
  std::map<std::string, Path> outputs;
  for (const std::string& word : output_words) {
    const auto [name, path] = name_and_path(word, "--output");
    pipeline.output_type(name);
    outputs[name] = path;
  }
  if (outputs.empty()) throw Error(ErrorCode::usage, "pipeline: at least one --output name=path is needed");
  const auto results = pipeline.run(inputs, session.cache(), run);
  run.check();
  Json made_by = json;
  for (auto& [name, input] : made_by["inputs"].items()) {
    if (inputs.contains(name)) input["sha256"] = inputs.at(name).digest();
  }
  for (const auto& [name, path] : outputs) {
    results.at(name).write(path, run);
    write_atomic(Path(path.string() + ".provenance.json"), to_text(made_by));
  }
  session.finish();
  return 0;
}

}  // namespace gantry::cli
