// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/pipeline.h"

#include <set>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/operation/contours_port.h"

namespace gantry {

namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorCode::parameter, "pipeline: " + text); }

void only_keys(const Json& object, const std::string& owner, const std::vector<std::string>& allowed) {
  if (!object.is_object()) refuse(owner + ": must be an object");
  for (const auto& [key, value] : object.items()) {
    if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) continue;
    const std::string near = nearest_word(key, allowed);
    refuse(fmt::format("{}: unknown key \"{}\"{}", owner, key, near.empty() ? "" : "; did you mean \"" + near + "\"?"));
  }
}

const Json& member(const Json& object, const std::string& owner, const std::string& key) {
  if (!object.contains(key)) refuse(fmt::format("{}: \"{}\" is missing", owner, key));
  return object.at(key);
}

std::string text_member(const Json& object, const std::string& owner, const std::string& key) {
  const Json& value = member(object, owner, key);
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) refuse(fmt::format("{}: \"{}\" must be text", owner, key));
  return value.get<std::string>();
}

const PortInfo* port_type_of(const std::string& id) {
  for (const PortInfo* type : shared_ports()) {
    if (type->id == id) return type;
  }
  return nullptr;
}

std::string step_of(const std::string& source) { return source.substr(0, source.find('.')); }

const PortDescription& port_of(const std::vector<PortDescription>& ports, const std::string& name, const std::string& owner,
                               std::string_view what) {
  for (const PortDescription& port : ports) {
    if (port.name == name) return port;
  }
  std::vector<std::string> names;
  for (const PortDescription& port : ports) names.push_back(port.name);
  refuse(fmt::format("{}: \"{}\" is not an {} (it has {})", owner, name, what, join(names, ", ")));
}

/// Steps in an order in which each comes after those it takes from; ties keep the order of the file.
std::vector<Pipeline::Step> sorted(std::vector<Pipeline::Step> steps) {
  std::vector<Pipeline::Step> order;
  std::set<std::string> done;
  std::set<std::string> all;
  for (const auto& step : steps) all.insert(step.id);
  while (!steps.empty()) {
    const auto ready = std::find_if(steps.begin(), steps.end(), [&](const Pipeline::Step& step) {
      for (const auto& [port, sources] : step.inputs) {
        for (const std::string& source : sources) {
          if (all.contains(step_of(source)) && !done.contains(step_of(source))) return false;
        }
      }
      return true;
    });
    if (ready == steps.end()) {
      std::vector<std::string> ids;
      for (const auto& step : steps) ids.push_back(step.id);
      refuse("steps take from each other in a circle: " + join(ids, ", "));
    }
    done.insert(ready->id);
    order.push_back(std::move(*ready));
    steps.erase(ready);
  }
  return order;
}

}  // namespace

const PortInfo& Pipeline::type_of(const std::string& source) const {
  if (const auto input = inputs_.find(source); input != inputs_.end()) return *input->second;
  const std::string id = step_of(source);
  for (const Step& step : steps_) {
    if (step.id != id) continue;
    const auto& outputs = step.operation->info().outputs;
    if (id == source) {
      if (outputs.size() != 1) refuse(fmt::format("\"{}\" has {} outputs; write \"{}.PORT\"", source, outputs.size(), source));
      return *outputs.front().type;
    }
    return *port_of(outputs, source.substr(id.size() + 1), id, "output").type;
  }
  refuse(fmt::format("\"{}\" is neither an input nor a step", source));
}

