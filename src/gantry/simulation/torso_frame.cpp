// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/torso_frame.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/simulation/noise_field.h"

namespace gantry::simulation {

TorsoTraits drawn_torso_traits(Random random, bool female) {
  TorsoTraits t;
  t.female = female;
  t.fat_mm = std::clamp((female ? 16.0 : 11.0) + 5.0 * random.next_normal(), 6.0, 30.0);
  t.belly_mm = std::clamp(6.0 + 0.8 * t.fat_mm + 5.0 * random.next_normal(), 2.0, 40.0);
  t.heart = std::clamp((female ? 0.95 : 1.0) + 0.045 * random.next_normal(), 0.86, 1.12);
  t.dome_right_mm = 2 + random.next_uniform(-7, 7);
  t.dome_left_mm = t.dome_right_mm - random.next_uniform(8, 20);
  t.kyphosis = 1 + 0.15 * random.next_normal();
  t.chest_exponent = random.next_uniform(2.2, 2.5);
  t.mediastinum = std::clamp(1 + 0.06 * random.next_normal(), 0.88, 1.15);
  t.noise_phase = random.next_uniform(0, 1000);
  return t;
}

namespace {

constexpr double cavity_half_width = 132, cavity_half_depth = 90, cavity_cap = 214;

/// Exponent-n mean of two non-negative lengths.
double blended(double a, double b, double n) { return std::pow(std::pow(a, n) + std::pow(b, n), 1 / n); }

}  // namespace

Shape column(Column d) {
  double x_low = 1e9, x_high = -1e9, y_low = 1e9, y_high = -1e9, steep = 0;
  double last_w = d.half_width(d.low_z), last_d = d.half_depth(d.low_z), last_x = d.x(d.low_z), last_y = d.y(d.low_z);
  for (double z = d.low_z; z <= d.high_z; z += 1) {
    const double x = d.x(z), y = d.y(z), w = d.half_width(z), e = d.half_depth(z);
    x_low = std::min(x_low, x - w), x_high = std::max(x_high, x + w);
    y_low = std::min(y_low, y - e), y_high = std::max(y_high, y + e);
    steep = std::max({steep, std::abs(w - last_w) + std::abs(x - last_x), std::abs(e - last_d) + std::abs(y - last_y)});
    last_w = w, last_d = e, last_x = x, last_y = y;
  }
  Shape shape;
  shape.bounds = {{x_low, y_low, d.low_z}, {x_high, y_high, d.high_z}};
  shape.lipschitz = 1.6 + steep;
  const double middle = 0.5 * (d.low_z + d.high_z), half = 0.5 * (d.high_z - d.low_z);
  shape.field = [=](Vec3 p) {
    const double ends = std::abs(p.z - middle) - half;
    if (ends > 30) return ends;
    const double z = std::clamp(p.z, d.low_z, d.high_z);
    const double x = p.x - d.x(z), y = p.y - d.y(z), w = d.half_width(z), e = d.half_depth(z);
    const double n = d.exponent == 2 ? std::hypot(x / w, y / e) : blended(std::abs(x / w), std::abs(y / e), d.exponent);
    const double radial = n < 0.05 ? -std::min(w, e) : std::max(std::hypot(x, y) * (1 - 1 / n), -std::min(w, e));
    return -smooth_min(-radial, -ends, d.round_mm);
  };
  return shape;
}

TorsoFrame::TorsoFrame(const TorsoTraits& t, std::uint64_t seed, const Run& run) : traits_(t), seed_(seed) {
  cavity_y_ = Curve1({-250, -120, -60, 40, 120, 205}, {-10, -8, -4, 3, 8, 14});
  cavity_a_ = Curve1({-260, -170, -60, 20, 100, 205}, {116, 120, 130, 132, 124, 108});
  cavity_b_ = Curve1({-260, -170, -60, 20, 100, 205}, {84 + 0.3 * t.belly_mm, 84 + 0.3 * t.belly_mm, 89, 90, 86, 76});
  const double k = t.kyphosis;
  spine_y_ = Curve1({-330, -180, -120, -60, 0, 60, 120, 180, 215, 280},
                    {30, 42, 50 + 1 * k, 57 + 1 * k, 60 + 3 * k, 60 + 4 * k, 56 + 2 * k, 43, 30, 16});
  const double fat = t.fat_mm, belly = t.belly_mm;
  skin_a_ = Curve1({-330, -200, -110, -30, 40, 110, 152, 188, 214, 240, 270, 330},
                   {150 + fat + 0.4 * belly, 142 + fat + 0.5 * belly, 144 + fat + 0.2 * belly, 152 + fat, 159 + fat, 167 + fat, 180 + fat,
                    168 + 0.8 * fat, 132 + 0.6 * fat, 84 + 0.4 * fat, 66 + 0.3 * fat, 60 + 0.3 * fat});
  skin_b_ = Curve1({-330, -200, -110, -30, 40, 110, 160, 200, 235, 270, 330},
                   {104 + fat + belly * 0.5, 104 + fat + 0.5 * belly, 106 + fat + 0.25 * belly, 108 + fat, 110 + fat, 106 + fat, 97 + fat,
                    88 + 0.8 * fat, 76 + 0.5 * fat, 66 + 0.3 * fat, 60 + 0.3 * fat});
  skin_y_ =
      Curve1({-330, -200, -110, -30, 40, 110, 160, 235, 330}, {-4 - 0.4 * belly, -4 - 0.4 * belly, 2 - 0.2 * belly, 6, 8, 12, 18, 18, 10});

  cavity_shape_ =
      tabulated({[this](Vec3 p) { return cavity_field(p); }, 1.6, {{-190, -160, bottom}, {190, 160, cavity_cap + 25}}}, 3.0, 70, run);
  skin_shape_ = tabulated({[this](Vec3 p) { return skin_field(p); }, 2.0, {{-260, -200, bottom}, {260, 200, top}}}, 4.0, 45, run);

  // Diaphragm: two domes; below their widest level the walls run straight down, which leaves the costophrenic recess as a thin wedge.
  const auto dome = [](Vec3 center, Vec3 radii) {
    Shape shape = ellipsoid(center, radii);
    shape.field = [field = shape.field, center](Vec3 p) { return field({p.x, p.y, std::max(p.z, center.z)}); };
    shape.bounds.low_mm.z = bottom;
    return shape;
  };
  const double right = t.dome_right_mm, left = t.dome_left_mm;
  abdomen_ = joined(joined(dome({-60, 6, right - 92}, {74, 86, 92}), dome({64, 8, left - 86}, {70, 83, 86}), 14),
                    dome({8, -14, left - 74}, {82, 76, 80}), 14);
  abdomen_ = tabulated(displaced(abdomen_, NoiseField(seed_ + 11, 70), 5.0, 0.25), 3.0, 40, run);

  heart_ = ellipsoid(heart_center(), t.heart * Vec3{47, 45, 70}, heart_axes());
  heart_ = displaced(heart_, NoiseField(seed_ + 12, 45), 3.0, 0.25);

  const double m = t.mediastinum;
  Column upper{Curve1({40, 90, 120, 205, 260}, {4, 2, 0, 0, 0}),
               Curve1({40, 90, 130, 205, 260}, {0, 2, 4, 14, 16}),
               Curve1({40, 90, 120, 170, 205, 260}, {24 * m, 32 * m, 33 * m, 29 * m, 24 * m, 24 * m}),
               Curve1({40, 90, 130, 205, 260}, {40, 46, 48, 42, 42}),
               2.3,
               55,
               260,
               20};
  Column front{Curve1({-40, 40, 205}, {6, 3, 0}),
               Curve1({-40, 40, 120, 205}, {-78, -70, -55, -30}),
               Curve1({-40, 30, 90, 205}, {26, 9, 10, 18}),
               Curve1({-40, 205}, {42, 40}),
               2.0,
               -60,
               230,
               10};
  Column back{Curve1({-120, 205}, {2, 0}),
              Curve1({-120, 0, 100, 205}, {26, 32, 32, 28}),
              Curve1({-120, 205}, {13 * m, 13 * m}),
              Curve1({-120, 205}, {30, 30}),
              2.0,
              -160,
              230,
              10};
  Column bodies{Curve1({0}, {0}),
                spine_y_,
                Curve1({-180, -60, 60, 205}, {28, 24, 20, 18}),
                Curve1({-180, -60, 60, 205}, {24, 20, 18, 15}),
                2.2,
                bottom,
                300,
                4};
  Column arches{Curve1({0}, {0}),
                Curve1({-180, -60, 0, 60, 120, 180, 215}, {76, 88, 92, 93, 87, 74, 60}),
                Curve1({-180, 205}, {20, 22}),
                Curve1({0}, {16}),
                2.0,
                bottom,
                300,
                4};
  mediastinum_ = joined(column(upper), offset(heart_, 3.5), 12);
  mediastinum_ = joined(mediastinum_, column(front), 10);
  mediastinum_ = joined(mediastinum_, column(back), 8);
  mediastinum_ = joined(mediastinum_, column(bodies), 9);
  mediastinum_ = joined(mediastinum_, column(arches), 10);
  mediastinum_ = joined(mediastinum_, tube(widened(aorta(), 3.0)), 8);
  mediastinum_ = joined(mediastinum_, tube(widened(vena_cava_superior(), 2.5)), 6);
  mediastinum_ = joined(mediastinum_, tube(widened(pulmonary_arteries(), 2.0)), 8);
  mediastinum_.bounds = {{-100, -130, -130}, {110, 130, 240}};
  mediastinum_ = tabulated(mediastinum_, 2.0, 9, run);

  const Box chest{{-140, -110, -105}, {140, 110, cavity_cap + 10}};
  const auto lung = [&](double side) {
    Shape shape;
    shape.bounds = chest;
    (side > 0 ? shape.bounds.low_mm.x : shape.bounds.high_mm.x) = 1;
    shape.lipschitz = 2.2;
    shape.field = [this, side](Vec3 p) {
      const double wall = std::max(cavity(p) + 1.5, std::max(-100 - p.z, -side * (p.x - 1)));
      if (wall > 12) return wall;
      const double floor = abdomen_.field(p) - 3.5;
      double d = -smooth_min(-wall, floor, 3.0);
      if (d > 12) return d;
      return -smooth_min(-d, mediastinum_.field(p), 7.0);
    };
    return tabulated(displaced(shape, NoiseField(seed_ + 13, 28), 1.2, 0.2), 2.0, 10, run);
  };
  lung_left_ = lung(1);
  lung_right_ = lung(-1);
}

double TorsoFrame::cavity_field(Vec3 p) const {
  const double y = p.y - cavity_y_(p.z);
  const double z = std::max(0.0, p.z - 0.20 * y);
  const double w = z / cavity_cap;
  const double u = blended(std::abs(p.x) / cavity_a_(p.z), std::abs(y) / cavity_b_(p.z), traits_.chest_exponent);
  const double n = w > 0 ? blended(u, w, 3.0) : u;
  const double length = std::sqrt(p.x * p.x + y * y + z * z);
  if (n < 0.05) return -60;
  return std::max(-60.0, length * (1 - 1 / n));
}

double TorsoFrame::skin_field(Vec3 p) const {
  double y = p.y - skin_y_(p.z);
  const double a = skin_a_(p.z), b = skin_b_(p.z);
  const double n = blended(std::abs(p.x) / a, std::abs(y) / b, y > 0 ? 2.9 : 2.35);
  // The furrow over the spine.
  const double furrow = y > 0 ? 5.0 * std::exp(-p.x * p.x / 500.0) : 0.0;
  if (n < 0.3 && p.z < 200) return -60;
  double d = n < 0.3 ? -60 : std::max(-60.0, std::hypot(p.x, y) * (1 - 1 / n)) + furrow;
  if (traits_.female) {
    for (const double side : {-1.0, 1.0}) {
      const Vec3 q{(p.x - side * 84) / 66, (p.y + 96) / 42, (p.z - 38) / 62};
      const double k = norm(q);
      d = smooth_min(d, 42 * (k - 1), 24);
    }
  }
  if (p.z > 90) {  // raised arms
    for (const double side : {-1.0, 1.0}) {
      const Capsule arm{{side * 150, 36, 176}, {side * 172, 24, 420}, 44 + 0.5 * traits_.fat_mm, 38 + 0.4 * traits_.fat_mm, 1};
      d = smooth_min(d, arm.distance(p), 22);
    }
  }
  return d;
}

Vec3 TorsoFrame::on_cavity(double angle, double z, double offset) const {
  const double s = std::sin(angle), c = std::cos(angle), center = cavity_y_(z);
  double low = 0, high = 260;
  for (int step = 0; step < 40; ++step) {
    const double middle = 0.5 * (low + high);
    (cavity({middle * s, center + middle * c, z}) < offset ? low : high) = middle;
  }
  return {low * s, center + low * c, z};
}

Vec3 TorsoFrame::heart_center() const { return {21, -30, 28 + 0.7 * (traits_.dome_left_mm + 12)}; }

Mat3 TorsoFrame::heart_axes() const { return axis_from_z({0.80, -0.42, -0.42}); }

std::vector<Capsule> TorsoFrame::aorta() const {
  return curve({{6, -14, 58},
                {0, -22, 78},
                {-10, -22, 100},
                {-4, -10, 120},
                {8, 12, 127},
                {20, 34, 116},
                {25, 43, 92},
                {24, 44, 40},
                {18, spine_y(-10) - 25, -10},
                {10, spine_y(-70) - 31, -70},
                {5, spine_y(-140) - 32, -140},
                {2, spine_y(-210) - 30, -210},
                {2, spine_y(-300) - 28, -300}},
               {14, 15, 15, 14, 13, 12.5, 12, 11.5, 11.5, 11, 10, 9, 8}, 6);
}

std::vector<Capsule> TorsoFrame::vena_cava_superior() const {
  return curve({{-24, -16, 132}, {-27, -13, 110}, {-28, -10, 88}, {-27, -12, 60}}, {8, 9, 9.5, 10}, 4);
}

std::vector<Capsule> TorsoFrame::vena_cava_inferior() const {
  return curve({{-24, -2, 14},
                {-24, 8, -12},
                {-22, 14, -50},
                {-20, spine_y(-110) - 30, -110},
                {-18, spine_y(-190) - 28, -190},
                {-16, spine_y(-300) - 26, -300}},
               {11, 11.5, 12, 11, 10, 10}, 5);
}

std::vector<Capsule> TorsoFrame::pulmonary_arteries() const {
  std::vector<Capsule> pieces = curve({{18, -46, 62}, {20, -36, 78}, {16, -14, 89}, {12, -2, 90}}, {13, 13, 12.5, 11}, 4);
  for (const Capsule& c : curve({{14, -6, 90}, {30, 8, 93}, {44, 20, 88}}, {11, 10, 8.5}, 4)) pieces.push_back(c);
  for (const Capsule& c : curve({{12, -2, 88}, {-12, 4, 84}, {-34, 8, 80}, {-46, 14, 76}}, {11, 10, 9, 8}, 4)) pieces.push_back(c);
  return pieces;
}

std::vector<Capsule> TorsoFrame::trachea_and_main_bronchi() const {
  std::vector<Capsule> pieces = curve({{0, -6, 290}, {0, 2, 240}, {0, 8, 190}, {-2, 14, 140}, {-3, 21, 98}}, {8, 8, 8.2, 8.5, 8.5}, 4);
  for (const Capsule& c : curve({{-3, 21, 98}, {-18, 24, 88}, {-36, 25, 78}}, {7, 6.8, 6.3}, 4)) pieces.push_back(c);
  for (const Capsule& c : curve({{-3, 21, 98}, {16, 24, 86}, {34, 27, 76}, {46, 28, 70}}, {6.5, 6.0, 5.6, 5.2}, 4)) pieces.push_back(c);
  return pieces;
}

std::vector<Capsule> TorsoFrame::esophagus() const {
  return curve({{2, 12, 290}, {3, 24, 200}, {6, 33, 130}, {2, 37, 90}, {4, 36, 40}, {12, 30, 5}, {20, 14, -22}},
               {6.5, 6.5, 7, 7.5, 7.5, 8, 8}, 5, 1.0);
}

Vec3 TorsoFrame::hilum(bool left) const { return left ? Vec3{44, 24, 78} : Vec3{-42, 20, 74}; }

}  // namespace gantry::simulation
