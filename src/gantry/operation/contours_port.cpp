// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/operation/contours_port.h"

#include <array>

#include "gantry/base/atomic_file.h"
#include "gantry/base/error.h"
#include "gantry/base/text.h"
#include "gantry/dicom/iod/structure_set.h"
#include "gantry/operation/dicom_port.h"
#include "gantry/operation/kspace_port.h"
#include "gantry/operation/points_port.h"
#include "gantry/operation/vectors_port.h"
#include "gantry/operation/video_port.h"

namespace gantry {

namespace {

Json json_of(const Contours& contours) {
  Json regions = Json::array();
  for (const ContouredRegion& region : contours.regions) {
    Json polygons = Json::array();
    for (const Contour& polygon : region.polygons) {
      Json points = Json::array();
      for (const Vec3& point : polygon) points.push_back({point.x, point.y, point.z});
      polygons.push_back(std::move(points));
    }
    regions.push_back({{"number", region.number},
                       {"name", region.name},
                       {"kind", region.kind},
                       {"color", region.color},
                       {"polygons_mm", std::move(polygons)}});
  }
  return {{"frame_of_reference_uid", contours.frame_of_reference_uid}, {"regions", std::move(regions)}};
}

Contours contours_of(const Json& json) {
  Contours contours;
  try {
    contours.frame_of_reference_uid = json.value("frame_of_reference_uid", "");
    for (const Json& given : json.at("regions")) {
      ContouredRegion region;
      region.number = given.at("number").get<int>();
      region.name = given.at("name").get<std::string>();
      region.kind = given.value("kind", "");
      if (given.contains("color")) region.color = given.at("color").get<Color>();
      for (const Json& points : given.at("polygons_mm")) {
        Contour polygon;
        for (const Json& point : points) {
          polygon.push_back({point.at(0).get<double>(), point.at(1).get<double>(), point.at(2).get<double>()});
        }
        if (polygon.size() < 3)
          throw Error(ErrorCode::unreadable, fmt::format("contours: polygons need three points; found {}", polygon.size()));
        region.polygons.push_back(std::move(polygon));
      }
      contours.regions.push_back(std::move(region));
    }
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::unreadable,
                "contours: need \"regions\", a list of objects with \"number\", \"name\" and \"polygons_mm\" (lists of points of three "
                "numbers)");
  }
  return contours;
}

}  // namespace

Contours PortType<Contours>::read(const Path& path, Run& run) {
  return with_context(path.filename().string(), [&] {
    if (lower(path.extension().string()) == ".json") return contours_of(parse_json(read_text(path)));
    return dicom::read_structure_set(path, run);
  });
}
void PortType<Contours>::write(const Path& path, const Contours& contours, Run&) { write_atomic(path, to_text(json_of(contours))); }
Bytes PortType<Contours>::to_bytes(const Contours& contours) {
  const std::string text = json_of(contours).dump();
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}
Contours PortType<Contours>::from_bytes(std::span<const std::byte> bytes) {
  return contours_of(parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

std::span<const PortInfo* const> shared_ports() {
  static const std::array<const PortInfo*, 12> all{&port_info<Image>(),    &port_info<Labels>(),    &port_info<Transform>(),
                                                   &port_info<Table>(),    &port_info<Json>(),      &port_info<Contours>(),
                                                   &port_info<PointSet>(), &port_info<KSpace>(),    &port_info<DicomFiles>(),
                                                   &port_info<Video>(),    &port_info<VectorSet>(), &port_info<std::string>()};
  return all;
}

}  // namespace gantry
