// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/json.h"

#include <fmt/format.h>

#include "gantry/base/error.h"

namespace gantry {

Json parse_json(std::string_view text, int max_depth) {
  const auto guard = [max_depth](int depth, Json::parse_event_t, Json&) {
    if (depth > max_depth) throw Error(ErrorCode::unreadable, fmt::format("JSON: at most {} levels are accepted", max_depth));
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), guard);
  } catch (const nlohmann::json::exception& failure) {
    std::string reason = failure.what();
    if (const auto close = reason.find("] "); close != std::string::npos) reason.erase(0, close + 2);
    throw Error(ErrorCode::unreadable, "JSON: " + reason);
  }
}

std::string to_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace gantry
