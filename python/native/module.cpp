// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// gantry._native: one generic call for every operation of the catalogue, reading, writing and the main job.
#include <pybind11/stl.h>

#include "gantry/analysis/analyze.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/base/version.h"
#include "gantry/catalogue/catalogue.h"
#include "gantry/operation/cache.h"
#include "gantry/operation/contours_port.h"
#include "gantry/operation/declaration.h"
#include "gantry/operation/sources.h"
#include "native.h"

namespace gantry::python {

namespace {

Path path_of(py::handle object) { return py::str(py::module_::import("os").attr("fspath")(object)).cast<std::string>(); }

py::list declarations() {
  py::list all;
  for (const auto& operation : catalogue().operations()) all.append(object_of(declaration_of(*operation)));
  return all;
}

const PortDescription& input_named(const OperationInfo& info, const std::string& name) {
  for (const PortDescription& port : info.inputs) {
    if (port.name == name) return port;
  }
  throw Error(ErrorCode::usage, fmt::format("{}: is not an input of {}", name, info.id));
}

std::vector<Image> images_of(const std::vector<Value>& values) {
  std::vector<Image> images;
  for (const Value& value : values) {
    if (&value.type() == &port_info<Image>()) images.push_back(value.as<Image>());
    if (&value.type() == &port_info<Labels>()) images.push_back(value.as<Labels>().image());
  }
  return images;
}

bool overlap(const Image& a, const Image& b) {
  const auto* first = static_cast<const std::byte*>(a.data());
  const auto* second = static_cast<const std::byte*>(b.data());
  return first < second + b.byte_count() && second < first + a.byte_count();
}

/// True when the image shares memory with any other: then a result array must be a copy.
bool is_shared(const Value& value, const Arguments& inputs, const Arguments& outputs) {
  for (const Image& image : images_of({value})) {
    int uses = 0;
    for (const auto& [name, values] : inputs) {
      for (const Image& other : images_of(values)) uses += 2 * overlap(image, other);
    }
    for (const auto& [name, values] : outputs) {
      for (const Image& other : images_of(values)) uses += overlap(image, other);
    }
    if (uses > 1) return true;
  }
  return false;
}

/// Runs an operation. `inputs`: port -> list of values; `parameters` by name. Gives a dict of port -> (value, shares memory).
py::dict call(const std::string& id, const py::dict& inputs, const py::dict& parameters, std::optional<int> threads,
              std::optional<std::uint64_t> memory, py::object progress) {
  const Operation& operation = catalogue().at(id);
  std::map<std::string, std::vector<Given>> given;
  for (const auto& [key, list] : inputs) {
    const auto name = key.cast<std::string>();
    const PortDescription& port = input_named(operation.info(), name);
    for (const py::handle object : list) given[name].push_back(given_of(*port.type, object, name));
  }
  const Json wanted = json_of(parameters);
  Arguments arguments, outputs;
  work(controls_of(threads, memory, std::move(progress)), [&](Run& run) {
    const Json complete = with_context(id, [&] { return operation.canonical(wanted); });
    const Sources sources;
    for (const auto& [name, list] : given) {
      const PortInfo& type = *input_named(operation.info(), name).type;
      for (const Given& item : list) {
        const auto* reference = std::get_if<std::string>(&item);
        arguments[name].push_back(reference ? with_context(name, [&] { return sources.resolve(type, *reference, run); })
                                            : std::get<Value>(item));
      }
    }
    outputs = operation.run(arguments, complete, run);
  });
  py::dict results;
  for (const auto& [name, values] : outputs) {
    results[py::str(name)] = py::make_tuple(object_of(values.front()), is_shared(values.front(), arguments, outputs));
  }
  return results;
}

py::object read(py::handle reference, const std::string& type, const std::optional<std::string>& series_uid, bool stored,
                py::object progress) {
  const auto text = path_of(reference).string();
  const PortInfo* port = nullptr;
  std::vector<std::string> known_types;
  for (const PortInfo* known : shared_ports()) {
    if (known->id == type) port = known;
    known_types.emplace_back(known->id);
  }
  if (!port) throw Error(ErrorCode::parameter, "type: must be one of " + join(known_types, ", ") + "; got " + type);
  Value value;
  work(controls_of({}, {}, std::move(progress)), [&](Run& run) {
    std::error_code ignored;
    const bool chosen = series_uid.has_value() || stored;
    value = chosen && port == &port_info<Image>() && std::filesystem::exists(text, ignored)
                ? Value(read_any_image(text, run, series_uid.value_or(""), stored))
                : Sources().resolve(*port, text, run);
  });
  return object_of(value);
}

void write(py::handle path, py::handle object) {
  const Path target = path_of(path);
  const PortInfo* type = &port_info<Json>();
  if (py::isinstance<Image>(object)) type = &port_info<Image>();
  if (py::isinstance<Labels>(object)) type = &port_info<Labels>();
  if (py::isinstance<Transform>(object)) type = &port_info<Transform>();
  if (target.extension() == ".csv") type = &port_info<Table>();
  if (py::isinstance<py::str>(object)) type = &port_info<std::string>();
  const Given given = given_of(*type, object, "value");
  work({}, [&](Run& run) { std::get<Value>(given).write(target, run); });
}

py::object analyze(const py::list& studies, py::handle output, const std::string& profile, const std::string& modality,
                   const std::string& language, py::handle cache, std::optional<int> threads, std::optional<std::uint64_t> memory,
                   py::object progress) {
  analysis::AnalyzeOptions options{.output = path_of(output), .profile = profile, .modality = modality, .language = language};
  for (const py::handle study : studies) options.inputs.push_back(path_of(study));
  if (cache.is_none()) {
    options.cache = ResultCache::default_folder();
  } else if (const Path folder = path_of(cache); folder != "off") {
    options.cache = folder;
  }
  Json summary;
  work(controls_of(threads, memory, std::move(progress)), [&](Run& run) { summary = analysis::analyze(options, run); });
  return object_of(summary);
}

void fail(const std::string& code, const std::string& message) {
  for (int n = 0; n <= static_cast<int>(ErrorCode::internal); ++n) {
    if (const auto known = static_cast<ErrorCode>(n); error_info(known).id == code) throw Error(known, message);
  }
  throw Error(ErrorCode::internal, code + ": is no code of the error table");
}

}  // namespace

PYBIND11_MODULE(_native, module) {
  module.doc() = "The compiled part of gantry; use the functions of the package gantry instead.";
  bind_errors(module);
  bind_types(module);
  module.attr("version") = std::string(version());
  module.attr("notice") = std::string(not_a_medical_device());
  module.def("declarations", &declarations);
  module.def("call", &call);
  module.def("read", &read);
  module.def("write", &write);
  module.def("fail", &fail, "Raises the error of that code.");
  module.def("analyze", &analyze);
}

}  // namespace gantry::python
