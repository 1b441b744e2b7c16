// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/visualization/contour.h"

#include <unordered_map>

namespace gantry {

namespace {

struct Plane2 {
  int width = 0, height = 0;
  std::vector<float> values;
  Plane2(int w, int h, float fill = 0) : width(w), height(h), values(static_cast<std::size_t>(w) * static_cast<std::size_t>(h), fill) {}
  float& at(int i, int j) { return values[static_cast<std::size_t>(j) * static_cast<std::size_t>(width) + static_cast<std::size_t>(i)]; }
  float at(int i, int j) const {
    return values[static_cast<std::size_t>(j) * static_cast<std::size_t>(width) + static_cast<std::size_t>(i)];
  }
};

Plane2 transposed_plane(const Plane2& plane) {
  Plane2 result(plane.height, plane.width);
  for (int j = 0; j < plane.height; ++j) {
    for (int i = 0; i < plane.width; ++i) result.at(j, i) = plane.at(i, j);
  }
  return result;
}

/// Signed distance in pixels along a row to the nearest edge of the row's runs, positive inside; rows without an edge hold +-limit.
std::vector<float> row_distances(const Plane2& mask, int j, float limit) {
  const int width = mask.width;
  std::vector<float> distance(static_cast<std::size_t>(width), limit);
  float run = limit;
  for (int i = 0; i < width; ++i) {
    const bool edge = i > 0 && (mask.at(i, j) > 0.5F) != (mask.at(i - 1, j) > 0.5F);
    run = edge ? 0.5F : std::min(run + 1, limit);
    distance[static_cast<std::size_t>(i)] = run;
  }
  run = limit;
  for (int i = width - 1; i >= 0; --i) {
    const bool edge = i + 1 < width && (mask.at(i, j) > 0.5F) != (mask.at(i + 1, j) > 0.5F);
    run = edge ? 0.5F : std::min(run + 1, limit);
    float& d = distance[static_cast<std::size_t>(i)];
    d = std::min(d, run);
    if (mask.at(i, j) <= 0.5F) d = -d;
  }
  return distance;
}

/// `factor` rows for each row of the mask, the shape interpolated between rows.
Plane2 interpolated_rows(const Plane2& mask, int factor) {
  Plane2 result(mask.width, mask.height * factor);
  const float limit = 3.0F * static_cast<float>(factor);
  std::vector<std::vector<float>> rows;
  rows.reserve(static_cast<std::size_t>(mask.height));
  for (int j = 0; j < mask.height; ++j) rows.push_back(row_distances(mask, j, limit));
  for (int y = 0; y < result.height; ++y) {
    const double at = std::clamp((y + 0.5) / factor - 0.5, 0.0, static_cast<double>(mask.height - 1));
    const int low = static_cast<int>(at);
    const int high = std::min(low + 1, mask.height - 1);
    const auto part = static_cast<float>(at - low);
    for (int i = 0; i < mask.width; ++i) {
      float a = rows[static_cast<std::size_t>(low)][static_cast<std::size_t>(i)];
      float b = rows[static_cast<std::size_t>(high)][static_cast<std::size_t>(i)];
      // Where a shape ends between two rows it ends half way, however far its sides are.
      if (a > 0 && b < -a) b = -a;
      if (b > 0 && a < -b) a = -b;
      result.at(i, y) = a + part * (b - a) > 0 ? 1.0F : 0.0F;
    }
  }
  return result;
}

/// Smoothed by a Gaussian of one pixel; components that would fall below the half level keep their own pixels.
Plane2 smoothed(const Plane2& mask) {
  constexpr std::array<float, 3> taps{0.4026F, 0.2442F, 0.0545F};
  Plane2 rows(mask.width, mask.height);
  Plane2 result(mask.width, mask.height);
  const auto clamp_to = [](int n, int count) { return std::clamp(n, 0, count - 1); };
  for (int j = 0; j < mask.height; ++j) {
    for (int i = 0; i < mask.width; ++i) {
      float sum = taps[0] * mask.at(i, j);
      for (int t = 1; t < 3; ++t) {
        sum += taps[static_cast<std::size_t>(t)] * (mask.at(clamp_to(i - t, mask.width), j) + mask.at(clamp_to(i + t, mask.width), j));
      }
      rows.at(i, j) = sum;
    }
  }
  for (int j = 0; j < mask.height; ++j) {
    for (int i = 0; i < mask.width; ++i) {
      float sum = taps[0] * rows.at(i, j);
      for (int t = 1; t < 3; ++t) {
        sum += taps[static_cast<std::size_t>(t)] * (rows.at(i, clamp_to(j - t, mask.height)) + rows.at(i, clamp_to(j + t, mask.height)));
      }
      result.at(i, j) = sum;
    }
  }
  Plane2 seen(mask.width, mask.height);
  std::vector<std::pair<int, int>> component;
  for (int j = 0; j < mask.height; ++j) {
    for (int i = 0; i < mask.width; ++i) {
      if (mask.at(i, j) <= 0.5F || seen.at(i, j) > 0) continue;
      component.assign(1, {i, j});
      seen.at(i, j) = 1;
      std::size_t kept = 0;
      for (std::size_t n = 0; n < component.size(); ++n) {
        const auto [x, y] = component[n];
        if (result.at(x, y) > 0.5F) ++kept;
        for (const auto& [dx, dy] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}}) {
          const int nx = x + dx;
          const int ny = y + dy;
          if (nx < 0 || ny < 0 || nx >= mask.width || ny >= mask.height) continue;
          if (mask.at(nx, ny) <= 0.5F || seen.at(nx, ny) > 0) continue;
          seen.at(nx, ny) = 1;
          component.emplace_back(nx, ny);
        }
      }
      if (2 * kept >= component.size()) continue;
      for (const auto& [x, y] : component) result.at(x, y) = 1.0F;
    }
  }
  return result;
}

