// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiotherapy/dose_volume.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"

namespace gantry {

namespace {

constexpr double most_samples = 4e8;  ///< in the boxes around the polygons of a region

/// Linear interpolation of the dose at voxel coordinates; false outside.
class DoseField {
 public:
  explicit DoseField(const VoxelView<float>& dose) : dose_(dose) {}

  bool at(Vec3 voxel, double& gy) const {
    std::array<std::int64_t, 3> low{}, high{};
    std::array<double, 3> part{};
    for (int a = 0; a < 3; ++a) {
      const auto n = static_cast<std::size_t>(a);
      const double last = static_cast<double>(dose_.grid().size(a) - 1);
      const double c = voxel[a];
      if (!(c >= -0.5 && c <= last + 0.5)) return false;
      const double held = std::clamp(c, 0.0, last);
      low[n] = static_cast<std::int64_t>(held);
      high[n] = std::min(low[n] + 1, dose_.grid().size(a) - 1);
      part[n] = held - static_cast<double>(low[n]);
    }
    const auto row = [&](std::int64_t j, std::int64_t k) { return (1 - part[0]) * dose_(low[0], j, k) + part[0] * dose_(high[0], j, k); };
    const double front = (1 - part[1]) * row(low[1], low[2]) + part[1] * row(high[1], low[2]);
    const double back = (1 - part[1]) * row(low[1], high[2]) + part[1] * row(high[1], high[2]);
    gy = (1 - part[2]) * front + part[2] * back;
    return true;
  }

