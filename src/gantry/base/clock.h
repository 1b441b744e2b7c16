// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>

namespace gantry {

/// The time of day as ISO 8601 in UTC: "2026-03-01T09:30:00Z", with `milliseconds` "2026-03-01T09:30:00.123Z".
std::string utc_now(bool milliseconds = false);

}  // namespace gantry
