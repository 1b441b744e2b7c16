// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/phantom/phantom.h"

#include <numbers>

#include "gantry/base/error.h"
#include "gantry/base/random.h"

namespace gantry {

namespace {

constexpr std::int64_t side = 64;

/// One ellipsoid of the head phantom: added value, half axes, centre, turn about z. Lengths in half widths of the image.
struct Ellipsoid {
  double value;
  Vec3 half_axes, centre;
  double degrees;
};
constexpr std::array<Ellipsoid, 10> head{{{1.0, {0.69, 0.92, 0.81}, {0, 0, 0}, 0},
                                          {-0.8, {0.6624, 0.874, 0.78}, {0, -0.0184, 0}, 0},
                                          {-0.2, {0.11, 0.31, 0.22}, {0.22, 0, 0}, -18},
                                          {-0.2, {0.16, 0.41, 0.28}, {-0.22, 0, 0}, 18},
                                          {0.1, {0.21, 0.25, 0.41}, {0, 0.35, -0.15}, 0},
                                          {0.1, {0.046, 0.046, 0.05}, {0, 0.1, 0.25}, 0},
                                          {0.1, {0.046, 0.046, 0.05}, {0, -0.1, 0.25}, 0},
                                          {0.1, {0.046, 0.023, 0.05}, {-0.08, -0.605, 0}, 0},
                                          {0.1, {0.023, 0.023, 0.02}, {0, -0.605, 0}, 0},
                                          {0.1, {0.023, 0.046, 0.02}, {0.06, -0.605, 0}, 0}}};

/// The ten ellipsoids as a sum; y runs to the back here, so that the face looks to the front.
float head_at(Vec3 p) {
  const double half = 0.5 * static_cast<double>(side);
  double sum = 0;
  for (const Ellipsoid& e : head) {
    const double turn = e.degrees * std::numbers::pi / 180;
    const double x = p.x / half - e.centre.x, y = -p.y / half - e.centre.y, z = p.z / half - e.centre.z;
    const double u = (x * std::cos(turn) + y * std::sin(turn)) / e.half_axes.x;
    const double v = (-x * std::sin(turn) + y * std::cos(turn)) / e.half_axes.y;
    const double w = z / e.half_axes.z;
    if (u * u + v * v + w * w <= 1) sum += e.value;
  }
  return static_cast<float>(std::round(sum * 100) / 100);
}

float one_if(bool inside) { return inside ? 1.0F : 0.0F; }

/// Value of a phantom at a point given in mm from the centre; `index` counts voxels.
using Formula = float (*)(Vec3 p, std::int64_t index);
struct Shape {
  PhantomInfo info;
  Formula value;
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      {{"constant", "100 everywhere"}, [](Vec3, std::int64_t) { return 100.0F; }},
      {{"sphere", "1 within 20 mm of the centre, else 0; volume 4/3 pi 20^3 = 33510 mm3 up to voxel size"},
       [](Vec3 p, std::int64_t) { return one_if(norm(p) <= 20); }},
      {{"box", "1 where |x| <= 16, |y| <= 12, |z| <= 8 mm: 32 x 24 x 16 voxels"},
       [](Vec3 p, std::int64_t) { return one_if(std::abs(p.x) <= 16 && std::abs(p.y) <= 12 && std::abs(p.z) <= 8); }},
      {{"ramp", "the x coordinate in mm: gradient (1, 0, 0)"}, [](Vec3 p, std::int64_t) { return static_cast<float>(p.x); }},
      {{"impulse", "1 in one voxel, else 0"}, [](Vec3 p, std::int64_t) { return one_if(p.x == 0.5 && p.y == 0.5 && p.z == 0.5); }},
      {{"noise", "standard normal noise, seed 1: mean 0, standard deviation 1"},
       [](Vec3, std::int64_t index) { return static_cast<float>(Random(1).normal(static_cast<std::uint64_t>(index))); }},
      {{"checkerboard", "cubes of 8 voxels, 0 and 1 in turn: mean 0.5, standard deviation 0.5"},
       [](Vec3, std::int64_t index) { return one_if((index / 8 % 8 + index / (8 * side) % 8 + index / (8 * side * side) % 8) % 2 == 1); }},
      {{"cylinder", "1 within 15 mm of the z axis where |z| <= 20 mm: 40 slices, volume pi 15^2 40 = 28274 mm3 up to voxel size"},
       [](Vec3 p, std::int64_t) { return one_if(std::hypot(p.x, p.y) <= 15 && std::abs(p.z) <= 20); }},
      {{"two_spheres", "labels: 1 within 12 mm of x = -16 (7238 mm3), 2 within 8 mm of x = 16 (2145 mm3) up to voxel size; 12 mm apart"},
       [](Vec3 p, std::int64_t) {
         return one_if(norm(p - Vec3{-16, 0, 0}) <= 12) + 2 * one_if(norm(p - Vec3{16, 0, 0}) <= 8);
       }},
      {{"chords", "2 sqrt(20^2 - x^2) where |x| < 20 mm: parallel projections (y: view) of a disc of 1 with the radius 20 mm"},
       [](Vec3 p, std::int64_t) { return static_cast<float>(2 * std::sqrt(std::max(0.0, 400 - p.x * p.x))); }},
      {{"shepp_logan",
        "head of ten ellipsoids with the contrasts of Toft 1996 in 3-D: skull 1, brain 0.2, ventricles 0, lesions 0.3, outside 0"},
       [](Vec3 p, std::int64_t) { return head_at(p); }},
  };
  return all;
}

}  // namespace

const std::vector<PhantomInfo>& phantoms() {
  static const std::vector<PhantomInfo> all = [] {
    std::vector<PhantomInfo> infos;
    for (const Shape& shape : shapes()) infos.push_back(shape.info);
    return infos;
  }();
  return all;
}

Image phantom(std::string_view name) {
  const auto known = std::find_if(shapes().begin(), shapes().end(), [name](const Shape& shape) { return shape.info.name == name; });
  if (known == shapes().end()) {
    std::string names;
    for (const PhantomInfo& info : phantoms()) names += (names.empty() ? "" : ", ") + info.name;
    throw Error(ErrorCode::usage, fmt::format("phantom: must be one of {}; got {}", names, name));
  }
  const double first = -0.5 * static_cast<double>(side - 1);
  auto image = Voxels<float>::uninitialized(Grid({side, side, side}, {1, 1, 1}, {first, first, first}));
  for (std::int64_t k = 0; k < side; ++k) {
    for (std::int64_t j = 0; j < side; ++j) {
      for (std::int64_t i = 0; i < side; ++i) {
        const Vec3 p{first + static_cast<double>(i), first + static_cast<double>(j), first + static_cast<double>(k)};
        image(i, j, k) = known->value(p, image.grid().index(i, j, k));
      }
    }
  }
  return image;
}

}  // namespace gantry
