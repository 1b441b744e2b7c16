// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/clock.h"

#include <fmt/format.h>

#include <ctime>

namespace gantry {

std::string utc_now(bool milliseconds) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  const std::string seconds = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                          parts.tm_hour, parts.tm_min, parts.tm_sec);
  return milliseconds ? fmt::format("{}.{:03}Z", seconds, now.tv_nsec / 1000000) : seconds + "Z";
}

}  // namespace gantry
