// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/error.h"
#include "surface.h"

namespace gantry::cases {

Outcome through_library(const Step& step, const Operation& operation) {
  try {
    Run run;
    return {operation.run(inputs_of(step, operation), parameters_of(step, operation), run), {}};
  } catch (const Error& error) {
    return {{}, error.message()};
  }
}

}  // namespace gantry::cases