Polyline rounded(const Polyline& polygon) {
  Polyline result;
  result.reserve(2 * polygon.size());
  for (std::size_t n = 0; n < polygon.size(); ++n) {
    const Point2 a = polygon[n];
    const Point2 b = polygon[(n + 1) % polygon.size()];
    result.push_back({0.75 * a.x + 0.25 * b.x, 0.75 * a.y + 0.25 * b.y});
    result.push_back({0.25 * a.x + 0.75 * b.x, 0.25 * a.y + 0.75 * b.y});
  }
  return result;
}

}  // namespace

std::vector<Polyline> isolines(std::span<const float> field, int width, int height, float level) {
  // Padded by one pixel below the level, so that every line closes. Cell (i, j) has corners (i, j) to (i + 1, j + 1) of the padded
  // field; an edge is named by its first corner and direction.
  const int w = width + 2;
  const int h = height + 2;
  const auto value = [&](int i, int j) {
    if (i < 1 || j < 1 || i > width || j > height) return level - 1;
    return field[static_cast<std::size_t>(j - 1) * static_cast<std::size_t>(width) + static_cast<std::size_t>(i - 1)];
  };
  const auto edge_id = [&](int i, int j, bool vertical) { return 2 * (static_cast<std::int64_t>(j) * w + i) + (vertical ? 1 : 0); };
  const auto crossing = [&](std::int64_t edge) {
    const bool vertical = edge % 2 == 1;
    const int i = static_cast<int>((edge / 2) % w);
    const int j = static_cast<int>((edge / 2) / w);
    const float a = value(i, j);
    const float b = vertical ? value(i, j + 1) : value(i + 1, j);
    const double part = std::clamp(static_cast<double>((level - a) / (b - a)), 0.0, 1.0);
    return Point2{i - 1 + (vertical ? 0.0 : part), j - 1 + (vertical ? part : 0.0)};
  };
  std::unordered_map<std::int64_t, std::int64_t> next;  // from the edge where a segment enters a cell to the one where it leaves
  std::vector<std::int64_t> starts;
  const auto link = [&](std::int64_t from, std::int64_t to) {
    next.emplace(from, to);
    starts.push_back(from);
  };
  for (int j = 0; j + 1 < h; ++j) {
    for (int i = 0; i + 1 < w; ++i) {
      const bool a = value(i, j) > level;
      const bool b = value(i + 1, j) > level;
      const bool c = value(i + 1, j + 1) > level;
      const bool d = value(i, j + 1) > level;
      const int kind = (a ? 1 : 0) + (b ? 2 : 0) + (c ? 4 : 0) + (d ? 8 : 0);
      if (kind == 0 || kind == 15) continue;
      const std::int64_t top = edge_id(i, j, false);
      const std::int64_t bottom = edge_id(i, j + 1, false);
      const std::int64_t left = edge_id(i, j, true);
      const std::int64_t right = edge_id(i + 1, j, true);
      const bool joined = value(i, j) + value(i + 1, j) + value(i + 1, j + 1) + value(i, j + 1) > 4 * level;
      // The inside lies to the left of the direction of travel.
      switch (kind) {
        case 1:
          link(left, top);
          break;
        case 2:
          link(top, right);
          break;
        case 3:
          link(left, right);
          break;
        case 4:
          link(right, bottom);
          break;
        case 5:
          link(left, joined ? bottom : top);
          link(right, joined ? top : bottom);
          break;
        case 6:
          link(top, bottom);
          break;
        case 7:
          link(left, bottom);
          break;
        case 8:
          link(bottom, left);
          break;
        case 9:
          link(bottom, top);
          break;
        case 10:
          link(top, joined ? left : right);
          link(bottom, joined ? right : left);
          break;
        case 11:
          link(bottom, right);
          break;
        case 12:
          link(right, left);
          break;
        case 13:
          link(right, top);
          break;
        default:
          link(top, left);
          break;
      }
    }
  }
  std::vector<Polyline> result;
  for (const std::int64_t start : starts) {
    Polyline line;
    auto found = next.find(start);
    while (found != next.end()) {
      line.push_back(crossing(found->first));
      const std::int64_t to = found->second;
      next.erase(found);
      found = next.find(to);
    }
    if (line.size() >= 3) result.push_back(std::move(line));
  }
  return result;
}

