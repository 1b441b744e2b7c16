// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <limits>
#include <optional>

#include "gantry/operation/value.h"

namespace gantry {

/// What a run is expected to need: the forecast of `--explain` and the ground for refusing work over the memory budget.
struct Cost {
  std::uint64_t bytes = 0;  ///< of scratch and results, beyond the inputs
  double seconds = 0;       ///< rough, on one present-day core
};

/// What a parameter holds, in the terms of JSON.
enum class ParameterKind { boolean, integer, number, text, choice, numbers, group };

/// One parameter as every surface shows it.
struct ParameterInfo {
  std::string name;  ///< snake_case; members of a nested struct as "group.member"
  std::string words;
  ParameterKind kind = ParameterKind::number;
  std::string unit;
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices;
  std::size_t count = 0;  ///< of `numbers`: how many, 0 = any
  bool optional = false;  ///< null is allowed
  Json default_value;
};

/// One input or output.
struct PortDescription {
  std::string name, words;
  const PortInfo* type = nullptr;
  bool optional = false;
  bool variadic = false;
};

/// Everything that is said about an operation; all surfaces and the reference page are made of it.
struct OperationInfo {
  std::string id;       ///< "filter.gaussian"
  int version = 1;      ///< rises when results change; part of the cache key
  std::string summary;  ///< one sentence
  std::vector<PortDescription> inputs, outputs;
  std::vector<ParameterInfo> parameters;
  std::vector<std::string> examples, references;
  std::string family() const { return id.substr(0, id.find('.')); }
  std::string name() const { return id.substr(id.find('.') + 1); }
};

/// An operation without its type: made by `Catalogue::add<T>`.
class Operation {
 public:
  virtual ~Operation() = default;
  const OperationInfo& info() const { return info_; }
  /// `parameters` checked (types, ranges, choices, unknown keys refused with the nearest name) and completed with the defaults, in declared
  /// order. Throws Error(parameter).
  Json canonical(const Json& parameters) const;
  /// Outputs by port name. Checks inputs (missing, unknown, of another type), parameters, and the memory budget against the forecast.
  Arguments run(const Arguments& inputs, const Json& parameters, Run& run) const;
  /// The forecast for these inputs; zeros when the operation states none.
  Cost cost(const Arguments& inputs, const Json& parameters) const;
  /// Stand-in for the outputs of image type, of which only grid and type are right, for forecasts of later steps; empty values for other
  /// types.
  Arguments shapes(const Arguments& inputs, const Json& parameters) const;
  /// Key under which the result may be cached: SHA-256 over id, version, canonical parameters and input digests.
  std::string cache_key(const Arguments& inputs, const Json& parameters) const;
  /// JSON Schema (2020-12) of the parameters.
  Json schema() const;

 protected:
  virtual Arguments run_checked(const Arguments& inputs, const Json& canonical, Run& run) const = 0;
  virtual Cost cost_checked(const Arguments& inputs, const Json& canonical) const = 0;
  virtual Grid output_grid(const Arguments& inputs, const Json& canonical) const = 0;
  /// Rules between parameters.
  virtual void check_rules(const Json& canonical) const = 0;
  void check_inputs(const Arguments& inputs) const;
  OperationInfo info_;
};

/// `value` as the parameter's canonical JSON; throws Error(parameter): "sigma: must lie between 0 and 100 mm; got -1".
Json checked_parameter(const ParameterInfo& parameter, const Json& value);
/// The words of a command line as the parameter's JSON: "1.5", "true", "mirror", "1,2,3", "none".
Json parameter_from_text(const ParameterInfo& parameter, const std::string& text);
/// The rule of a parameter in words: "between 0 and 100 mm", "one of mirror, nearest, zero".
std::string rule_of(const ParameterInfo& parameter);

}  // namespace gantry
