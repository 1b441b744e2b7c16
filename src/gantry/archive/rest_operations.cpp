// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/archive/rest.h"
#include "gantry/base/text.h"
#include "gantry/operation/declaration.h"
#include "gantry/operation/pipeline.h"

namespace gantry::archive {

namespace {

/// What a request for a run says, checked as far as it can be without reading images.
struct Order {
  std::map<std::string, std::vector<Path>> files;
  std::map<std::string, std::vector<std::string>> references;
  Json parameters = Json::object();
  std::map<std::string, std::string> endings;  ///< of the outputs
};

std::vector<std::string> endings_of(const PortInfo& type) { return split(type.endings, ' '); }

/// An image goes out compressed unless something else is asked for.
std::string first_ending(const PortInfo& type) {
  const auto endings = endings_of(type);
  return std::find(endings.begin(), endings.end(), ".nii.gz") != endings.end() ? ".nii.gz" : endings.front();
}

void read_formats(const std::string& text, const OperationInfo& info, Order& order) {
  const Json formats = json_of_request(text, "formats");
  if (!formats.is_object()) throw Error(ErrorCode::usage, "formats: must be an object of endings by output");
  for (const auto& [name, ending] : formats.items()) {
    const auto port = order.endings.find(name);
    if (port == order.endings.end()) throw Error(ErrorCode::parameter, fmt::format("formats: {} is not an output of {}", name, info.id));
    for (const PortDescription& output : info.outputs) {
      if (output.name != name) continue;
      const auto known = endings_of(*output.type);
      if (!ending.is_string() || std::find(known.begin(), known.end(), ending.get<std::string>()) == known.end())
        throw Error(ErrorCode::parameter, fmt::format("formats: {} must be one of {}", name, join(known, ", ")));
      port->second = ending.get<std::string>();
    }
  }
}

Order order_of(Form form, const Operation& operation) {
  const OperationInfo& info = operation.info();
  Order order;
  for (const PortDescription& port : info.outputs) order.endings[port.name] = first_ending(*port.type);
  const auto is_input = [&](const std::string& name) {
    return std::any_of(info.inputs.begin(), info.inputs.end(), [&](const PortDescription& port) { return port.name == name; });
  };
  for (auto& [name, paths] : form.files) {
    if (!is_input(name)) throw Error(ErrorCode::parameter, fmt::format("{}: is not an input of {}", name, info.id));
    order.files[name] = std::move(paths);
  }
  for (const auto& [name, texts] : form.texts) {
    if (is_input(name)) {
      order.references[name] = texts;
    } else if (name == "parameters") {
      const Json given = json_of_request(texts.back(), "parameters");
      if (!given.is_object()) throw Error(ErrorCode::parameter, "parameters: must be an object");
      order.parameters.update(given);
    } else if (name == "formats") {
      read_formats(texts.back(), info, order);
    } else {
      // A field of its own for a parameter, in the words of the command line.
      const auto parameter =
          std::find_if(info.parameters.begin(), info.parameters.end(), [&, key = name](const ParameterInfo& p) { return p.name == key; });
      order.parameters[name] = parameter == info.parameters.end() ? Json(texts.back()) : parameter_from_text(*parameter, texts.back());
    }
  }
  order.parameters = operation.canonical(order.parameters);
  for (const PortDescription& port : info.inputs) {
    const std::size_t given = order.files[port.name].size() + order.references[port.name].size();
    if (given == 0 && !port.optional) throw Error(ErrorCode::usage, fmt::format("{}: input of {} is missing", port.name, info.id));
    if (given > 1 && !port.variadic) throw Error(ErrorCode::usage, fmt::format("{}: takes one value; got {}", port.name, given));
    for (const std::string& reference : order.references[port.name]) {
      if (!reference.starts_with("phantom:") && !reference.starts_with("archive:"))
        throw Error(ErrorCode::not_permitted,
                    fmt::format("{}: must be an upload, phantom:NAME or archive:STUDY[/SERIES[/INSTANCE]]", port.name));
    }
  }
  return order;
}

std::vector<JobOutput> run_order(const Operation& operation, const Order& order, Archive* archive, const Path& folder, Run& run) {
  const OperationInfo& info = operation.info();
  const Sources uploads, references = remote_sources(archive);
  Arguments inputs;
  std::map<std::string, std::vector<std::string>> names;
  for (const PortDescription& port : info.inputs) {
    const auto add = [&](const Sources& sources, const std::string& reference) {
      inputs[port.name].push_back(with_context(port.name, [&] { return sources.resolve(*port.type, reference, run); }));
      names[port.name].push_back(reference.substr(reference.rfind('/') + 1));
    };
    for (const Path& file : order.files.at(port.name)) add(uploads, file.string());
    for (const std::string& reference : order.references.at(port.name)) add(references, reference);
  }
  const Arguments outputs = operation.run(inputs, order.parameters, run);
  run.check();
  std::vector<JobOutput> written;
  for (const PortDescription& port : info.outputs) {
    const auto made = outputs.find(port.name);
    if (made == outputs.end()) continue;
    const Path own = folder / port.name, file = own / (port.name + order.endings.at(port.name));
    std::filesystem::create_directory(own);
    with_context(port.name, [&] { made->second.front().write(file, run); });
    written.push_back({port.name, std::string(port.type->id), file});
    // What lies beside it belongs to it: the table of labels.
    for (const auto& entry : std::filesystem::directory_iterator(own)) {
      if (entry.path() != file) written.push_back({entry.path().filename().string(), "file", entry.path()});
    }
  }
  const Path record = folder / "provenance.json";
  write_atomic(record, to_text(provenance(operation, order.parameters, inputs, names)));
  written.push_back({"provenance", "json", record});
  return written;
}

Response start(Request& request, const Operation& operation, const Services& services) {
  const auto draft = services.jobs->draft();
  Order order = order_of(read_form(request, draft->inputs()), operation);
  const std::string id =
      services.jobs->submit(*draft, request.principal.user, {{"kind", "operation"}, {"operation", operation.info().id}},
                            [&operation, order = std::move(order), archive = services.archive](const Path&, const Path& outputs, Run& run) {
                              return run_order(operation, order, archive, outputs, run);
                            });
  services.audit->record(request.principal.user, "run", "ok", operation.info().id, request.address);
  Response response = json_response(*services.jobs->find(id, request.principal.user), 202);
  return response.header("Location", "/api/v1/jobs/" + id);
}

const Operation& known(const Catalogue& catalogue, const std::string& id) {
  if (const Operation* operation = catalogue.find(id)) return *operation;
  try {
    catalogue.at(id);
  } catch (const Error& error) {
    throw Error(ErrorCode::not_found, error.message());
  }
  throw Error(ErrorCode::internal, "operation: is known after all");
}

/// The form of a run, from the declaration.
Json form_schema(const Operation& operation) {
  const OperationInfo& info = operation.info();
  Json properties = Json::object(), references = Json::object(), required = Json::array(), formats = Json::object();
  for (const PortDescription& port : info.inputs) {
    const std::string words =
        fmt::format("{} ({}): a file, or a reference phantom:NAME or archive:STUDY[/SERIES[/INSTANCE]]", port.words, port.type->id);
    const Json one{{"type", "string"}, {"format", "binary"}, {"description", words}};
    const Json reference{{"type", "string"}, {"pattern", "^(phantom|archive):"}};
    properties[port.name] = port.variadic ? Json{{"type", "array"}, {"items", one}} : one;
    references[port.name] = port.variadic ? Json{{"type", "array"}, {"items", reference}} : reference;
    if (!port.optional) required.push_back(port.name);
  }
  for (const PortDescription& port : info.outputs) formats[port.name] = {{"enum", endings_of(*port.type)}};
  const Json parameters = operation.schema();
  const Json endings{{"type", "object"}, {"properties", formats}, {"additionalProperties", false}};
  properties["parameters"] = parameters;
  properties["formats"] = endings;
  return {{"required", true},
          {"content",
           {{"multipart/form-data",
             {{"schema", {{"type", "object"}, {"properties", properties}, {"required", required}}},
              {"encoding", {{"parameters", {{"contentType", "application/json"}}}, {"formats", {{"contentType", "application/json"}}}}}}},
            {"application/json",
             {{"schema",
               {{"type", "object"},
                {"properties",
                 {{"inputs", {{"type", "object"}, {"properties", references}, {"required", required}, {"additionalProperties", false}}},
                  {"parameters", parameters},
                  {"formats", endings}}},
                {"required", {"inputs"}}}}}}}}};
}

}  // namespace

void add_operation_routes(Router& router, const Services& services) {
  const Json identifier{{"type", "string"}};
  router.add({"GET",
              "/api/v1/operations",
              "Lists all operations with their declarations",
              [services](Request&) {
                Json all = Json::array();
                for (const auto& operation : services.catalogue->operations()) all.push_back(declaration_of(*operation));
                return json_response({{"operations", all}});
              },
              false,
              {{"responses",
                {{"200", json_answer("The declarations",
                                     {{"type", "object"},
                                      {"properties", {{"operations", {{"type", "array"}, {"items", schema_reference("Operation")}}}}},
                                      {"required", {"operations"}}})}}}}});
  router.add({"GET",
              "/api/v1/operations/{id}",
              "Says everything about an operation: ports, parameters, examples",
              [services](Request& request) { return json_response(declaration_of(known(*services.catalogue, request.captures["id"]))); },
              false,
              {{"responses", {{"200", json_answer("The declaration", schema_reference("Operation"))}}}}});
  router.add({"POST", "/api/v1/operations/{id}/runs", "Refuses an operation that does not exist",
              [services](Request& request) { return start(request, known(*services.catalogue, request.captures["id"]), services); }, false,
              Json::object(), false});
  for (const auto& held : services.catalogue->operations()) {
    const Operation& operation = *held;
    Json accepted = json_answer("The job", schema_reference("Job"));
    router.add({"POST",
                "/api/v1/operations/" + operation.info().id + "/runs",
                operation.info().summary,
                [&operation, services](Request& request) { return start(request, operation, services); },
                false,
                {{"requestBody", form_schema(operation)}, {"responses", {{"202", accepted}}}}});
  }
}

}  // namespace gantry::archive
