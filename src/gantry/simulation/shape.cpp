// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/shape.h"

#include "gantry/compute/parallel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

namespace gantry::simulation {

Box united(const Box& a, const Box& b) {
  return {{std::min(a.low_mm.x, b.low_mm.x), std::min(a.low_mm.y, b.low_mm.y), std::min(a.low_mm.z, b.low_mm.z)},
          {std::max(a.high_mm.x, b.high_mm.x), std::max(a.high_mm.y, b.high_mm.y), std::max(a.high_mm.z, b.high_mm.z)}};
}

Box intersected(const Box& a, const Box& b) {
  return {{std::max(a.low_mm.x, b.low_mm.x), std::max(a.low_mm.y, b.low_mm.y), std::max(a.low_mm.z, b.low_mm.z)},
          {std::min(a.high_mm.x, b.high_mm.x), std::min(a.high_mm.y, b.high_mm.y), std::min(a.high_mm.z, b.high_mm.z)}};
}

Box Capsule::bounds() const {
  const double r = std::max(radius_a_mm, radius_b_mm);
  const Vec3 m{r, r, r / flatten};
  return united({a_mm - m, a_mm + m}, {b_mm - m, b_mm + m});
}

double Capsule::distance(Vec3 p) const {
  Vec3 ab = b_mm - a_mm, ap = p - a_mm;
  ab.z *= flatten;
  ap.z *= flatten;
  const double length2 = dot(ab, ab);
  const double t = length2 > 0 ? std::clamp(dot(ap, ab) / length2, 0.0, 1.0) : 0.0;
  return norm(ap - t * ab) - (radius_a_mm + t * (radius_b_mm - radius_a_mm));
}

Mat3 axis_from_z(Vec3 direction) {
  const Vec3 w = normalized(direction);
  const Vec3 helper = std::abs(w.z) < 0.9 ? Vec3{0, 0, 1} : Vec3{1, 0, 0};
  const Vec3 u = normalized(cross(helper, w));
  return {{u, cross(w, u), w}};
}

Mat3 rotation_about(Vec3 axis, double radians) {
  const Vec3 n = normalized(axis);
  const double c = std::cos(radians), s = std::sin(radians);
  const auto turned = [&](Vec3 v) { return c * v + s * cross(n, v) + ((1 - c) * dot(n, v)) * n; };
  return {{turned({1, 0, 0}), turned({0, 1, 0}), turned({0, 0, 1})}};
}

namespace {

Box box_of(Vec3 center, Vec3 radii, const Mat3& axes) {
  Vec3 reach;
  for (int axis = 0; axis < 3; ++axis) {
    for (std::size_t k = 0; k < 3; ++k) reach[axis] += std::abs(axes.column[k][axis]) * radii[static_cast<int>(k)];
  }
  return {center - reach, center + reach};
}

Vec3 local(Vec3 p, Vec3 center, const Mat3& axes) {
  const Vec3 d = p - center;
  return {dot(d, axes.column[0]), dot(d, axes.column[1]), dot(d, axes.column[2])};
}

double aspect(Vec3 radii) { return std::max({radii.x, radii.y, radii.z}) / std::min({radii.x, radii.y, radii.z}); }

}  // namespace

Shape ellipsoid(Vec3 center, Vec3 radii, const Mat3& axes) {
  const Vec3 inverse{1 / radii.x, 1 / radii.y, 1 / radii.z};
  const double smallest = std::min({radii.x, radii.y, radii.z});
  Shape shape;
  shape.field = [=](Vec3 p) {
    const Vec3 q = local(p, center, axes);
    const Vec3 s{q.x * inverse.x, q.y * inverse.y, q.z * inverse.z};
    const double k0 = norm(s);
    if (k0 < 0.05) return (k0 - 1) * smallest;
    const Vec3 g{s.x * inverse.x, s.y * inverse.y, s.z * inverse.z};
    return k0 * (k0 - 1) / norm(g);
  };
  shape.lipschitz = std::max(1.05, 0.5 * (1 + aspect(radii)));
  shape.bounds = box_of(center, radii, axes);
  return shape;
}

Shape superellipsoid(Vec3 center, Vec3 radii, double exponent, const Mat3& axes) {
  const double smallest = std::min({radii.x, radii.y, radii.z});
  Shape shape;
  shape.field = [=](Vec3 p) {
    const Vec3 q = local(p, center, axes);
    const double sum = std::pow(std::abs(q.x / radii.x), exponent) + std::pow(std::abs(q.y / radii.y), exponent) +
                       std::pow(std::abs(q.z / radii.z), exponent);
    const double n = std::pow(sum, 1 / exponent);
    if (n < 0.05) return -smallest;
    return std::max(norm(q) * (1 - 1 / n), -smallest);
  };
  shape.lipschitz = 1.0 + 0.6 * aspect(radii);
  shape.bounds = box_of(center, radii, axes);
  return shape;
}

Shape sphere(Vec3 center, double radius) {
  const Vec3 r{radius, radius, radius};
  return {[=](Vec3 p) { return norm(p - center) - radius; }, 1.0, {center - r, center + r}};
}

Shape half_space(Vec3 point, Vec3 outward_normal, const Box& bounds) {
  const Vec3 n = normalized(outward_normal);
  return {[=](Vec3 p) { return dot(p - point, n); }, 1.0, bounds};
}

Shape tube(std::vector<Capsule> pieces) {
  Shape shape;
  shape.bounds = pieces.front().bounds();
  for (const Capsule& piece : pieces) shape.bounds = united(shape.bounds, piece.bounds());
  shape.lipschitz = 1.1;
  shape.field = [pieces = std::move(pieces)](Vec3 p) {
    double best = 1e9;
    for (const Capsule& piece : pieces) best = std::min(best, piece.distance(p));
    return best;
  };
  return shape;
}

std::vector<Capsule> curve(const std::vector<Vec3>& points, const std::vector<double>& radii, int steps, double flatten) {
  std::vector<Capsule> pieces;
  const auto count = static_cast<std::ptrdiff_t>(points.size());
  const auto at = [&](std::ptrdiff_t n) { return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(n, 0, count - 1)); };
  for (std::ptrdiff_t n = 0; n + 1 < count; ++n) {
    const Vec3 p0 = points[at(n - 1)], p1 = points[at(n)], p2 = points[at(n + 1)], p3 = points[at(n + 2)];
    const auto position = [&](double t) {
      const double t2 = t * t, t3 = t2 * t;
      return 0.5 * ((2 * p1) + t * (p2 - p0) + t2 * (2 * p0 - 5 * p1 + 4 * p2 - p3) + t3 * (3 * p1 - p0 - 3 * p2 + p3));
    };
    const auto radius = [&](double t) { return radii[at(n)] + t * (radii[at(n + 1)] - radii[at(n)]); };
    for (int s = 0; s < steps; ++s) {
      const double t0 = static_cast<double>(s) / steps, t1 = static_cast<double>(s + 1) / steps;
      pieces.push_back({position(t0), position(t1), radius(t0), radius(t1), flatten});
    }
  }
  return pieces;
}

