// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/declaration.h"

namespace gantry {

namespace {

Json declaration_of(const PortDescription& port) {
  return {
      {"name", port.name}, {"type", port.type->id}, {"description", port.words}, {"optional", port.optional}, {"variadic", port.variadic}};
}

}  // namespace

Json declaration_of(const Operation& operation) {
  const OperationInfo& info = operation.info();
  Json inputs = Json::array(), outputs = Json::array(), rules = Json::object();
  for (const PortDescription& port : info.inputs) inputs.push_back(declaration_of(port));
  for (const PortDescription& port : info.outputs) outputs.push_back(declaration_of(port));
  for (const ParameterInfo& parameter : info.parameters) rules[parameter.name] = rule_of(parameter);
  return {{"id", info.id},    {"version", info.version},   {"summary", info.summary},
          {"inputs", inputs}, {"outputs", outputs},        {"parameters", operation.schema()},
          {"rules", rules},   {"examples", info.examples}, {"references", info.references}};
}

}  // namespace gantry
