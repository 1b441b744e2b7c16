// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/contours.h"

#include <algorithm>
#include <numbers>

#include <fmt/format.h>

#include "gantry/base/error.h"

namespace gantry {

namespace {

/// Newell's normal: twice the area times the unit normal, whatever the polygon's shape.
Vec3 area_normal(const Contour& polygon) {
  Vec3 sum;
  for (std::size_t n = 0; n < polygon.size(); ++n) {
    const Vec3 a = polygon[n] - polygon[0], b = polygon[(n + 1) % polygon.size()] - polygon[0];
    sum = sum + cross(a, b);
  }
  return sum;
}

/// The unit normal of all polygons, pointing to the side of its largest component. Zero when none has an area.
Vec3 common_normal(const ContouredRegion& region) {
  Vec3 sum;
  for (const Contour& polygon : region.polygons) {
    const Vec3 normal = area_normal(polygon);
    sum = sum + (dot(normal, sum) < 0 ? -1.0 : 1.0) * normal;
  }
  if (!(norm(sum) > 1e-9)) return {};
  const Vec3 unit = normalized(sum);
  int largest = 0;
  for (int axis = 1; axis < 3; ++axis) largest = std::abs(unit[axis]) > std::abs(unit[largest]) ? axis : largest;
  return unit[largest] < 0 ? -1.0 * unit : unit;
}

Contour circle(double radius_mm, Vec3 centre) {
  constexpr int corners = 720;
  const double step = 2 * std::numbers::pi / corners;
  const double outer = radius_mm * std::sqrt(step / std::sin(step));
  Contour polygon;
  for (int n = 0; n < corners; ++n) polygon.push_back(centre + outer * Vec3{std::cos(n * step), std::sin(n * step), 0});
  return polygon;
}

ContouredRegion sphere(std::string name, double radius_mm, Vec3 centre) {
  ContouredRegion region{.name = std::move(name), .kind = "ORGAN", .color = {0xd5, 0x5e, 0x00}};
  for (double z = -31.5; z < 32; z += 1) {
    const double squared = radius_mm * radius_mm - z * z;
    if (squared > 0) region.polygons.push_back(circle(std::sqrt(squared), centre + Vec3{0, 0, z}));
  }
  return region;
}

}  // namespace

ContourStack stack_of(const ContouredRegion& region, double tolerance_mm) {
  ContourStack stack;
  for (const Contour& polygon : region.polygons) {
    for (const Vec3& point : polygon) {
      if (!(norm(point) <= 1e6))
        throw Error(ErrorCode::not_possible, fmt::format("contours of '{}': points must lie within 1 km", region.name));
    }
  }
  const Vec3 normal = common_normal(region);
  if (normal == Vec3{}) return stack;
  stack.normal = normal;
  // For axial planes these are the x and y axes of the world.
  const Vec3 helper = std::abs(normal.y) < 0.9 ? Vec3{0, 1, 0} : Vec3{0, 0, -1};
  stack.across = normalized(cross(helper, normal));
  stack.along = cross(normal, stack.across);
  struct Placed {
    double height_mm;
    Contour polygon;
  };
  std::vector<Placed> placed;
  for (const Contour& polygon : region.polygons) {
    double low = INFINITY, high = -INFINITY, reach = 0;
    Contour flat;
    for (const Vec3& point : polygon) {
      const double height = dot(point, normal);
      low = std::min(low, height);
      high = std::max(high, height);
      reach = std::max(reach, norm(point - polygon.front()));
      flat.push_back({dot(point, stack.across), dot(point, stack.along), 0});
    }
    if (!(high - low <= std::max(2 * tolerance_mm, 0.0175 * reach))) {
      throw Error(ErrorCode::not_possible,
                  fmt::format("contours of '{}': must lie in parallel planes; one extends over {:.2f} mm", region.name, high - low));
    }
    placed.push_back({0.5 * (low + high), std::move(flat)});
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) { return a.height_mm < b.height_mm; });
  for (Placed& one : placed) {
    if (stack.planes.empty() || one.height_mm - stack.planes.back().height_mm > tolerance_mm) {
      stack.planes.push_back({.height_mm = one.height_mm, .polygons = {}});
    }
    stack.planes.back().polygons.push_back(std::move(one.polygon));
  }
  for (std::size_t n = 1; n < stack.planes.size(); ++n) {
    const double gap = stack.planes[n].height_mm - stack.planes[n - 1].height_mm;
    stack.spacing_mm = n == 1 ? gap : std::min(stack.spacing_mm, gap);
  }
  return stack;
}

Contours phantom_contours(std::string_view name) {
  Contours contours{.frame_of_reference_uid = {}, .regions = {}};
  if (name == "sphere") {
    contours.regions.push_back(sphere("sphere", 20, {}));
  } else if (name == "two_spheres") {
    contours.regions.push_back(sphere("left", 12, {-16, 0, 0}));
    contours.regions.push_back(sphere("right", 8, {16, 0, 0}));
    contours.regions.back().color = {0x00, 0x72, 0xb2};
  } else if (name == "box" || name == "cylinder") {
    ContouredRegion region{.name = std::string(name), .kind = "ORGAN", .color = {0x00, 0x72, 0xb2}};
    const double end = name == "box" ? 8 : 20;
    for (double z = 0.5 - end; z < end; z += 1) {
      const Contour box{{-16, -12, z}, {16, -12, z}, {16, 12, z}, {-16, 12, z}};
      region.polygons.push_back(name == "box" ? box : circle(15, {0, 0, z}));
    }
    contours.regions.push_back(std::move(region));
  } else {
    throw Error(ErrorCode::usage, fmt::format("phantom: must be one of sphere, box, cylinder, two_spheres for contours; got {}", name));
  }
  for (std::size_t n = 0; n < contours.regions.size(); ++n) contours.regions[n].number = static_cast<int>(n) + 1;
  return contours;
}

}  // namespace gantry