 private:
  const VoxelView<float>& dose_;
};

/// What one layer of samples adds.
struct Sum {
  std::vector<double> bins;  ///< mm3
  double volume = 0, outside = 0, weighted = 0;
  double minimum = INFINITY, maximum = -INFINITY;
};

void add(Sum& total, const Sum& part) {
  if (total.bins.size() < part.bins.size()) total.bins.resize(part.bins.size(), 0.0);
  for (std::size_t n = 0; n < part.bins.size(); ++n) total.bins[n] += part.bins[n];
  total.volume += part.volume;
  total.outside += part.outside;
  total.weighted += part.weighted;
  total.minimum = std::min(total.minimum, part.minimum);
  total.maximum = std::max(total.maximum, part.maximum);
}

/// Where the line y crosses the polygons, sorted: inside between the first and second, third and fourth, ... A corner belongs to the edge
/// above it alone.
std::vector<double> crossings(const ContourPlane& plane, double y) {
  std::vector<double> xs;
  for (const Contour& polygon : plane.polygons) {
    for (std::size_t n = 0; n < polygon.size(); ++n) {
      const Vec3& a = polygon[n];
      const Vec3& b = polygon[(n + 1) % polygon.size()];
      if ((a.y <= y) == (b.y <= y)) continue;
      xs.push_back(a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x));
    }
  }
  std::sort(xs.begin(), xs.end());
  return xs;
}

struct Extent {
  double low = INFINITY, high = -INFINITY;
  void include(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  double length() const { return std::max(0.0, high - low); }
};

Extent rows_of(const ContourPlane& plane) {
  Extent rows;
  for (const Contour& polygon : plane.polygons) {
    for (const Vec3& point : polygon) rows.include(point.y);
  }
  return rows;
}

double box_area(const ContourPlane& plane) {
  Extent columns;
  for (const Contour& polygon : plane.polygons) {
    for (const Vec3& point : polygon) columns.include(point.x);
  }
  return rows_of(plane).length() * columns.length();
}

/// A thin layer of a slab: its plane's polygons at a height of its own.
struct Layer {
  const ContourPlane* plane;
  double height_mm, thickness_mm;
};

double enclosed_area(const ContourPlane& plane) {
  double area = 0;
  for (const Contour& polygon : plane.polygons) {
    double twice = 0;
    for (std::size_t n = 0; n < polygon.size(); ++n) {
      const Vec3& a = polygon[n];
      const Vec3& b = polygon[(n + 1) % polygon.size()];
      twice += a.x * b.y - b.x * a.y;
    }
    area += 0.5 * std::abs(twice);
  }
  return area;
}

/// Half way to the neighbour, or the end of the region.
double reach(double gap_mm, double spacing_mm, EndCaps caps) {
  if (gap_mm <= 1.5 * spacing_mm) return 0.5 * gap_mm;
  return caps == EndCaps::half ? 0.5 * spacing_mm : 0.0;
}

struct Slab {
  double begin_mm, end_mm;
};

std::vector<Slab> slabs_of(const ContourStack& stack, double single_mm, EndCaps caps) {
  std::vector<Slab> slabs;
  const double spacing = stack.planes.size() > 1 ? stack.spacing_mm : single_mm;
  for (std::size_t n = 0; n < stack.planes.size(); ++n) {
    const double height = stack.planes[n].height_mm;
    const double below = n > 0 ? height - stack.planes[n - 1].height_mm : INFINITY;
    const double above = n + 1 < stack.planes.size() ? stack.planes[n + 1].height_mm - height : INFINITY;
    slabs.push_back({height - reach(below, spacing, caps), height + reach(above, spacing, caps)});
  }
  return slabs;
}

void add_layer(const Layer& layer, const ContourStack& stack, const VoxelView<float>& dose, double step, double first_gy, double bin_gy,
               Sum& sum) {
  const Extent rows = rows_of(*layer.plane);
  const DoseField field(dose);
  const auto row_count = static_cast<std::int64_t>(std::ceil(rows.length() / step));
  const double row_height = rows.length() / static_cast<double>(std::max<std::int64_t>(1, row_count));
  const bool even = dose.grid().slice_positions_mm().empty();
  for (std::int64_t r = 0; r < row_count; ++r) {
    const double y = rows.low + (static_cast<double>(r) + 0.5) * row_height;
    const std::vector<double> xs = crossings(*layer.plane, y);
    for (std::size_t n = 0; n + 1 < xs.size(); n += 2) {
      const double length = xs[n + 1] - xs[n];
      const auto count = static_cast<std::int64_t>(std::ceil(length / step));
      if (count == 0) continue;
      const double piece = length / static_cast<double>(count);
      const double weight = piece * row_height * layer.thickness_mm;
      const Vec3 first = stack.world(xs[n] + 0.5 * piece, y, layer.height_mm);
      const Vec3 begin = dose.grid().voxel_from_world(first);
      const Vec3 advance = dose.grid().voxel_from_world(first + piece * stack.across) - begin;
      for (std::int64_t s = 0; s < count; ++s) {
        const double along = static_cast<double>(s);
        const Vec3 voxel = even ? begin + along * advance : dose.grid().voxel_from_world(first + along * piece * stack.across);
        sum.volume += weight;
        double gy = 0;
        if (!field.at(voxel, gy)) {
          sum.outside += weight;
          continue;
        }
        const auto bin = static_cast<std::size_t>(std::max(0.0, (gy - first_gy) / bin_gy));
        if (bin >= sum.bins.size()) sum.bins.resize(bin + 1, 0.0);
        sum.bins[bin] += weight;
        sum.weighted += weight * gy;
        sum.minimum = std::min(sum.minimum, gy);
        sum.maximum = std::max(sum.maximum, gy);
      }
    }
  }
}

}  // namespace

double DoseVolume::share_at(double dose_gy) const {
  const double total = covered_cm3();
  if (!(total > 0)) return 0;
  double above = 0;
  for (std::size_t n = bins_cm3.size(); n-- > 0;) {
    const double low = first_gy + static_cast<double>(n) * bin_gy;
    if (low < dose_gy) return std::clamp((above + bins_cm3[n] * std::clamp((low + bin_gy - dose_gy) / bin_gy, 0.0, 1.0)) / total, 0.0, 1.0);
    above += bins_cm3[n];
  }
  return 1;
}

double DoseVolume::dose_at(double share) const {
  const double wanted = share * covered_cm3();
  double above = 0;
  for (std::size_t n = bins_cm3.size(); n-- > 0;) {
    if (bins_cm3[n] > 0 && above + bins_cm3[n] >= wanted * (1 - 1e-12)) {
      const double inside = std::clamp((wanted - above) / bins_cm3[n], 0.0, 1.0);
      return std::clamp(first_gy + (static_cast<double>(n) + 1 - inside) * bin_gy, minimum_gy, maximum_gy);
    }
    above += bins_cm3[n];
  }
  return minimum_gy;
}

DoseVolume dose_volume(const VoxelView<float>& dose_gy, const ContouredRegion& region, double bin_gy, double step_mm, EndCaps caps,
                       const Run& run) {
  float lowest = 0, highest = 0;
  for (std::int64_t n = 0; n < dose_gy.count(); ++n) {
    const float v = dose_gy[n];
    if (!std::isfinite(v)) throw Error(ErrorCode::not_possible, fmt::format("dose: must be finite; found {}", v));
    lowest = std::min(lowest, v);
    highest = std::max(highest, v);
  }
  if (!((static_cast<double>(highest) - lowest) / bin_gy <= 1e6)) {
    throw Error(ErrorCode::not_possible, fmt::format("bin: {} to {} Gy would need more than a million bins", lowest, highest));
  }
  DoseVolume result{.first_gy = std::floor(lowest / bin_gy) * bin_gy, .bin_gy = bin_gy, .bins_cm3 = {}};
  const ContourStack stack = stack_of(region);
  const Grid& grid = dose_gy.grid();
  const double single = std::abs(dot(stack.normal, grid.direction().column[2])) > 0.9 ? grid.spacing_mm().z
                                                                                      : std::min(grid.spacing_mm().x, grid.spacing_mm().y);
  const std::vector<Slab> slabs = slabs_of(stack, single, caps);
  double volume = 0, boxes = 0;
  for (std::size_t n = 0; n < slabs.size(); ++n) {
    const double thickness = slabs[n].end_mm - slabs[n].begin_mm;
    volume += enclosed_area(stack.planes[n]) * thickness;
    boxes += box_area(stack.planes[n]) * thickness;
  }
  result.step_mm = step_mm > 0 ? step_mm : std::max(std::clamp(std::cbrt(volume / 300000), 0.1, 1.0), std::cbrt(boxes / most_samples));
  if (!(boxes / std::pow(result.step_mm, 3) <= 1.001 * most_samples)) {
    throw Error(ErrorCode::not_possible,
                fmt::format("region '{}': a box of {:.4g} cm3 around it at steps of {} mm has more than {:.0f} million samples",
                            region.name, boxes / 1000, result.step_mm, most_samples / 1e6));
  }
  double looks = 0;
  for (std::size_t n = 0; n < slabs.size(); ++n) {
    double points = 0;
    for (const Contour& polygon : stack.planes[n].polygons) points += static_cast<double>(polygon.size());
    looks +=
        points * std::ceil((slabs[n].end_mm - slabs[n].begin_mm) / result.step_mm) * rows_of(stack.planes[n]).length() / result.step_mm;
  }
  if (!(looks <= 2e10)) {
    throw Error(ErrorCode::not_possible,
                fmt::format("region '{}': its polygons have too many corners for steps of {} mm", region.name, result.step_mm));
  }
  std::vector<Layer> layers;
  for (std::size_t n = 0; n < slabs.size(); ++n) {
    const double thickness = slabs[n].end_mm - slabs[n].begin_mm;
    const auto count = static_cast<std::int64_t>(std::ceil(thickness / result.step_mm));
    for (std::int64_t s = 0; s < count; ++s) {
      const double thin = thickness / static_cast<double>(count);
      layers.push_back({&stack.planes[n], slabs[n].begin_mm + (static_cast<double>(s) + 0.5) * thin, thin});
    }
  }
  const Sum sum = parallel_reduce(
      run, static_cast<std::int64_t>(layers.size()), 1, Sum{},
      [&](std::int64_t begin, std::int64_t end) {
        Sum part;
        for (std::int64_t n = begin; n < end; ++n) {
          add_layer(layers[static_cast<std::size_t>(n)], stack, dose_gy, result.step_mm, result.first_gy, bin_gy, part);
        }
        return part;
      },
      [](Sum& total, const Sum& part) { add(total, part); });
  result.volume_cm3 = sum.volume / 1000;
  result.outside_cm3 = sum.outside / 1000;
  const double covered = sum.volume - sum.outside;
  if (covered > 0 && std::isfinite(sum.minimum)) {
    result.minimum_gy = sum.minimum;
    result.maximum_gy = sum.maximum;
    result.mean_gy = sum.weighted / covered;
    result.bins_cm3 = sum.bins;
    for (double& bin : result.bins_cm3) bin /= 1000;
  }
  return result;
}

}  // namespace gantry
