// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "command_line.h"
#include "commands.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/operation/pipeline.h"
#include "gantry/operation/sources.h"
#include "session.h"

namespace gantry::cli {

namespace {

std::string upper(const std::string& name) {
  std::string text = name;
  for (char& c : text) c = static_cast<char>(c == '_' ? '-' : std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string option_name(const std::string& name) { return "--" + to_kebab(name); }

std::string words_of(const ParameterInfo& parameter) {
  std::string text = parameter.words;
  if (parameter.kind == ParameterKind::choice) {
    text += ": " + join(parameter.choices, ", ");
  } else if (parameter.kind != ParameterKind::boolean && parameter.kind != ParameterKind::text) {
    text += "; must " + rule_of(parameter);
  }
  std::string value = parameter.default_value.is_null()     ? "none"
                      : parameter.default_value.is_string() ? parameter.default_value.get<std::string>()
                                                            : "";
  if (value.empty() && parameter.default_value.is_array()) {
    Words numbers;
    for (const Json& number : parameter.default_value) numbers.push_back(shortest(number.get<double>()));
    value = join(numbers, ",");
  } else if (value.empty()) {
    value = parameter.default_value.is_number_float() ? shortest(parameter.default_value.get<double>()) : parameter.default_value.dump();
  }
  return text + " (default " + (value == "\"\"" ? "empty" : value) + ")";
}

/// What the command line of one operation holds after parsing.
struct OperationArguments {
  std::map<std::string, std::string> positionals;
  std::map<std::string, std::optional<std::string>> inputs, outputs, parameters;
  std::vector<std::string> variadic;
};

/// `--inverse` alone is `--inverse true`: at the end or before another option.
Words with_values(const Operation& operation, const Words& words) {
  Words complete;
  for (std::size_t n = 0; n < words.size(); ++n) {
    complete.push_back(words[n]);
    if (n + 1 < words.size() && !words[n + 1].starts_with("--")) continue;
    for (const ParameterInfo& parameter : operation.info().parameters) {
      if (parameter.kind == ParameterKind::boolean && words[n] == option_name(parameter.name)) complete.emplace_back("true");
    }
  }
  return complete;
}

void declare(const Operation& operation, CommandLine& command, OperationArguments& given) {
  const OperationInfo& info = operation.info();
  for (const PortDescription& port : info.inputs) {
    const std::string words = fmt::format("{} ({})", port.words, port.type->id);
    if (port.variadic) {
      command.options("--input", given.variadic, words + "; repeat for each", upper(port.name));
    } else if (port.optional) {
      command.option(option_name(port.name), given.inputs[port.name], words, "FILE");
    } else {
      command.positional(upper(port.name), given.positionals[port.name], words);
    }
  }
  for (std::size_t n = 0; n < info.outputs.size(); ++n) {
    const PortDescription& port = info.outputs[n];
    const std::string words =
        fmt::format("{} ({}{})", port.words, port.type->endings, port.type == &port_info<Json>() ? "; or --json" : "");
    if (n == 0) {
      command.positional("OUT", given.positionals["OUT"], words, port.type != &port_info<Json>());
    } else {
      command.option(option_name(port.name), given.outputs[port.name], words, "FILE");
    }
  }
  for (const ParameterInfo& parameter : info.parameters) {
    command.option(option_name(parameter.name), given.parameters[parameter.name], words_of(parameter), "VALUE");
  }
  for (const std::string& example : info.examples) command.example(example);
}

/// Which output OUT takes: the first whose files have OUT's ending, so that `OUT.nii.gz` takes the image of an operation whose first output
/// is JSON; the first output of all when none has.
std::size_t taken_by(const std::string& out, const OperationInfo& info) {
  for (std::size_t n = 0; n < info.outputs.size(); ++n) {
    for (const std::string& ending : split(info.outputs[n].type->endings, ' ')) {
      if (lower(out).ends_with(ending)) return n;
    }
  }
  return 0;
}

void write_with_provenance(const Value& value, const Path& path, const Json& made_by, Run& run) {
  with_context(path.filename().string(), [&] {
    value.write(path, run);
    write_atomic(Path(path.string() + ".provenance.json"), to_text(made_by));
  });
}

}  // namespace

int run_operation(const Operation& operation, const Words& arguments) {
  const OperationInfo& info = operation.info();
  CommandLine command(info.family() + " " + to_kebab(info.name()), info.summary);
  OperationArguments given;
  declare(operation, command, given);
  Session session(command);
  if (!command.parse(with_values(operation, arguments))) return 0;
  Run& run = session.start();

  Json parameters = Json::object();
  for (const ParameterInfo& parameter : info.parameters) {
    if (const auto& text = given.parameters[parameter.name]) parameters[parameter.name] = parameter_from_text(parameter, *text);
  }
  parameters = operation.canonical(parameters);

  const bool json_result = info.outputs.front().type == &port_info<Json>();
  const std::string& out = given.positionals["OUT"];
  if (json_result && out.empty() && !session.json())
    throw Error(ErrorCode::usage, "OUT: a .json file, or --json for standard output, is needed");

  const Sources sources;
  std::map<std::string, Words> references;
  Arguments inputs;
  for (const PortDescription& port : info.inputs) {
    Words& names = references[port.name];
    if (port.variadic) {
      names = given.variadic;
    } else if (port.optional) {
      if (given.inputs[port.name]) names = {*given.inputs[port.name]};
    } else {
      names = {given.positionals[port.name]};
    }
    for (const std::string& name : names) {
      inputs[port.name].push_back(with_context(port.name, [&] { return sources.resolve(*port.type, name, run); }));
    }
  }

  const Arguments outputs = operation.run(inputs, parameters, run);
  run.check();
  const Json made_by = provenance(operation, parameters, inputs, references);
  const std::size_t taken = taken_by(out, info);
  for (std::size_t n = 0; n < info.outputs.size(); ++n) {
    const PortDescription& port = info.outputs[n];
    const auto made = outputs.find(port.name);
    Words paths;
    if (n == taken && !out.empty()) paths.push_back(out);
    if (n > 0 && given.outputs[port.name]) paths.push_back(*given.outputs[port.name]);
    if (made == outputs.end()) {
      if (!paths.empty()) throw Error(ErrorCode::not_possible, fmt::format("{}: was not made for this input", port.name));
      continue;
    }
    for (const std::string& path : paths) write_with_provenance(made->second.front(), path, made_by, run);
    if (n == 0 && json_result && session.json()) print(made->second.front().as<Json>());
  }
  session.finish();
  return 0;
}

Words operation_options(const Operation& operation) {
  CommandLine command(operation.info().id, "");
  OperationArguments given;
  declare(operation, command, given);
  const Session session(command);
  return command.option_names();
}

}  // namespace gantry::cli
