// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/operation/sources.h"
#include "surface.h"

namespace gantry::cases {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string& word : split(text, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

namespace {

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

}  // namespace

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

std::string exchange_ending(const PortInfo& type) {
  const std::string first(type.endings.substr(0, type.endings.find(' ')));
  return first == ".nii" ? ".nrrd" : first;
}

}  // namespace gantry::cases