std::vector<Capsule> widened(std::vector<Capsule> pieces, double delta) {
  for (Capsule& piece : pieces) {
    piece.radius_a_mm = std::max(0.05, piece.radius_a_mm + delta);
    piece.radius_b_mm = std::max(0.05, piece.radius_b_mm + delta);
  }
  return pieces;
}

Shape offset(Shape shape, double delta) {
  Shape result{{}, shape.lipschitz, shape.bounds.grown(delta)};
  result.field = [field = std::move(shape.field), delta](Vec3 p) { return field(p) - delta; };
  return result;
}

double smooth_min(double a, double b, double blend) {
  const double h = std::max(blend - std::abs(a - b), 0.0) / std::max(blend, 1e-9);
  return std::min(a, b) - h * h * blend * 0.25;
}

Shape joined(Shape a, Shape b, double blend) {
  Shape result{{}, std::max(a.lipschitz, b.lipschitz), united(a.bounds, b.bounds).grown(0.25 * blend)};
  result.field = [a = std::move(a.field), b = std::move(b.field), blend](Vec3 p) { return smooth_min(a(p), b(p), blend); };
  return result;
}

Shape common(Shape a, Shape b, double blend) {
  Shape result{{}, std::max(a.lipschitz, b.lipschitz), intersected(a.bounds, b.bounds)};
  result.field = [a = std::move(a.field), b = std::move(b.field), blend](Vec3 p) { return -smooth_min(-a(p), -b(p), blend); };
  return result;
}

Shape without(Shape a, Shape b, double blend) {
  Shape result{{}, std::max(a.lipschitz, b.lipschitz), a.bounds};
  result.field = [a = std::move(a.field), b = std::move(b.field), blend](Vec3 p) { return -smooth_min(-a(p), b(p), blend); };
  return result;
}

Shape displaced(Shape shape, Field displacement, double amplitude, double slope) {
  Shape result{{}, shape.lipschitz + slope, shape.bounds.grown(amplitude)};
  result.field = [field = std::move(shape.field), displacement = std::move(displacement), amplitude](Vec3 p) {
    const double d = field(p);
    return std::abs(d) > 6 * amplitude + 2 ? d : d - amplitude * displacement(p);
  };
  return result;
}