Pipeline Pipeline::parse(const Json& json, const Catalogue& catalogue) {
  Pipeline pipeline;
  only_keys(json, "file", {"gantry_pipeline", "gantry_version", "description", "inputs", "steps", "outputs"});
  if (const Json& version = member(json, "file", "gantry_pipeline"); version != 1) refuse("\"gantry_pipeline\" must be 1");
  const Json& inputs = member(json, "file", "inputs");
  if (!inputs.is_object()) refuse("\"inputs\" must be an object");
  for (const auto& [name, input] : inputs.items()) {
    only_keys(input, "input " + name, {"type", "description", "file", "sha256"});
    const std::string type = text_member(input, "input " + name, "type");
    pipeline.inputs_[name] = port_type_of(type);
    if (!pipeline.inputs_[name]) refuse(fmt::format("input {}: unknown type \"{}\"", name, type));
  }
  const Json& steps = member(json, "file", "steps");
  if (!steps.is_array() || steps.size() > 10000) refuse("\"steps\" must be a list of at most 10000");
  std::set<std::string> ids;
  for (const Json& entry : steps) {
    only_keys(entry, "step", {"id", "operation", "version", "inputs", "parameters", "description"});
    Step step;
    step.id = text_member(entry, "step", "id");
    if (step.id.find('.') != std::string::npos) refuse(fmt::format("step {}: an id has no dot", step.id));
    if (!ids.insert(step.id).second || pipeline.inputs_.contains(step.id)) refuse(fmt::format("\"{}\" is used twice", step.id));
    step.operation =
        with_context("pipeline: step " + step.id, [&] { return &catalogue.at(text_member(entry, "step " + step.id, "operation")); });
    if (const Json version = entry.value("version", Json(step.operation->info().version)); version != step.operation->info().version) {
      refuse(fmt::format("step {}: written for version {} of {}; this is version {}", step.id, version.dump(), step.operation->info().id,
                         step.operation->info().version));
    }
    step.parameters =
        with_context("pipeline: step " + step.id, [&] { return step.operation->canonical(entry.value("parameters", Json::object())); });
    const Json& taken = member(entry, "step " + step.id, "inputs");
    if (!taken.is_object()) refuse(fmt::format("step {}: \"inputs\" must be an object", step.id));
    for (const auto& [port, source] : taken.items()) {
      port_of(step.operation->info().inputs, port, "step " + step.id, "input");
      for (const Json& one : source.is_array() ? source : Json::array({source})) {
        if (!one.is_string()) refuse(fmt::format("step {}: input {} must name an input or a step", step.id, port));
        step.inputs[port].push_back(one.get<std::string>());
      }
    }
    pipeline.steps_.push_back(std::move(step));
  }
  pipeline.steps_ = sorted(std::move(pipeline.steps_));
  for (const Step& step : pipeline.steps_) {
    for (const PortDescription& port : step.operation->info().inputs) {
      const auto given = step.inputs.find(port.name);
      if (given == step.inputs.end()) {
        if (!port.optional) refuse(fmt::format("step {}: input {} is missing", step.id, port.name));
        continue;
      }
      if (!port.variadic && given->second.size() != 1) refuse(fmt::format("step {}: input {} takes one source", step.id, port.name));
      for (const std::string& source : given->second) {
        const PortInfo& type = pipeline.type_of(source);
        if (&type != port.type)
          refuse(fmt::format("step {}: input {} is of type {}, \"{}\" is of type {}", step.id, port.name, port.type->id, source, type.id));
      }
    }
  }
  const Json& outputs = member(json, "file", "outputs");
  if (!outputs.is_object() || outputs.empty()) refuse("\"outputs\" must name at least one output");
  for (const auto& [name, source] : outputs.items()) {
    if (!source.is_string()) refuse(fmt::format("output {}: must name a step", name));
    pipeline.outputs_[name] = source.get<std::string>();
    pipeline.type_of(pipeline.outputs_[name]);
  }
  return pipeline;
}

const PortInfo& Pipeline::output_type(const std::string& name) const {
  const auto output = outputs_.find(name);
  if (output == outputs_.end()) refuse(fmt::format("\"{}\" is not an output", name));
  return type_of(output->second);
}

