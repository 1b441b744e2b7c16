// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/cache.h"
#include "gantry/operation/catalogue.h"

namespace gantry {

/// Operations joined to a graph without cycles, read from JSON:
/// `{"gantry_pipeline": 1, "inputs": {"ct": {"type": "image"}}, "steps": [{"id": "smooth", "operation": "filter.gaussian",
///   "inputs": {"image": "ct"}, "parameters": {"sigma": 1.5}}], "outputs": {"result": "smooth.smoothed"}}`.
/// A step takes pipeline inputs by name and other steps' outputs as "step.port" (or "step" when it has one output); a list for a variadic
/// port.
class Pipeline {
 public:
  struct Step {
    std::string id;
    const Operation* operation = nullptr;
    std::map<std::string, std::vector<std::string>> inputs;  ///< port -> sources
    Json parameters;                                         ///< canonical
  };

  /// Throws Error(parameter) that names what is wrong: unknown keys and operations, missing or unknown ports, types that do not match,
  /// cycles.
  static Pipeline parse(const Json& json, const Catalogue& catalogue);
  /// JSON Schema (2020-12) of pipeline files over the operations of `catalogue`.
  static Json schema(const Catalogue& catalogue);

  const std::map<std::string, const PortInfo*>& inputs() const { return inputs_; }
  const std::map<std::string, std::string>& outputs() const { return outputs_; }
  /// In an order in which they can run.
  const std::vector<Step>& steps() const { return steps_; }
  const PortInfo& output_type(const std::string& name) const;

  /// Runs the steps and gives the pipeline's outputs; steps whose result is in `cache` (may be null) are not run again.
  std::map<std::string, Value> run(const std::map<std::string, Value>& inputs, const ResultCache* cache, Run& run) const;
  /// The plan: steps in order with parameters, forecast of seconds and bytes, and whether the cache holds them.
  Json explain(const std::map<std::string, Value>& inputs, const ResultCache* cache) const;

 private:
  const PortInfo& type_of(const std::string& source) const;
  std::map<std::string, const PortInfo*> inputs_;
  std::vector<Step> steps_;
  std::map<std::string, std::string> outputs_;
};

/// How one operation's outputs were made, as a pipeline that makes them again; inputs carry their file name and SHA-256.
Json provenance(const Operation& operation, const Json& parameters, const Arguments& inputs,
                const std::map<std::string, std::vector<std::string>>& references);

}  // namespace gantry
