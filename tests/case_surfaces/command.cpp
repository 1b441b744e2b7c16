// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <sys/wait.h>

#include <cstdlib>

#include "gantry/base/error.h"
#include "gantry/base/files.h"
#include "gantry/base/text.h"
#include "surface.h"

namespace gantry::cases {

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
    files[port.name] = folder.path() / (port.name + exchange_ending(*port.type));
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

}  // namespace gantry::cases
