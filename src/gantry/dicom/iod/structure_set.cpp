// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/dicom/iod/structure_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/data_set.h"

namespace gantry::dicom {

namespace {

constexpr std::string_view structure_set_class = "1.2.840.10008.5.1.4.1.1.481.3";
constexpr std::size_t most_points = 10'000'000;
constexpr double farthest_mm = 1e5;

/// The points of one contour item.
Contour points_of(const DataSet& item, const std::string& region) {
  const std::vector<double> numbers = item.numbers(0x30060050U);
  if (numbers.size() % 3 != 0) {
    throw Error(ErrorCode::unreadable,
                fmt::format("contour of '{}': needs three coordinates a point; found {} numbers", region, numbers.size()));
  }
  if (const auto stated = item.integer(0x30060046U); stated && *stated != static_cast<std::int64_t>(numbers.size() / 3)) {
    throw Error(ErrorCode::unreadable, fmt::format("contour of '{}': holds {} points; {} are stated", region, numbers.size() / 3, *stated));
  }
  Contour points;
  points.reserve(numbers.size() / 3);
  for (std::size_t n = 0; n < numbers.size(); n += 3) {
    for (std::size_t a = 0; a < 3; ++a) {
      if (!(std::abs(numbers[n + a]) <= farthest_mm))
        throw Error(ErrorCode::unreadable,
                    fmt::format("contour of '{}': coordinates must lie within 100 m; got {}", region, numbers[n + a]));
    }
    points.push_back({numbers[n], numbers[n + 1], numbers[n + 2]});
  }
  return points;
}

}  // namespace

Contours read_structure_set(const Origin& origin, Run& run) {
  const auto data = read_header(origin);
  const DataSet& root = data->root;
  if (root.text(0x00080016U).value_or("") != structure_set_class && root.text(0x00080060U).value_or("") != "RTSTRUCT") {
    throw Error(ErrorCode::refused, fmt::format("structure set: must be a DICOM object of modality RTSTRUCT; this is {}",
                                                root.text(0x00080060U).value_or("of no modality")));
  }
  std::map<std::int64_t, ContouredRegion> regions;
  Contours contours;
  for (const DataSet& item : root.items(0x30060020U)) {
    const auto number = item.integer(0x30060022U);
    if (!number || !(std::abs(*number) < 1LL << 31)) throw Error(ErrorCode::unreadable, "structure set: a region has no ROI number");
    ContouredRegion region{.number = static_cast<int>(*number), .name = item.text(0x30060026U).value_or("")};
    if (contours.frame_of_reference_uid.empty()) contours.frame_of_reference_uid = item.text(0x30060024U).value_or("");
    if (!regions.emplace(*number, std::move(region)).second)
      throw Error(ErrorCode::unreadable, fmt::format("structure set: ROI number {} is given twice", *number));
  }
  for (const DataSet& item : root.items(0x30060080U)) {
    const auto known = regions.find(item.integer(0x30060084U).value_or(-1));
    if (known != regions.end()) known->second.kind = item.text(0x300600A4U).value_or("");
  }
  std::size_t points = 0;
  std::size_t left_out = 0;
  for (const DataSet& item : root.items(0x30060039U)) {
    const auto number = item.integer(0x30060084U);
    const auto known = number ? regions.find(*number) : regions.end();
    if (known == regions.end()) throw Error(ErrorCode::unreadable, "structure set: contours refer to a region that is not listed");
    ContouredRegion& region = known->second;
    if (const auto color = item.numbers(0x3006002AU); color.size() == 3) {
      for (std::size_t c = 0; c < 3; ++c) region.color[c] = static_cast<std::uint8_t>(std::clamp(color[c], 0.0, 255.0));
    }
    for (const DataSet& contour : item.items(0x30060040U)) {
      run.check();
      const std::string type = contour.text(0x30060042U).value_or("CLOSED_PLANAR");
      Contour polygon = points_of(contour, region.name);
      points += polygon.size();
      if (points > most_points) throw Error(ErrorCode::refused, "structure set: holds more than ten million points");
      if (!type.starts_with("CLOSED") || polygon.size() < 3) {
        ++left_out;
      } else {
        region.polygons.push_back(std::move(polygon));
      }
    }
  }
  if (left_out > 0) run.warn(fmt::format("{} points or open lines of the structure set have no area and are left out", left_out));
  if (!data->complaint.empty()) run.warn("structure set: " + data->complaint);
  for (auto& [number, region] : regions) contours.regions.push_back(std::move(region));
  return contours;
}

}  // namespace gantry::dicom