namespace {

/// The values that a source names, among the inputs and what has been made so far.
class Made {
 public:
  explicit Made(const std::map<std::string, Value>& inputs) {
    for (const auto& [name, value] : inputs) values_[name] = value;
  }
  void add(const Pipeline::Step& step, const Arguments& outputs) {
    for (const auto& [port, values] : outputs) values_[step.id + "." + port] = values.front();
    if (step.operation->info().outputs.size() == 1 && !outputs.empty()) values_[step.id] = outputs.begin()->second.front();
  }
  const Value& at(const std::string& source) const {
    const auto value = values_.find(source);
    if (value == values_.end())
      refuse(fmt::format("\"{}\" has no value: an input was not given, or an optional output was not made", source));
    return value->second;
  }
  Arguments arguments(const Pipeline::Step& step) const {
    Arguments arguments;
    for (const auto& [port, sources] : step.inputs) {
      for (const std::string& source : sources) arguments[port].push_back(at(source));
    }
    return arguments;
  }
  /// Frees what a step has made.
  void forget(const std::string& step) {
    std::erase_if(values_, [&](const auto& value) { return step_of(value.first) == step; });
  }

 private:
  std::map<std::string, Value> values_;
};

}  // namespace

std::map<std::string, Value> Pipeline::run(const std::map<std::string, Value>& inputs, const ResultCache* cache, Run& run) const {
  for (const auto& [name, type] : inputs_) {
    if (!inputs.contains(name)) throw Error(ErrorCode::usage, fmt::format("pipeline: input {} is missing", name));
  }
  Made made(inputs);
  std::map<std::string, std::size_t> last_use;  // step -> the last step that takes from it; results of the whole are kept
  for (std::size_t n = 0; n < steps_.size(); ++n) {
    last_use[steps_[n].id] = n;
    for (const auto& [port, sources] : steps_[n].inputs) {
      for (const std::string& source : sources) {
        if (!inputs_.contains(source)) last_use[step_of(source)] = n;
      }
    }
  }
  for (const auto& [name, source] : outputs_) {
    if (!inputs_.contains(source)) last_use[step_of(source)] = steps_.size();
  }
  for (std::size_t n = 0; n < steps_.size(); ++n) {
    const Step& step = steps_[n];
    const auto count = static_cast<double>(steps_.size());
    Run part = run.part(static_cast<double>(n) / count, static_cast<double>(n + 1) / count, step.id);
    part.progress(0);
    const Arguments arguments = made.arguments(step);
    with_context("step " + step.id, [&] {
      const std::string key = cache ? step.operation->cache_key(arguments, step.parameters) : std::string();
      if (cache) {
        if (auto kept = cache->find(key, step.operation->info())) return made.add(step, *kept);
      }
      const Arguments outputs = step.operation->run(arguments, step.parameters, part);
      if (cache) cache->store(key, outputs);
      made.add(step, outputs);
    });
    for (const auto& [id, last] : last_use) {
      if (last == n) made.forget(id);
    }
    part.progress(1);
  }
  std::map<std::string, Value> results;
  for (const auto& [name, source] : outputs_) results[name] = made.at(source);
  return results;
}

Json Pipeline::explain(const std::map<std::string, Value>& inputs, const ResultCache* cache) const {
  Made made(inputs);
  Json steps = Json::array();
  double seconds = 0;
  std::uint64_t peak = 0;
  bool known = true;
  for (const auto& [name, type] : inputs_) known = known && inputs.contains(name);
  for (const Step& step : steps_) {
    Json line{{"id", step.id}, {"operation", step.operation->info().id}, {"parameters", step.parameters}};
    Json taken = Json::object();
    for (const auto& [port, sources] : step.inputs) taken[port] = sources;
    line["inputs"] = taken;
    if (known) {
      const Arguments arguments = made.arguments(step);
      const Cost cost = step.operation->cost(arguments, step.parameters);
      line["seconds"] = cost.seconds;
      line["bytes"] = cost.bytes;
      seconds += cost.seconds;
      peak = std::max(peak, cost.bytes);
      const bool real = std::all_of(step.inputs.begin(), step.inputs.end(), [&](const auto& port) {
        return std::all_of(port.second.begin(), port.second.end(), [&](const std::string& source) { return inputs_.contains(source); });
      });
      if (real && cache)
        line["cached"] = cache->find(step.operation->cache_key(arguments, step.parameters), step.operation->info()).has_value();
      made.add(step, step.operation->shapes(arguments, step.parameters));
    }
    steps.push_back(std::move(line));
  }
  Json plan{{"steps", steps}};
  if (known) {
    plan["seconds"] = seconds;
    plan["peak_bytes"] = peak;
  }
  return plan;
}

