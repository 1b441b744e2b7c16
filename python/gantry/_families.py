# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""One module a family and one function an operation, made of the declarations when they are first asked for."""
import keyword
import types

from . import _native
from ._work import array_of, image_of, is_array, library_of

CONTROLS = {
    "threads": "Number of threads; None = all processors. Results never depend on it.",
    "memory": "Memory budget in bytes; work that needs more is refused. None = no limit.",
    "progress": "Function of (fraction, step), called now and then.",
}
IMAGES = ("image", "labels")


def python_name(name):
    """A parameter's name as a keyword: 'group.member' -> group_member, 'lambda' -> lambda_."""
    name = name.replace(".", "_")
    return name + "_" if keyword.iskeyword(name) else name


def literal_of(value):
    return tuple(value) if isinstance(value, list) else value


class Call:
    """Binds the arguments of one operation and runs it."""

    def __init__(self, declaration):
        self.id = declaration["id"]
        self.inputs = sorted(declaration["inputs"], key=lambda port: port["optional"])
        self.outputs = [port["name"] for port in declaration["outputs"]]
        self.parameters = {python_name(name): name for name in declaration["parameters"]["properties"]}
        self.result = None

    def bind(self, positional, keywords):
        if len(positional) > len(self.inputs):
            _native.fail("usage", f"{self.id}: takes {len(self.inputs)} inputs by position; got {len(positional)} (parameters go by name)")
        inputs = {}
        for port, value in zip(self.inputs, positional):
            inputs[port["name"]] = value
        for port in self.inputs:
            name = port["name"]
            if python_name(name) in keywords:
                if name in inputs:
                    _native.fail("usage", f"{name}: is given twice")
                inputs[name] = keywords.pop(python_name(name))
        lists = {}
        for port in self.inputs:
            value = inputs.get(port["name"])
            if value is None:
                continue
            if port["variadic"] and not isinstance(value, (list, tuple)):
                _native.fail("usage", f"{port['name']}: must be a list; got {type(value).__name__}")
            lists[port["name"]] = list(value) if port["variadic"] else [value]
        return lists

    def __call__(self, positional, keywords):
        controls = [keywords.pop(name, None) for name in CONTROLS]
        inputs = self.bind(positional, keywords)
        parameters = {self.parameters.get(name, name): value for name, value in keywords.items()}
        kinds = {port["name"]: port["type"] for port in self.inputs}
        images = [value for name, values in inputs.items() if kinds[name] in IMAGES for value in values]
        arrays = bool(images) and all(map(is_array, images))
        flat = arrays and all(value.ndim == 2 for value in images)
        given = {name: [image_of(v) for v in values] if kinds[name] in IMAGES else values for name, values in inputs.items()}
        results = _native.call(self.id, given, parameters, *controls)
        values = []
        for name in self.outputs:
            value, shared = results.get(name, (None, False))
            if arrays and isinstance(value, _native.Labels):
                value = value.image
            values.append(array_of(value, shared, flat) if arrays and isinstance(value, _native.Image) else value)
        if len(values) == 1:
            return values[0]
        if self.result is None:
            from collections import namedtuple

            self.result = namedtuple(self.id.rpartition(".")[2] + "_result", map(python_name, self.outputs))
        return self.result(*values)


def docstring(declaration):
    """The declaration as a NumPy-style docstring."""

    def port(row):
        kind = ("list of " if row["variadic"] else "") + row["type"] + (", optional" if row["optional"] else "")
        return f"{python_name(row['name'])} : {kind}\n    {row['description']}"

    lines = [declaration["summary"], "", "Parameters", "----------"]
    lines += [port(row) for row in sorted(declaration["inputs"], key=lambda row: row["optional"])]
    for name, schema in declaration["parameters"]["properties"].items():
        unit = f" in {schema['x-unit']}" if schema.get("x-unit") else ""
        lines.append(f"{python_name(name)} : default {literal_of(schema['default'])!r}\n    {schema['description']}{unit}; must {declaration['rules'][name]}.")
    lines += [f"{name} : optional\n    {words}" for name, words in CONTROLS.items()]
    lines += ["", "Returns", "-------", *map(port, declaration["outputs"])]
    if declaration["references"]:
        lines += ["", "References", "----------", *declaration["references"]]
    return "\n".join(lines)


def signature(declaration):
    from inspect import Parameter, Signature

    parameters = []
    for row in sorted(declaration["inputs"], key=lambda row: row["optional"]):
        default = None if row["optional"] else Parameter.empty
        parameters.append(Parameter(python_name(row["name"]), Parameter.POSITIONAL_OR_KEYWORD, default=default))
    for name, schema in declaration["parameters"]["properties"].items():
        parameters.append(Parameter(python_name(name), Parameter.KEYWORD_ONLY, default=literal_of(schema["default"])))
    parameters += [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in CONTROLS]
    return Signature(parameters)


def function_of(declaration, module):
    call = Call(declaration)

    def operation(*inputs, **parameters):
        return call(inputs, parameters)

    operation.__name__ = operation.__qualname__ = python_name(declaration["id"].rpartition(".")[2])
    operation.__module__ = module
    operation.__doc__ = docstring(declaration)
    operation.__signature__ = signature(declaration)
    return operation


def family_module(family, declarations):
    """A module whose functions are made when they are first used."""
    module = types.ModuleType(f"gantry.{family}", f"Operations of the family {family}.")
    by_name = {python_name(d["id"].partition(".")[2]): d for d in declarations}

    def __getattr__(name):
        if name not in by_name:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        function = function_of(by_name[name], module.__name__)
        setattr(module, name, function)
        return function

    module.__getattr__ = __getattr__
    module.__dir__ = lambda: sorted(by_name)
    module.__all__ = sorted(by_name)
    module.__package__ = "gantry"
    return module


def families():
    """The modules of all families, in the order of the catalogue."""
    groups = {}
    for declaration in _native.declarations():
        groups.setdefault(declaration["id"].partition(".")[0], []).append(declaration)
    return [family_module(family, declarations) for family, declarations in groups.items()]
