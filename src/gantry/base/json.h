// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gantry {

/// JSON whose objects keep the order in which keys were added, so that written files are stable and readable.
using Json = nlohmann::ordered_json;

/// Parses hostile text: at most `max_depth` levels, UTF-8 only, no trailing bytes. Throws Error(unreadable) with the position.
Json parse_json(std::string_view text, int max_depth = 64);

/// Text of `json`, two spaces of indent and a final newline; NaN and infinity become null.
std::string to_text(const Json& json);

}  // namespace gantry
