// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/phantom_summary.h"

#include <fmt/format.h>

#include "gantry/base/error.h"

namespace gantry {

namespace {

Json finding(const char* id, const Json& value, const char* unit, const Json& interval, const char* method, const char* reason = "") {
  Json json{{"id", id}, {"name", id}, {"value", value}, {"unit", unit}, {"interval", interval}, {"method", method}};
  if (*reason != '\0') json["reason"] = reason;
  return json;
}

}  // namespace

Json phantom_summary(std::string_view name) {
  if (name != "findings") {
    throw Error(ErrorCode::usage, fmt::format("phantom:{}: there is no such summary; must be findings", name));
  }
  const char* const search = "candidates of 4.0 mm or more in the lung that is in view";
  const char* const noisy = "not comparable: noise in the lung is 14 HU (10 at most)";
  Json findings = Json::array({
      finding("lung_left.nodules", 0, "1", nullptr, search),
      finding("lung_right.nodules", 2, "1", nullptr, search),
      finding("lung_right.largest_nodule", 8.2, "mm", {7.2, 9.2}, search),
      finding("lung_left.volume", 2440, "mL", {2380, 2500}, "outline"),
      finding("lung_left.laa950", 5.2, "%", {4.9, 5.5}, "histogram", noisy),
      finding("lung_right.volume", 2860, "mL", {2790, 2930}, "outline"),
      finding("heart_calcification.agatston", nullptr, "1", nullptr, "Agatston et al. 1990",
              "slices of 1.5 mm, and the score is defined for 2.5 to 3 mm"),
  });
  Json series = Json::array(
      {{{"series_uid", "1.2.3"}, {"modality", "CT"}, {"used", true}}, {{"series_uid", "1.2.4"}, {"modality", "CT"}, {"used", false}}});
  Json quality = Json::array({{{"id", "lung_noise"},
                               {"name", "Noise in the lung"},
                               {"value", 14},
                               {"unit", "[hnsf'U]"},
                               {"verdict", "limited"},
                               {"reason", "noise in the lung is 14 HU (10 at most)"}}});
  Json study{{"study_uid", "1.2"}, {"series", series}, {"quality", quality}, {"findings", findings}};
  return {{"language", "en"}, {"studies", Json::array({study})}};
}

}  // namespace gantry
