// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"

#include <filesystem>
#include <map>

#include "native.h"

namespace gantry::python {

namespace {

/// The built-in classes that Python programs already catch for errors of this kind.
std::vector<PyObject*> builtins_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return {PyExc_TypeError, PyExc_ValueError};
    case ErrorCode::parameter:
    case ErrorCode::unreadable:
    case ErrorCode::refused:
      return {PyExc_ValueError};
    case ErrorCode::not_found:
      return {PyExc_FileNotFoundError};
    case ErrorCode::out_of_memory:
      return {PyExc_MemoryError};
    case ErrorCode::disk_full:
      return {PyExc_OSError};
    case ErrorCode::time_limit:
      return {PyExc_TimeoutError};
    case ErrorCode::peer:
      return {PyExc_ConnectionError};
    case ErrorCode::not_permitted:
      return {PyExc_PermissionError};
    case ErrorCode::not_possible:
    case ErrorCode::internal:
      return {PyExc_RuntimeError};
    case ErrorCode::cancelled:
      return {};
  }
  return {};
}

/// One class a code, made when the module is loaded and kept until the process ends.
std::map<ErrorCode, PyObject*>& classes() {
  static std::map<ErrorCode, PyObject*> all;
  return all;
}

void raise(const Error& error) {
  const py::object type = py::reinterpret_borrow<py::object>(classes().at(error.code()));
  py::object raised = type(py::str(error.what()));
  py::list context;
  for (const std::string& outer : error.context()) context.append(outer);
  raised.attr("message") = error.message();
  raised.attr("context") = context;
  PyErr_SetObject(type.ptr(), raised.ptr());
}

}  // namespace

void bind_errors(py::module_& module) {
  PyObject* base = PyErr_NewExceptionWithDoc("gantry.Error",
                                             "Base of all errors of Gantry. The text reads 'subject: rule; what was found'; `code` is the "
                                             "stable name of the kind, `exit_status` that of the command line.",
                                             PyExc_Exception, nullptr);
  module.attr("Error") = py::reinterpret_borrow<py::object>(base);
  for (int n = 0; n <= static_cast<int>(ErrorCode::internal); ++n) {
    const ErrorInfo& info = error_info(static_cast<ErrorCode>(n));
    py::list bases;
    bases.append(py::reinterpret_borrow<py::object>(base));
    for (PyObject* builtin : builtins_of(info.code)) bases.append(py::reinterpret_borrow<py::object>(builtin));
    py::dict members;
    members["code"] = std::string(info.id);
    members["exit_status"] = info.exit_status;
    const std::string name(info.python);
    PyObject* type = PyErr_NewException(("gantry." + name).c_str(), py::tuple(bases).ptr(), members.ptr());
    if (!type) throw py::error_already_set();
    classes()[info.code] = type;
    module.attr(name.c_str()) = py::reinterpret_borrow<py::object>(type);
  }
  module.attr("GantryWarning") =
      py::reinterpret_steal<py::object>(PyErr_NewExceptionWithDoc("gantry.GantryWarning",
                                                                  "What the user should know of a result that is no "
                                                                  "error.",
                                                                  PyExc_UserWarning, nullptr));
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      raise(error);
    } catch (const std::bad_alloc&) {
      raise(Error(ErrorCode::out_of_memory, "memory: the machine has too little left"));
    } catch (const std::filesystem::filesystem_error& failure) {
      raise(Error(ErrorCode::unreadable, failure.path1().filename().string() + ": " + failure.code().message()));
    }
  });
}

}  // namespace gantry::python
