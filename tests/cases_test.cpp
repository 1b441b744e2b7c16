// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Runs every tests/cases/*.case through the library, the command line and a pipeline, and asks for the same results on each.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>

#include "gantry/base/error.h"
#include "gantry/base/files.h"
#include "gantry/base/text.h"
#include "gantry/catalogue/catalogue.h"
#include "gantry/operation/pipeline.h"
#include "gantry/operation/sources.h"

namespace gantry {
namespace {

/// One `run` or `fail` line with the `expect` lines below it.
struct Step {
  int line = 0;
  std::string operation;
  std::vector<std::pair<std::string, std::string>> parameters;  ///< name, text
  std::vector<std::pair<std::string, std::string>> inputs;      ///< port, reference
  std::string failure;                                          ///< begin of the message that must come
  std::vector<std::pair<int, std::string>> expectations;
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string& word : split(text, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

Step step_of(int line, std::string_view text) {
  Step step;
  step.line = line;
  if (const auto arrow = text.find(" => "); arrow != std::string_view::npos) {
    step.failure = trim(text.substr(arrow + 4));
    text = text.substr(0, arrow);
  }
  const auto words = words_of(text);
  step.operation = words.at(1);
  for (std::size_t n = 2; n < words.size(); ++n) {
    if (words[n].starts_with("--")) {
      step.parameters.emplace_back(to_snake(words[n].substr(2)), words.at(n + 1));
      ++n;
    } else {
      const auto equals = words[n].find('=');
      step.inputs.emplace_back(words[n].substr(0, equals), words[n].substr(equals + 1));
    }
  }
  return step;
}

std::vector<Step> steps_of(const std::string& file) {
  std::vector<Step> steps;
  int line = 0;
  for (const std::string& raw : split(file, '\n')) {
    ++line;
    const std::string_view text = trim(raw);
    if (text.empty() || text.starts_with('#')) continue;
    if (text.starts_with("expect ")) {
      steps.at(steps.size() - 1).expectations.emplace_back(line, text.substr(7));
    } else {
      steps.push_back(step_of(line, text));
    }
  }
  return steps;
}

/// mean, sum, minimum, maximum, standard_deviation, count, nonzero of an image; a path into JSON.
double property(const Value& value, const std::string& name) {
  if (&value.type() == &port_info<Json>()) {
    const Json* json = &value.as<Json>();
    for (const std::string& key : split(name, '.')) json = json->is_array() ? &json->at(std::stoul(key)) : &json->at(key);
    return json->is_boolean() ? json->get<bool>() : json->get<double>();
  }
  const Image& image = &value.type() == &port_info<Labels>() ? value.as<Labels>().image() : value.as<Image>();
  if (name == "size_i") return static_cast<double>(image.grid().size(0));
  if (name == "size_j") return static_cast<double>(image.grid().size(1));
  if (name == "size_k") return static_cast<double>(image.grid().size(2));
  const auto values = image.as<double>();
  double sum = 0, squares = 0, low = INFINITY, high = -INFINITY, nonzero = 0;
  for (const double v : values.values()) {
    sum += v;
    low = std::min(low, v);
    high = std::max(high, v);
    nonzero += v != 0;
  }
  const double count = static_cast<double>(values.count());
  for (const double v : values.values()) squares += (v - sum / count) * (v - sum / count);
  const std::map<std::string, double> all{{"sum", sum},
                                          {"mean", sum / count},
                                          {"minimum", low},
                                          {"maximum", high},
                                          {"count", count},
                                          {"nonzero", nonzero},
                                          {"standard_deviation", std::sqrt(squares / count)}};
  return all.at(name);
}

double operand(const std::string& word, const Arguments& inputs, const Arguments& outputs) {
  if (const auto number = parse_double(word)) return *number;
  const auto dot = word.find('.');
  const std::string port = word.substr(0, dot);
  const Arguments& side = outputs.contains(port) ? outputs : inputs;
  return property(side.at(port).front(), word.substr(dot + 1));
}

/// `A is B within T`, `A is above B`, `A is below B`.
void check(const Step& step, const Arguments& inputs, const Arguments& outputs, const std::string& surface) {
  for (const auto& [line, text] : step.expectations) {
    const auto words = words_of(text);
    const double left = operand(words.at(0), inputs, outputs);
    const std::string where = fmt::format("line {} ({}): {}", line, surface, text);
    ASSERT_EQ(words.at(1), "is") << where;
    if (words[2] == "above") {
      EXPECT_GT(left, operand(words.at(3), inputs, outputs)) << where;
    } else if (words[2] == "below") {
      EXPECT_LT(left, operand(words.at(3), inputs, outputs)) << where;
    } else {
      ASSERT_EQ(words.at(3), "within") << where;
      EXPECT_NEAR(left, operand(words[2], inputs, outputs), parse_double(words.at(4)).value()) << where;
    }
  }
}

/// What a surface gave: outputs, or the message of its failure.
struct Outcome {
  Arguments outputs;
  std::string failure;
};

Json parameters_of(const Step& step, const Operation& operation) {
  Json parameters = Json::object();
  for (const auto& [name, text] : step.parameters) {
    for (const ParameterInfo& info : operation.info().parameters) {
      if (info.name == name) parameters[name] = parameter_from_text(info, text);
    }
    if (!parameters.contains(name)) parameters[name] = text;
  }
  return parameters;
}

Arguments inputs_of(const Step& step, const Operation& operation) {
  Run run;
  Arguments inputs;
  for (const auto& [port, reference] : step.inputs) {
    for (const PortDescription& described : operation.info().inputs) {
      if (described.name == port) inputs[port].push_back(Sources().resolve(*described.type, reference, run));
    }
  }
  return inputs;
}

Outcome through_library(const Step& step, const Operation& operation) {
  try {
    Run run;
    return {operation.run(inputs_of(step, operation), parameters_of(step, operation), run), {}};
  } catch (const Error& error) {
    return {{}, error.message()};
  }
}

Outcome through_pipeline(const Step& step, const Operation& operation) {
  try {
    Run run;
    Json inputs = Json::object(), taken = Json::object(), outputs = Json::object();
    std::map<std::string, Value> values;
    for (const auto& [port, given] : inputs_of(step, operation)) {
      taken[port] = Json::array();
      for (std::size_t n = 0; n < given.size(); ++n) {
        const std::string name = fmt::format("{}_{}", port, n);
        inputs[name] = {{"type", given[n].type().id}};
        taken[port].push_back(name);
        values[name] = given[n];
      }
    }
    for (const PortDescription& port : operation.info().outputs) {
      if (!port.optional) outputs[port.name] = "step." + port.name;
    }
    const Json json{
        {"gantry_pipeline", 1},
        {"inputs", inputs},
        {"steps", {{{"id", "step"}, {"operation", step.operation}, {"inputs", taken}, {"parameters", parameters_of(step, operation)}}}},
        {"outputs", outputs}};
    Outcome outcome;
    for (auto& [name, value] : Pipeline::parse(json, catalogue()).run(values, nullptr, run)) outcome.outputs[name].push_back(value);
    return outcome;
  } catch (const Error& error) {
    return {{}, error.message()};
  }
}

Outcome through_command(const Step& step, const Operation& operation) {
  const TemporaryFolder folder;
  const OperationInfo& info = operation.info();
  std::string command = fmt::format("{} {} {}", GANTRY_PROGRAM, info.family(), to_kebab(info.name()));
  const auto quoted = [](const std::string& word) { return " '" + word + "'"; };
  for (const PortDescription& port : info.inputs) {
    for (const auto& [name, reference] : step.inputs) {
      if (name == port.name)
        command += port.variadic   ? " --input" + quoted(reference)
                   : port.optional ? " --" + to_kebab(name) + quoted(reference)
                                   : quoted(reference);
    }
  }
  std::map<std::string, Path> files;
  for (std::size_t n = 0; n < info.outputs.size(); ++n) {
    const PortDescription& port = info.outputs[n];
    if (port.optional) continue;
    const std::string ending = port.type->endings.substr(0, port.type->endings.find(' ')) == ".nii"
                                   ? ".nrrd"
                                   : std::string(port.type->endings.substr(0, port.type->endings.find(' ')));
    files[port.name] = folder.path() / (port.name + ending);
    command += (n == 0 ? "" : " --" + to_kebab(port.name)) + quoted(files[port.name].string());
  }
  for (const auto& [name, text] : step.parameters) command += " --" + to_kebab(name) + quoted(text);
  const Path errors = folder.path() / "errors.txt";
  const int status = std::system((command + " 2>" + errors.string() + " </dev/null").c_str());
  if (WEXITSTATUS(status) != 0) return {{}, std::string(trim(read_text(errors)))};
  Outcome outcome;
  Run run;
  for (const PortDescription& port : info.outputs) {
    if (files.contains(port.name)) outcome.outputs[port.name].push_back(Value(*port.type, port.type->read(files[port.name], run)));
  }
  return outcome;
}

/// The voxels, or the whole of another value: grids lose digits in text headers.
std::string fingerprint(const Value& value) {
  if (&value.type() == &port_info<Image>()) {
    const auto voxels = value.as<Image>().as<float>();
    return std::string(reinterpret_cast<const char*>(voxels.data()), voxels.values().size_bytes());
  }
  if (&value.type() == &port_info<Labels>()) {
    const auto voxels = value.as<Labels>().image().as<std::int32_t>();
    return std::string(reinterpret_cast<const char*>(voxels.data()), voxels.values().size_bytes());
  }
  const Bytes bytes = value.to_bytes();
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

class Case : public testing::TestWithParam<std::string> {};

TEST_P(Case, gives_the_same_known_answers_on_every_surface) {
  for (const Step& step : steps_of(read_text(Path(GANTRY_SOURCE) / "tests/cases" / GetParam()))) {
    const Operation& operation = catalogue().at(step.operation);
    const std::map<std::string, Outcome> outcomes{{"library", through_library(step, operation)},
                                                  {"pipeline", through_pipeline(step, operation)},
                                                  {"command", through_command(step, operation)}};
    for (const auto& [surface, outcome] : outcomes) {
      SCOPED_TRACE(fmt::format("{} line {} through {}", GetParam(), step.line, surface));
      if (!step.failure.empty()) {
        EXPECT_NE(outcome.failure.find(step.failure), std::string::npos) << "got: " << outcome.failure;
        continue;
      }
      ASSERT_EQ(outcome.failure, "");
      check(step, inputs_of(step, operation), outcome.outputs, surface);
      for (const auto& [port, values] : outcomes.at("library").outputs) {
        const auto same = outcome.outputs.find(port);
        if (same == outcome.outputs.end()) continue;
        EXPECT_TRUE(fingerprint(values.front()) == fingerprint(same->second.front())) << port << " differs from the library's";
      }
    }
  }
}

std::vector<std::string> case_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Path(GANTRY_SOURCE) / "tests/cases"))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, Case, testing::ValuesIn(case_files()), [](const testing::TestParamInfo<std::string>& info) {
  return replace_all(replace_all(info.param, ".case", ""), ".", "_");
});

TEST(Cases, exist_for_every_operation) {
  for (const auto& operation : catalogue().operations()) {
    EXPECT_TRUE(std::filesystem::exists(Path(GANTRY_SOURCE) / "tests/cases" / (operation->info().id + ".case"))) << operation->info().id;
    EXPECT_TRUE(std::filesystem::exists(Path(GANTRY_SOURCE) / "docs/reference/operations" / (operation->info().id + ".md")))
        << operation->info().id;
  }
}

}  // namespace
}  // namespace gantry
