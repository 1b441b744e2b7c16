// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/pipeline.h"

#include "gantry/base/error.h"
#include "gantry/catalogue/catalogue.h"
#include "surface.h"

namespace gantry::cases {

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

}  // namespace gantry::cases
