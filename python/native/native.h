// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The parts of the extension module gantry._native.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>
#include <optional>
#include <variant>

#include "gantry/base/json.h"
#include "gantry/base/run.h"
#include "gantry/operation/operation.h"

namespace gantry::python {

namespace py = pybind11;

/// Adds gantry.Error and one subclass for each row of the error table, and lets every Error of the library arrive as its class.
void bind_errors(py::module_& module);
/// Adds Image, Labels, Transform and the opaque Value.
void bind_types(py::module_& module);

/// Numbers, text, lists, dicts and None as JSON; NumPy numbers and arrays through their `tolist`. Throws Error(usage) for anything else.
Json json_of(py::handle object);
py::object object_of(const Json& json);

/// The image as integers. Throws Error(refused) when a value is not whole or beyond 32 bits.
Image whole_numbers(const Image& image);

/// A port's value as Python gave it: ready, or a reference (path, "phantom:NAME") that is still to be read.
using Given = std::variant<Value, std::string>;
/// Image, Labels, Transform, dict, list of dicts or str, as the port's type asks. Throws Error(usage) for another type.
Given given_of(const PortInfo& type, py::handle object, const std::string& name);
py::object object_of(const Value& value);

/// How a long call is run: `memory` in bytes (0 = no limit), `progress` None or a callable of (fraction, step).
struct [[gnu::visibility("hidden")]] Controls {
  int threads = 0;
  std::uint64_t memory = 0;
  py::object progress = py::none();
};
/// The controls of the keyword arguments `threads`, `memory` and `progress`.
Controls controls_of(std::optional<int> threads, std::optional<std::uint64_t> memory, py::object progress);

/// Runs `body` on a thread of its own without the interpreter lock. Meanwhile this thread looks for signals: Ctrl-C cancels the Run and,
/// once the body has ended, KeyboardInterrupt goes on. What `progress` raises ends the work in the same way. Warnings of the Run become
/// Python warnings of the category gantry.GantryWarning.
void work(const Controls& controls, const std::function<void(Run&)>& body);

}  // namespace gantry::python
