// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/operation.h"

#include "gantry/base/error.h"
#include "gantry/base/hash.h"
#include "gantry/base/text.h"
#include "gantry/operation/catalogue.h"

namespace gantry {

namespace {

std::string with_unit(double value, const std::string& unit) {
  return unit.empty() || unit == "1" ? shortest(value) : shortest(value) + " " + unit;
}

std::string shown(const Json& value) {
  if (value.is_number_float()) return shortest(value.get<double>());
  std::string text = value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

[[noreturn]] void refuse(const ParameterInfo& parameter, const std::string& got) {
  throw Error(ErrorCode::parameter, fmt::format("{}: must {}; got {}", parameter.name, rule_of(parameter), got));
}

Json checked_number(const ParameterInfo& parameter, const Json& value) {
  const bool whole = parameter.kind == ParameterKind::integer;
  if (!value.is_number()) refuse(parameter, shown(value));
  const double number = value.get<double>();
  if (whole && number != std::floor(number)) refuse(parameter, shown(value));
  if (!(number >= parameter.minimum && number <= parameter.maximum) || !std::isfinite(number)) refuse(parameter, shown(value));
  if (whole) return value.is_number_integer() ? value : Json(static_cast<std::int64_t>(number));
  return number;
}

}  // namespace

std::string rule_of(const ParameterInfo& parameter) {
  const bool low = parameter.minimum > -1e300 && !(parameter.kind == ParameterKind::integer && parameter.minimum <= -2147483648.0);
  const bool high = parameter.maximum < 1e300 && !(parameter.kind == ParameterKind::integer && parameter.maximum >= 2147483647.0);
  std::string range;
  if (low && high) {
    range = fmt::format("lie between {} and {}", shortest(parameter.minimum), with_unit(parameter.maximum, parameter.unit));
  } else if (low) {
    range = fmt::format("be at least {}", with_unit(parameter.minimum, parameter.unit));
  } else if (high) {
    range = fmt::format("be at most {}", with_unit(parameter.maximum, parameter.unit));
  }
  switch (parameter.kind) {
    case ParameterKind::boolean:
      return "be true or false";
    case ParameterKind::integer:
      return range.empty() ? "be a whole number" : range + " (a whole number)";
    case ParameterKind::number:
      return range.empty() ? "be a number" : range;
    case ParameterKind::text:
      return "be text";
    case ParameterKind::choice:
      return "be one of " + join(parameter.choices, ", ");
    case ParameterKind::numbers:
      return (parameter.count ? fmt::format("be {} numbers", parameter.count) : std::string("be a list of numbers")) +
             (range.empty() ? "" : " that each " + range);
    case ParameterKind::group:
      break;
  }
  return "be an object";
}

Json checked_parameter(const ParameterInfo& parameter, const Json& value) {
  if (value.is_null()) {
    if (!parameter.optional) refuse(parameter, "null");
    return value;
  }
  switch (parameter.kind) {
    case ParameterKind::boolean:
      if (!value.is_boolean()) refuse(parameter, shown(value));
      return value;
    case ParameterKind::integer:
    case ParameterKind::number:
      return checked_number(parameter, value);
    case ParameterKind::text:
      if (!value.is_string() || !is_utf8(value.get_ref<const std::string&>())) refuse(parameter, shown(value));
      return value;
    case ParameterKind::choice:
      if (!value.is_string() ||
          std::find(parameter.choices.begin(), parameter.choices.end(), value.get_ref<const std::string&>()) == parameter.choices.end()) {
        refuse(parameter, shown(value));
      }
      return value;
    case ParameterKind::numbers: {
      if (!value.is_array() || (parameter.count != 0 && value.size() != parameter.count)) refuse(parameter, shown(value));
      Json numbers = Json::array();
      for (const Json& item : value) numbers.push_back(checked_number(parameter, item));
      return numbers;
    }
    case ParameterKind::group:
      break;
  }
  throw Error(ErrorCode::internal, "parameter of unknown kind");
}

Json parameter_from_text(const ParameterInfo& parameter, const std::string& text) {
  const auto number = [&](const std::string& word) -> Json {
    const auto value = parse_double(trim(word));
    if (!value) refuse(parameter, word.empty() ? "nothing" : word);
    if (const auto whole = parse_integer(trim(word)); whole && parameter.kind == ParameterKind::integer) return *whole;
    return *value;
  };
  if (parameter.optional && text == "none") return nullptr;
  switch (parameter.kind) {
    case ParameterKind::boolean:
      if (text != "true" && text != "false") refuse(parameter, text);
      return text == "true";
    case ParameterKind::integer:
    case ParameterKind::number:
      return number(text);
    case ParameterKind::numbers: {
      Json numbers = Json::array();
      for (const std::string& word : split(text, ',')) numbers.push_back(number(word));
      return numbers;
    }
    default:
      return text;
  }
}

Json Operation::canonical(const Json& parameters) const {
  if (!parameters.is_null() && !parameters.is_object())
    throw Error(ErrorCode::parameter, "parameters: must be an object; got " + shown(parameters));
  std::vector<std::string> names;
  for (const ParameterInfo& parameter : info_.parameters) names.push_back(parameter.name);
  if (parameters.is_object()) {
    for (const auto& [key, value] : parameters.items()) {
      if (std::find(names.begin(), names.end(), key) != names.end()) continue;
      const std::string near = nearest_word(key, names);
      throw Error(ErrorCode::parameter,
                  fmt::format("{}: is not a parameter of {}{}", key, info_.id, near.empty() ? "" : "; did you mean " + near + "?"));
    }
  }
  Json complete = Json::object();
  for (const ParameterInfo& parameter : info_.parameters) {
    const bool given = parameters.is_object() && parameters.contains(parameter.name);
    complete[parameter.name] = checked_parameter(parameter, given ? parameters.at(parameter.name) : parameter.default_value);
  }
  check_rules(complete);
  return complete;
}

void Operation::check_inputs(const Arguments& inputs) const {
  for (const auto& [name, values] : inputs) {
    const auto known =
        std::find_if(info_.inputs.begin(), info_.inputs.end(), [&, key = name](const PortDescription& port) { return port.name == key; });
    if (known == info_.inputs.end()) throw Error(ErrorCode::usage, fmt::format("{}: is not an input of {}", name, info_.id));
    if (!known->variadic && values.size() > 1)
      throw Error(ErrorCode::usage, fmt::format("{}: takes one value; got {}", name, values.size()));
    for (const Value& value : values) {
      if (&value.type() != known->type) {
        throw Error(ErrorCode::usage, fmt::format("{}: must be of type {}; got {}", name, known->type->id, value.type().id));
      }
    }
  }
  for (const PortDescription& port : info_.inputs) {
    const auto given = inputs.find(port.name);
    if (!port.optional && (given == inputs.end() || given->second.empty())) {
      throw Error(ErrorCode::usage, fmt::format("{}: input of {} is missing", port.name, info_.id));
    }
  }
}

Cost Operation::cost(const Arguments& inputs, const Json& parameters) const {
  check_inputs(inputs);
  return cost_checked(inputs, canonical(parameters));
}

Arguments Operation::run(const Arguments& inputs, const Json& parameters, Run& run) const {
  return with_context(info_.id, [&] {
    check_inputs(inputs);
    const Json complete = canonical(parameters);
    run.check();
    if (run.memory_bytes() != 0) {
      const Cost need = cost_checked(inputs, complete);
      if (need.bytes > run.memory_bytes()) {
        throw Error(ErrorCode::out_of_memory,
                    fmt::format("memory: at most {} MiB are allowed; about {} MiB are needed", run.memory_bytes() >> 20, need.bytes >> 20));
      }
    }
    return run_checked(inputs, complete, run);
  });
}

Arguments Operation::shapes(const Arguments& inputs, const Json& parameters) const {
  check_inputs(inputs);
  Arguments outputs;
  for (const PortDescription& port : info_.outputs) {
    if (port.type == &port_info<Image>()) {
      outputs[port.name].push_back(Value(Image::shape_only(output_grid(inputs, canonical(parameters)), PixelType::f32)));
    } else {
      outputs[port.name].push_back(Value(*port.type, std::any()));
    }
  }
  return outputs;
}

std::string Operation::cache_key(const Arguments& inputs, const Json& parameters) const {
  Sha256 hash;
  hash.add(fmt::format("{}\n{}\n{}\n", info_.id, info_.version, canonical(parameters).dump()));
  for (const auto& [name, values] : inputs) {
    for (const Value& value : values) hash.add(fmt::format("{}={}\n", name, value.digest()));
  }
  return hash.finish_hex();
}

Json Operation::schema() const {
  Json properties = Json::object();
  for (const ParameterInfo& parameter : info_.parameters) {
    Json property;
    switch (parameter.kind) {
      case ParameterKind::boolean:
        property["type"] = "boolean";
        break;
      case ParameterKind::integer:
        property["type"] = "integer";
        break;
      case ParameterKind::number:
        property["type"] = "number";
        break;
      case ParameterKind::text:
        property["type"] = "string";
        break;
      case ParameterKind::choice:
        property["enum"] = parameter.choices;
        break;
      case ParameterKind::numbers:
        property["type"] = "array";
        break;
      case ParameterKind::group:
        property["type"] = "object";
        break;
    }
    Json& numeric = parameter.kind == ParameterKind::numbers ? (property["items"] = {{"type", "number"}}) : property;
    if (std::isfinite(parameter.minimum)) numeric["minimum"] = parameter.minimum;
    if (std::isfinite(parameter.maximum)) numeric["maximum"] = parameter.maximum;
    if (parameter.count != 0) property["minItems"] = property["maxItems"] = parameter.count;
    if (parameter.optional) {
      Json either = Json::object();
      either["anyOf"] = Json::array({property, {{"type", "null"}}});
      property = std::move(either);
    }
    property["description"] = parameter.words;
    if (!parameter.unit.empty()) property["x-unit"] = parameter.unit;
    property["default"] = parameter.default_value;
    properties[parameter.name] = std::move(property);
  }
  return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
}

void Catalogue::insert(std::unique_ptr<Operation> operation) {
  const std::string& id = operation->info().id;
  if (find(id)) throw Error(ErrorCode::internal, fmt::format("{}: is listed twice", id));
  if (operation->info().summary.empty() || operation->info().examples.empty() || operation->info().outputs.empty()) {
    throw Error(ErrorCode::internal, fmt::format("{}: needs a summary, an example and an output", id));
  }
  operations_.push_back(std::move(operation));
}

const Operation* Catalogue::find(std::string_view id) const {
  for (const auto& operation : operations_) {
    if (operation->info().id == id) return operation.get();
  }
  return nullptr;
}

const Operation& Catalogue::at(std::string_view id) const {
  if (const Operation* operation = find(id)) return *operation;
  std::vector<std::string> ids;
  for (const auto& operation : operations_) ids.push_back(operation->info().id);
  const std::string near = nearest_word(id, ids);
  throw Error(ErrorCode::usage, fmt::format("{}: is not an operation{}", id, near.empty() ? "" : "; did you mean " + near + "?"));
}

}  // namespace gantry