Json Pipeline::schema(const Catalogue& catalogue) {
  Json kinds = Json::array();
  for (const auto& operation : catalogue.operations()) {
    Json ports = Json::object();
    Json required = Json::array();
    for (const PortDescription& port : operation->info().inputs) {
      const Json source{{"type", "string"}};
      ports[port.name] = port.variadic ? Json{{"type", "array"}, {"items", source}, {"minItems", 1}} : source;
      ports[port.name]["description"] = fmt::format("{} ({})", port.words, port.type->id);
      if (!port.optional) required.push_back(port.name);
    }
    kinds.push_back({{"type", "object"},
                     {"description", operation->info().summary},
                     {"properties",
                      {{"id", {{"type", "string"}, {"pattern", "^[^.]+$"}}},
                       {"operation", {{"const", operation->info().id}}},
                       {"version", {{"type", "integer"}}},
                       {"description", {{"type", "string"}}},
                       {"inputs", {{"type", "object"}, {"properties", ports}, {"required", required}, {"additionalProperties", false}}},
                       {"parameters", operation->schema()}}},
                     {"required", {"id", "operation", "inputs"}},
                     {"additionalProperties", false}});
  }
  const Json input{{"type", "object"},
                   {"properties",
                    {{"type", {{"enum", {"image", "labels", "transform", "table", "json", "text"}}}},
                     {"description", {{"type", "string"}}},
                     {"file", {{"type", "string"}}},
                     {"sha256", {{"type", "string"}}}}},
                   {"required", {"type"}},
                   {"additionalProperties", false}};
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "Gantry pipeline"},
          {"type", "object"},
          {"properties",
           {{"gantry_pipeline", {{"const", 1}}},
            {"gantry_version", {{"type", "string"}}},
            {"description", {{"type", "string"}}},
            {"inputs", {{"type", "object"}, {"additionalProperties", input}}},
            {"steps", {{"type", "array"}, {"items", {{"oneOf", kinds}}}}},
            {"outputs", {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}, {"minProperties", 1}}}}},
          {"required", {"gantry_pipeline", "inputs", "steps", "outputs"}},
          {"additionalProperties", false}};
}

Json provenance(const Operation& operation, const Json& parameters, const Arguments& inputs,
                const std::map<std::string, std::vector<std::string>>& references) {
  Json sources = Json::object();
  Json taken = Json::object();
  for (const PortDescription& port : operation.info().inputs) {
    const auto given = inputs.find(port.name);
    if (given == inputs.end()) continue;
    Json names = Json::array();
    for (std::size_t n = 0; n < given->second.size(); ++n) {
      const std::string name = port.variadic ? fmt::format("{}_{}", port.name, n + 1) : port.name;
      sources[name] = {{"type", port.type->id}, {"sha256", given->second[n].digest()}};
      if (const auto file = references.find(port.name); file != references.end() && n < file->second.size()) {
        sources[name]["file"] = Path(file->second[n]).filename().string();
      }
      names.push_back(name);
    }
    taken[port.name] = port.variadic ? names : names.front();
  }
  Json outputs = Json::object();
  for (const PortDescription& port : operation.info().outputs) outputs[port.name] = "step." + port.name;
  return {{"gantry_pipeline", 1},
          {"gantry_version", version()},
          {"inputs", sources},
          {"steps",
           {{{"id", "step"},
             {"operation", operation.info().id},
             {"version", operation.info().version},
             {"inputs", taken},
             {"parameters", operation.canonical(parameters)}}}},
          {"outputs", outputs}};
}

}  // namespace gantry
