// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Values of ports and JSON to and from Python objects.
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "native.h"

namespace gantry::python {

namespace {

constexpr int max_depth = 64;

[[noreturn]] void refuse(py::handle object, const std::string& what) {
  throw Error(ErrorCode::usage, fmt::format("{}; got {}", what, Py_TYPE(object.ptr())->tp_name));
}

Json json_at(py::handle object, int depth) {
  if (depth > max_depth) throw Error(ErrorCode::usage, fmt::format("value: must be nested at most {} deep", max_depth));
  if (object.is_none()) return nullptr;
  if (py::isinstance<py::bool_>(object)) return object.cast<bool>();
  if (py::isinstance<py::int_>(object)) {
    int overflow = 0;
    const long long whole = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
    return overflow == 0 ? Json(whole) : Json(overflow > 0 ? INFINITY : -INFINITY);
  }
  if (py::isinstance<py::float_>(object)) return object.cast<double>();
  if (py::isinstance<py::str>(object)) return object.cast<std::string>();
  if (PyObject_HasAttrString(object.ptr(), "__fspath__")) return py::str(object.attr("__fspath__")()).cast<std::string>();
  if (py::isinstance<py::dict>(object)) {
    Json json = Json::object();
    for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(object)) {
      if (!py::isinstance<py::str>(key)) refuse(key, "key of a dict: must be str");
      json[key.cast<std::string>()] = json_at(value, depth + 1);
    }
    return json;
  }
  if (py::isinstance<py::list>(object) || py::isinstance<py::tuple>(object)) {
    Json json = Json::array();
    for (const py::handle item : object) json.push_back(json_at(item, depth + 1));
    return json;
  }
  if (PyObject_HasAttrString(object.ptr(), "tolist")) return json_at(object.attr("tolist")(), depth + 1);
  refuse(object, "value: must be a number, text, list, dict or None");
}

Table table_of(py::handle object, const std::string& name) {
  const Json rows = json_of(object);
  std::vector<std::string> columns;
  if (!rows.is_array()) throw Error(ErrorCode::usage, name + ": must be a list of dicts, one a row");
  for (const Json& row : rows) {
    if (!row.is_object()) throw Error(ErrorCode::usage, name + ": must be a list of dicts, one a row");
    for (const auto& [key, cell] : row.items()) {
      if (std::find(columns.begin(), columns.end(), key) == columns.end()) columns.push_back(key);
    }
  }
  Table table(columns);
  for (const Json& row : rows) {
    std::vector<Table::Cell> cells(columns.size());
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto cell = row.find(columns[c]);
      if (cell == row.end() || cell->is_null()) continue;
      if (cell->is_string()) {
        cells[c] = cell->get<std::string>();
      } else if (cell->is_number()) {
        cells[c] = cell->get<double>();
      } else {
        throw Error(ErrorCode::usage, fmt::format("{}: cells must be numbers, text or None", name));
      }
    }
    table.add(std::move(cells));
  }
  return table;
}

py::list rows_of(const Table& table) {
  py::list rows;
  for (const auto& cells : table.rows()) {
    py::dict row;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const char* column = table.columns()[c].c_str();
      if (const auto* number = std::get_if<double>(&cells[c])) {
        row[column] = *number;
      } else if (const auto* word = std::get_if<std::string>(&cells[c])) {
        row[column] = *word;
      } else {
        row[column] = py::none();
      }
    }
    rows.append(row);
  }
  return rows;
}

}  // namespace

Json json_of(py::handle object) { return json_at(object, 0); }

py::object object_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return py::bool_(json.get<bool>());
    case Json::value_t::number_integer:
      return py::int_(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      return py::int_(json.get<std::uint64_t>());
    case Json::value_t::number_float:
      return py::float_(json.get<double>());
    case Json::value_t::string:
      return py::str(to_valid_utf8(json.get_ref<const std::string&>()));
    case Json::value_t::array: {
      py::list list;
      for (const Json& item : json) list.append(object_of(item));
      return list;
    }
    case Json::value_t::object: {
      py::dict dict;
      for (const auto& [key, value] : json.items()) dict[py::str(key)] = object_of(value);
      return dict;
    }
    default:
      return py::none();
  }
}

Given given_of(const PortInfo& type, py::handle object, const std::string& name) {
  if (py::isinstance<Value>(object)) return object.cast<Value>();
  const bool text_port = &type == &port_info<std::string>();
  if (PyObject_HasAttrString(object.ptr(), "__fspath__")) return py::str(object.attr("__fspath__")()).cast<std::string>();
  if (py::isinstance<py::str>(object)) {
    auto text = object.cast<std::string>();
    if (text_port) return Value(std::move(text));
    return text;
  }
  if (&type == &port_info<Image>()) {
    if (py::isinstance<Image>(object)) return Value(object.cast<Image>());
    if (py::isinstance<Labels>(object)) return Value(object.cast<const Labels&>().image());
    refuse(object, name + ": must be an image (gantry.Image, an array, a path)");
  }
  if (&type == &port_info<Labels>()) {
    if (py::isinstance<Labels>(object)) return Value(object.cast<Labels>());
    if (py::isinstance<Image>(object)) return Value(Labels(whole_numbers(object.cast<const Image&>()), {}));
    refuse(object, name + ": must be labels (gantry.Labels, gantry.Image, an array, a path)");
  }
  if (&type == &port_info<Transform>()) {
    if (py::isinstance<Transform>(object)) return Value(object.cast<Transform>());
    refuse(object, name + ": must be a gantry.Transform or a path");
  }
  if (&type == &port_info<Table>()) return Value(table_of(object, name));
  if (&type == &port_info<Json>()) return Value(json_of(object));
  refuse(object, fmt::format("{}: must be a path or a value of type {}", name, type.id));
}

py::object object_of(const Value& value) {
  const PortInfo& type = value.type();
  if (&type == &port_info<Image>()) return py::cast(value.as<Image>());
  if (&type == &port_info<Labels>()) return py::cast(value.as<Labels>());
  if (&type == &port_info<Transform>()) return py::cast(value.as<Transform>());
  if (&type == &port_info<Json>()) return object_of(value.as<Json>());
  if (&type == &port_info<Table>()) return rows_of(value.as<Table>());
  if (&type == &port_info<std::string>()) return py::str(value.as<std::string>());
  return py::cast(value);
}

}  // namespace gantry::python