std::vector<Polyline> outline(std::span<const std::uint8_t> mask, int width, int height, double spacing_u_mm, double spacing_v_mm) {
  // Only the box around the shape is worked on.
  int left = width;
  int right = -1;
  int top = height;
  int bottom = -1;
  for (int j = 0; j < height; ++j) {
    for (int i = 0; i < width; ++i) {
      if (mask[static_cast<std::size_t>(j) * static_cast<std::size_t>(width) + static_cast<std::size_t>(i)] == 0) continue;
      left = std::min(left, i);
      right = std::max(right, i);
      top = std::min(top, j);
      bottom = std::max(bottom, j);
    }
  }
  if (right < 0) return {};
  left = std::max(0, left - 3);
  top = std::max(0, top - 3);
  right = std::min(width - 1, right + 3);
  bottom = std::min(height - 1, bottom + 3);
  Plane2 plane(right - left + 1, bottom - top + 1);
  for (int j = 0; j < plane.height; ++j) {
    for (int i = 0; i < plane.width; ++i) {
      const auto n = static_cast<std::size_t>(j + top) * static_cast<std::size_t>(width) + static_cast<std::size_t>(i + left);
      plane.at(i, j) = mask[n] != 0 ? 1.0F : 0.0F;
    }
  }
  int factor_u = 1;
  int factor_v = 1;
  if (spacing_v_mm > 1.4 * spacing_u_mm) {
    factor_v = static_cast<int>(std::clamp(std::round(spacing_v_mm / spacing_u_mm), 1.0, 16.0));
    if (factor_v > 1) plane = interpolated_rows(plane, factor_v);
  } else if (spacing_u_mm > 1.4 * spacing_v_mm) {
    factor_u = static_cast<int>(std::clamp(std::round(spacing_u_mm / spacing_v_mm), 1.0, 16.0));
    if (factor_u > 1) plane = transposed_plane(interpolated_rows(transposed_plane(plane), factor_u));
  }
  const Plane2 field = smoothed(plane);
  std::vector<Polyline> result = isolines(field.values, field.width, field.height, 0.5F);
  for (Polyline& polygon : result) {
    polygon = rounded(rounded(polygon));
    for (Point2& p : polygon) {
      p.x = left + (p.x + 0.5) / factor_u - 0.5;
      p.y = top + (p.y + 0.5) / factor_v - 0.5;
    }
  }
  return result;
}

}  // namespace gantry
