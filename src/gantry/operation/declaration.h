// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/operation/operation.h"

namespace gantry {

/// Everything an operation says of itself, as `gantry operations ID --json`, the REST interface and the Python module give it:
/// `{"id", "version", "summary", "inputs": [{"name", "type", "description", "optional", "variadic"}], "outputs": [...],
/// "parameters": JSON Schema, "rules": {parameter: words}, "examples", "references"}`.
Json declaration_of(const Operation& operation);

}  // namespace gantry
