# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Writes the type stubs of the Python module out of the declarations: one file a family, and the list of families."""
import keyword
import re

BEGIN, END = "# generated: begin\n", "# generated: end\n"
HEAD = '''# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# Written by docs/generate.py.
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, overload

from numpy.typing import NDArray

from . import Image, ImageLike, Labels, LabelsLike, Path, Progress, Transform, Value
'''
GIVEN = {"image": "ImageLike", "labels": "LabelsLike", "transform": "Transform | Path", "table": "Sequence[dict[str, Any]] | Path", "json": "Any", "text": "str", "contours": "Value | Path", "points": "Value | Path", "video": "Value | Path", "vectors": "Value | Path"}
MADE = {"image": "Image", "labels": "Labels", "transform": "Transform", "table": "list[dict[str, Any]]", "json": "Any", "text": "str"}
ARRAY = "NDArray[Any]"
CONTROLS = ["threads: int | None = None", "memory: int | None = None", "progress: Progress | None = None"]
IMAGES = ("image", "labels")


def python_name(name):
    name = name.replace(".", "_")
    return name + "_" if keyword.iskeyword(name) else name


def type_of(schema):
    if "anyOf" in schema:
        return type_of(schema["anyOf"][0]) + " | None"
    if "enum" in schema:
        return "Literal[" + ", ".join(map(repr, schema["enum"])) + "]"
    return {"boolean": "bool", "integer": "int", "number": "float", "string": "str", "array": "Sequence[float]"}.get(schema["type"], "Any")


def default_of(schema):
    value = schema["default"]
    return repr(tuple(value) if isinstance(value, list) else value)


def inputs(operation, arrays):
    rows = []
    for port in sorted(operation["inputs"], key=lambda row: row["optional"]):
        kind = ARRAY if arrays and port["type"] in IMAGES else GIVEN.get(port["type"], "Value | Path")
        kind = f"Sequence[{kind}]" if port["variadic"] else kind
        rows.append(f"{python_name(port['name'])}: {kind}" + (" | None = None" if port["optional"] else ""))
    return rows


def made(port, arrays):
    kind = ARRAY if arrays and port["type"] in IMAGES else MADE.get(port["type"], "Value")
    return kind + (" | None" if port["optional"] else "")


def function(operation):
    name = python_name(operation["id"].partition(".")[2])
    parameters = [f"{python_name(key)}: {type_of(schema)} = {default_of(schema)}" for key, schema in operation["parameters"]["properties"].items()]
    overloads = any(port["type"] in IMAGES for port in operation["inputs"]) and any(port["type"] in IMAGES for port in operation["outputs"])
    classes = functions = ""
    for arrays in (True, False) if overloads else (False,):
        result = made(operation["outputs"][0], arrays)
        if len(operation["outputs"]) > 1:
            result = f"_{name}_{'arrays' if arrays else 'result'}"
            members = "".join(f"    {python_name(port['name'])}: {made(port, arrays)}\n" for port in operation["outputs"])
            classes += f"\nclass {result}(NamedTuple):\n{members}"
        head = "@overload\n" if overloads else ""
        body = "\n    ".join(f"{argument}," for argument in [*inputs(operation, arrays), "*", *parameters, *CONTROLS])
        functions += f"\n{head}def {name}(\n    {body}\n) -> {result}:\n    \"\"\"{operation['summary']}\"\"\"\n"
    return classes + functions


def stubs(operations, package):
    """Content by path."""
    families = {}
    for operation in operations:
        families.setdefault(operation["id"].partition(".")[0], []).append(operation)
    files = {package / f"{family}.pyi": HEAD + "".join(map(function, rows)) for family, rows in families.items()}
    listed = "".join(f"from . import {family} as {family}\n" for family in families)
    index = package / "__init__.pyi"
    files[index] = re.sub(f"{BEGIN}.*?{END}", lambda _: BEGIN + listed + END, index.read_text(), flags=re.S)
    return files
