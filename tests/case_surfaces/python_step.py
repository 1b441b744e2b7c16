# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
"""Runs one step of a case file through the Python module. The argument is a JSON object: operation, inputs {port: {type, references}},
parameters, outputs {port: file}. An error's message goes to standard error, with exit status 1."""
import json
import sys

import gantry


def main():
    step = json.loads(sys.argv[1])
    family, name = step["operation"].split(".")
    try:
        inputs = {}
        for port, given in step["inputs"].items():
            values = [gantry.read(reference, given["type"]) for reference in given["references"]]
            inputs[port] = values if given["variadic"] else values[0]
        # JSON has no NaN: such a number comes as {"number": "nan"}.
        parameters = {key: float(value["number"]) if isinstance(value, dict) else value for key, value in step["parameters"].items()}
        result = getattr(getattr(gantry, family), name)(**inputs, **parameters)
    except gantry.Error as error:
        print(error.message, file=sys.stderr)
        return 1
    for port, path in step["outputs"].items():
        gantry.write(path, result if len(step["ports"]) == 1 else getattr(result, port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
