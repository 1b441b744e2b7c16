// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>

#include "gantry/base/json.h"

namespace gantry::report {

/// Sentences about the findings of a summary.json, one a line, in "en" or "zh": what was searched for and found or not found, what was
/// measured with its interval, what could not be measured and why, what limits the image. Sides come from the ids of structures alone;
/// that something was not found is said only where a finding counts zero of it. Throws Error(not_possible) when `summary` holds no studies
/// or a part of it is not of the kind that the schema states.
std::string impression(const Json& summary, std::string_view language);

}  // namespace gantry::report