Curve1::Curve1(const std::vector<double>& x, const std::vector<double>& y) : first_(x.front()) {
  const std::size_t n = x.size();
  std::vector<double> secant(n > 1 ? n - 1 : 0), slope(n, 0.0);
  for (std::size_t k = 0; k + 1 < n; ++k) secant[k] = (y[k + 1] - y[k]) / (x[k + 1] - x[k]);
  for (std::size_t k = 1; k + 1 < n; ++k) {
    if (secant[k - 1] * secant[k] > 0) slope[k] = 2 * secant[k - 1] * secant[k] / (secant[k - 1] + secant[k]);
  }
  const double length = x.back() - x.front();
  const auto count = static_cast<std::size_t>(std::ceil(length)) + 1;
  per_unit_ = length > 0 ? static_cast<double>(count - 1) / length : 0;
  table_.resize(count + 1);
  std::size_t k = 0;
  for (std::size_t at = 0; at < count; ++at) {
    const double v = per_unit_ > 0 ? first_ + static_cast<double>(at) / per_unit_ : first_;
    while (k + 2 < n && v > x[k + 1]) ++k;
    if (n == 1) {
      table_[at] = y[0];
      continue;
    }
    const double h = x[k + 1] - x[k], t = std::clamp((v - x[k]) / h, 0.0, 1.0), t2 = t * t, t3 = t2 * t;
    table_[at] =
        (2 * t3 - 3 * t2 + 1) * y[k] + (t3 - 2 * t2 + t) * h * slope[k] + (3 * t2 - 2 * t3) * y[k + 1] + (t3 - t2) * h * slope[k + 1];
  }
  table_[count] = table_[count - 1];
}

Shape tabulated(const Shape& shape, double pitch, double band, const Run& run) {
  const Box box = shape.bounds.grown(2 * pitch);
  std::array<std::int64_t, 3> size{};
  for (int axis = 0; axis < 3; ++axis) {
    size[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(std::ceil((box.high_mm[axis] - box.low_mm[axis]) / pitch)) + 1;
  }
  auto table = std::make_shared<std::vector<float>>(static_cast<std::size_t>(size[0] * size[1] * size[2]));
  constexpr std::int64_t cell = 4;
  const auto at = [&](double i, double j, double k) { return box.low_mm + pitch * Vec3{i, j, k}; };
  parallel_for(run, (size[2] + cell - 1) / cell, 1, [&](std::int64_t begin, std::int64_t end) {
    const double radius = 0.5 * std::sqrt(3.0) * pitch * (cell - 1);
    for (std::int64_t k0 = begin * cell; k0 < std::min(size[2], end * cell); k0 += cell) {
      for (std::int64_t j0 = 0; j0 < size[1]; j0 += cell) {
        for (std::int64_t i0 = 0; i0 < size[0]; i0 += cell) {
          constexpr double half = 0.5 * (cell - 1);
          const double d = shape.field(at(static_cast<double>(i0) + half, static_cast<double>(j0) + half, static_cast<double>(k0) + half));
          const double sure = std::abs(d) - shape.lipschitz * radius;
          const bool far = sure > band;
          for (std::int64_t k = k0; k < std::min(size[2], k0 + cell); ++k) {
            for (std::int64_t j = j0; j < std::min(size[1], j0 + cell); ++j) {
              for (std::int64_t i = i0; i < std::min(size[0], i0 + cell); ++i) {
                const double value =
                    far ? std::copysign(sure, d) : shape.field(at(static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)));
                (*table)[static_cast<std::size_t>(i + size[0] * (j + size[1] * k))] = static_cast<float>(value);
              }
            }
          }
        }
      }
    }
  });
  const double scale = 1 / pitch;
  return {[table, size, low = box.low_mm, scale](Vec3 p) {
            std::array<std::int64_t, 3> base;
            std::array<double, 3> t;
            Vec3 outside;
            for (int axis = 0; axis < 3; ++axis) {
              const auto a = static_cast<std::size_t>(axis);
              const double v = std::clamp((p[axis] - low[axis]) * scale, 0.0, static_cast<double>(size[a] - 1) - 1e-6);
              outside[axis] = p[axis] - low[axis] - v / scale;
              base[a] = static_cast<std::int64_t>(v);
              t[a] = v - static_cast<double>(base[a]);
            }
            const float* c = table->data() + base[0] + size[0] * (base[1] + size[1] * base[2]);
            const std::int64_t dj = size[0], dk = size[0] * size[1];
            const auto along = [&](std::int64_t n) { return c[n] + t[0] * (static_cast<double>(c[n + 1]) - c[n]); };
            const auto plane = [&](std::int64_t n) {
              const double a = along(n), b = along(n + dj);
              return a + t[1] * (b - a);
            };
            const double a = plane(0), b = plane(dk), d = a + t[2] * (b - a), far = norm(outside);
            return far > 0.001 ? std::hypot(std::max(d, 0.0), far) : d;
          },
          1.3 * shape.lipschitz, shape.bounds};
}

double volume_mm3(const Shape& shape, double pitch) {
  const Box& box = shape.bounds;
  double sum = 0;
  for (double z = box.low_mm.z + pitch / 2; z < box.high_mm.z; z += pitch) {
    for (double y = box.low_mm.y + pitch / 2; y < box.high_mm.y; y += pitch) {
      for (double x = box.low_mm.x + pitch / 2; x < box.high_mm.x; x += pitch) {
        sum += std::clamp(0.5 - shape.field({x, y, z}) / pitch, 0.0, 1.0);
      }
    }
  }
  return sum * pitch * pitch * pitch;
}

}  // namespace gantry::simulation
