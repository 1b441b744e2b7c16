// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <vector>

#include "gantry/base/run.h"
#include "gantry/image/geometry.h"

namespace gantry::simulation {

/// An axis-aligned box in LPS mm.
struct Box {
  Vec3 low_mm, high_mm;
  Box grown(double margin_mm) const {
    const Vec3 m{margin_mm, margin_mm, margin_mm};
    return {low_mm - m, high_mm + m};
  }
  bool contains(Vec3 p) const {
    return p.x >= low_mm.x && p.y >= low_mm.y && p.z >= low_mm.z && p.x <= high_mm.x && p.y <= high_mm.y && p.z <= high_mm.z;
  }
};
Box united(const Box& a, const Box& b);
Box intersected(const Box& a, const Box& b);

/// Scalar field in mm over the world: negative inside, zero on the surface, roughly a signed distance near it.
using Field = std::function<double(Vec3 point_mm)>;

/// A region of the world with a smooth surface. `lipschitz` bounds the change of the field per mm, so that whole blocks are
/// decided by one evaluation; outside `bounds` the region is empty.
struct Shape {
  Field field{};
  double lipschitz = 1.0;
  Box bounds{};
  double detail_mm = 0;  ///< size of the finest features: voxels at the surface are divided until their parts are as small; 0 = smooth
  double operator()(Vec3 point_mm) const { return field(point_mm); }
};

/// One piece of a tube: a round cone with spherical ends, its vertical extent divided by `flatten` (1 = round; 0.5 = twice as tall as
/// wide).
struct Capsule {
  Vec3 a_mm, b_mm;
  double radius_a_mm = 1.0, radius_b_mm = 1.0;
  double flatten = 1.0;
  Box bounds() const;
  /// Distance to the surface in mm (first order for tapered pieces).
  double distance(Vec3 point_mm) const;
};

/// A frame for tilted organs: columns are the unit axes of the organ in world. `axis_from_z(d)` takes local z to direction d.
Mat3 axis_from_z(Vec3 direction);
Mat3 rotation_about(Vec3 axis, double radians);

Shape ellipsoid(Vec3 center_mm, Vec3 radii_mm, const Mat3& axes = {});
/// |x/a|^n + |y/b|^n + |z/c|^n = 1; n > 2 is boxier.
Shape superellipsoid(Vec3 center_mm, Vec3 radii_mm, double exponent, const Mat3& axes = {});
Shape sphere(Vec3 center_mm, double radius_mm);
/// Points with dot(p - point, normal) <= 0, within `bounds`.
Shape half_space(Vec3 point_mm, Vec3 outward_normal, const Box& bounds);
/// All capsules together.
Shape tube(std::vector<Capsule> pieces);
/// Capsules along a Catmull-Rom curve through `points_mm` with a radius at each point; `steps` pieces between two points.
std::vector<Capsule> curve(const std::vector<Vec3>& points_mm, const std::vector<double>& radii_mm, int steps, double flatten = 1.0);
/// The same pieces with all radii changed by `delta_mm` (never below 0.05 mm).
std::vector<Capsule> widened(std::vector<Capsule> pieces, double delta_mm);

/// Grown by `delta_mm` (shrunk when negative).
Shape offset(Shape shape, double delta_mm);
/// The union, blended over about `blend_mm` where the surfaces meet (0 = sharp).
Shape joined(Shape a, Shape b, double blend_mm);
/// The intersection, its edge rounded over about `blend_mm`.
Shape common(Shape a, Shape b, double blend_mm);
/// `a` without `b`.
Shape without(Shape a, Shape b, double blend_mm);
/// The surface moved by `amplitude_mm * displacement(p)`; `slope` bounds |gradient| of amplitude times displacement.
Shape displaced(Shape shape, Field displacement, double amplitude_mm, double slope);

/// Smooth minimum of two fields (polynomial, Quilez).
double smooth_min(double a, double b, double blend);

/// A smooth function of one variable through given points (Fritsch-Carlson monotone cubic; constant beyond the ends), tabulated about
/// every unit of x.
class Curve1 {
 public:
  Curve1() = default;
  Curve1(const std::vector<double>& x, const std::vector<double>& y);
  double operator()(double x) const {
    const double v = (x - first_) * per_unit_;
    if (!(v > 0)) return table_.front();
    const auto last = static_cast<double>(table_.size() - 2);
    if (v >= last) return table_.back();
    const auto k = static_cast<std::size_t>(v);
    return table_[k] + (v - static_cast<double>(k)) * (table_[k + 1] - table_[k]);
  }

 private:
  double first_ = 0, per_unit_ = 0;
  std::vector<double> table_;
};

/// The same region with its field tabulated in floats every `pitch_mm` (trilinear between, error about pitch^2 / (8 radius of curvature));
/// exact to that within `band_mm` of the surface, a lower bound of the distance beyond. Makes costly fields cheap: 10 ns a call.
Shape tabulated(const Shape& shape, double pitch_mm, double band_mm, const Run& run);

/// Volume in mm^3 of the region, by counting points of a lattice of `pitch_mm` with the linear coverage of each cell.
double volume_mm3(const Shape& shape, double pitch_mm);

}  // namespace gantry::simulation
