// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <sys/wait.h>

#include <cstdlib>

#include "gantry/base/error.h"
#include "gantry/base/files.h"
#include "gantry/base/text.h"
#include "surface.h"

namespace gantry::cases {

namespace {

std::string quoted(const std::string& word) { return " '" + replace_all(word, "'", "'\\''") + "'"; }

}  // namespace

std::string missing_python() {
  return std::filesystem::exists(Path(GANTRY_PYTHON_MODULE) / "gantry/__init__.py") ? "" : "the Python module was not built (pybind11-dev)";
}

Outcome through_python(const Step& step, const Operation& operation) {
  const TemporaryFolder folder;
  Json inputs = Json::object(), outputs = Json::object(), ports = Json::array();
  for (const PortDescription& port : operation.info().inputs) {
    Json references = Json::array();
    for (const auto& [name, reference] : step.inputs) {
      if (name == port.name) references.push_back(reference);
    }
    if (!references.empty()) inputs[port.name] = {{"type", port.type->id}, {"variadic", port.variadic}, {"references", references}};
  }
  std::map<std::string, Path> files;
  for (const PortDescription& port : operation.info().outputs) {
    ports.push_back(port.name);
    if (port.optional) continue;
    files[port.name] = folder.path() / (port.name + exchange_ending(*port.type));
    outputs[port.name] = files[port.name].string();
  }
  Json parameters = Json::object();
  try {
    parameters = parameters_of(step, operation);
  } catch (const Error& error) {
    return {{}, error.message()};
  }
  for (auto& [name, value] : parameters.items()) {
    if (value.is_number_float() && !std::isfinite(value.get<double>())) value = {{"number", fmt::format("{}", value.get<double>())}};
  }
  const Json request{{"operation", step.operation}, {"inputs", inputs}, {"parameters", parameters}, {"outputs", outputs}, {"ports", ports}};
  const Path errors = folder.path() / "errors.txt";
  const std::string command = fmt::format("PYTHONPATH='{}' /usr/bin/python3 '{}/tests/case_surfaces/python_step.py'{} 2>'{}' </dev/null",
                                          GANTRY_PYTHON_MODULE, GANTRY_SOURCE, quoted(request.dump()), errors.string());
  const int status = std::system(command.c_str());
  if (WEXITSTATUS(status) != 0) return {{}, std::string(trim(read_text(errors)))};
  Outcome outcome;
  Run run;
  for (const auto& [name, path] : files) {
    for (const PortDescription& port : operation.info().outputs) {
      if (port.name == name) outcome.outputs[name].push_back(Value(*port.type, port.type->read(path, run)));
    }
  }
  return outcome;
}

}  // namespace gantry::cases
