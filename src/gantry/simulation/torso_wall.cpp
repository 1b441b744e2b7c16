// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "gantry/simulation/torso.h"

namespace gantry::simulation {

namespace {

constexpr double degree = std::numbers::pi / 180;

double smooth_step(double low, double high, double v) {
  const double t = std::clamp((v - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

/// 1 inside [low, high], fading to 0 over `soft` at both ends.
double window(double v, double low, double high, double soft) {
  return smooth_step(low - soft, low, v) * (1 - smooth_step(high, high + soft, v));
}

}  // namespace

Shape Torso::sheet(double from, double to, double angle_low, double angle_high, double z_low, double z_high) const {
  const double half = 0.5 * (to - from), middle = 0.5 * (to + from);
  const Box box = intersected(frame_.skin_shape().bounds, {{-300, -300, z_low - 25}, {300, 300, z_high + 25}});
  return region(
      [this, half, middle, angle_low, angle_high, z_low, z_high](Vec3 p) {
        const double outside = frame_.cavity(p) - middle;
        if (std::abs(outside) > 2 * half + 8) return std::abs(outside) - half;
        const double y = p.y - frame_.cavity_center_y(p.z);
        const double angle = std::atan2(std::abs(p.x), y) / degree;
        const double share = window(p.z, z_low, z_high, 22) * window(angle, angle_low, angle_high, 14);
        if (share < 0.02) return half + 8.0;
        const double d = outside + half * (1 - share);
        return std::max(std::abs(d) - half * share, frame_.skin(p) + frame_.traits().fat_mm * 0.55);
      },
      box, 4.0);
}

void Torso::paint_table() {
  // A shallow curved couch top under the back.
  const double back = 118 + frame_.traits().fat_mm + 6;
  const auto couch = [back](double grow) {
    return Shape{[back, grow](Vec3 p) {
                   const double top = back - 0.00045 * p.x * p.x + 8;
                   const double slab = std::max(top - p.y, p.y - top - 26.0 + 0.0006 * p.x * p.x);
                   return std::max(slab, std::abs(p.x) - 212) - grow;
                 },
                 1.6,
                 {{-214, back - 40, -600}, {214, back + 40, 600}}};
  };
  scene_.paint(paint(Tissue::table_shell, no_structure), couch(0));
  scene_.paint(paint(Tissue::table_core, no_structure), couch(-1.6));
}

void Torso::paint_wall() {
  const double fat = frame_.traits().fat_mm;
  scene_.paint(paint(Tissue::skin, scene_.structure("body")), frame_.skin_shape());
  Paint subcutaneous = paint(Tissue::fat, scene_.structure("subcutaneous_fat"));
  if (options_.signal == TorsoSignal::hounsfield) {
    // Fibrous septa.
    subcutaneous.texture = [web = NoiseField(options_.seed + 31, 9), fine = NoiseField(options_.seed + 32, 4)](Vec3 p) {
      const double w = web(p);
      return 45 * std::exp(-w * w * 900) + 10 * fine(p);
    };
  }
  scene_.paint(std::move(subcutaneous), offset(frame_.skin_shape(), -2.0));
  Shape deep = offset(frame_.skin_shape(), -(0.75 * fat + 2.5));
  deep = displaced(deep, NoiseField(options_.seed + 33, 40), 2.5, 0.25);
  scene_.paint({shifted(Tissue::fat, 8), {}, scene_.structure("subcutaneous_fat"), 0, {}}, deep);
}

void Torso::paint_muscles() {
  const int muscle = scene_.structure("muscle");
  Paint striated = paint(Tissue::muscle, muscle);
  if (options_.signal == TorsoSignal::hounsfield) {
    striated.texture = [streaks = NoiseField(options_.seed + 41, 7)](Vec3 p) {
      return -95 * smooth_step(0.32, 0.55, streaks({p.x, p.y, 0.45 * p.z}));
    };
  }
  // Shoulder girdle: what lies between the rib cage and the skin above the armpit.
  scene_.paint(striated, region(
                             [this](Vec3 p) {
                               const double skin = frame_.skin(p) + 0.8 * frame_.traits().fat_mm + 4;
                               const double gap = 15 - frame_.cavity(p);
                               const double lateral = 64 - std::abs(p.x) - 0.35 * std::max(0.0, p.z - 150);
                               const double level = std::max(112 - p.z + 0.20 * (150 - std::abs(p.x)), p.z - 420);
                               return -smooth_min(-std::max(skin, gap), -std::max(lateral, level), 10);
                             },
                             intersected(frame_.skin_shape().bounds, {{-300, -300, 80}, {300, 300, 420}}), 3.0));
  // Fat of the armpit.
  for (const double side : {-1.0, 1.0}) {
    scene_.paint({shifted(Tissue::fat, 6), {}, scene_.structure("body"), 0, {muscle}},
                 displaced(ellipsoid({side * 148, -4, 128}, {16, 30, 36}, rotation_about({0, 1, 0}, -side * 0.35)),
                           NoiseField(options_.seed + 42, 24), 5, 0.4));
  }
  scene_.paint(striated, sheet(14, 30, 112, 152, 48, 138));    // pectoralis major
  scene_.paint(striated, sheet(13.5, 20, 122, 146, 80, 140));  // pectoralis minor
  scene_.paint(striated, sheet(13.5, 21, 62, 106, -25, 112));  // serratus anterior
  scene_.paint(striated, sheet(17, 32, 32, 74, -20, 108));     // latissimus dorsi
  scene_.paint(striated, sheet(23, 31, 4, 40, 20, 190));       // trapezius
  scene_.paint(striated, sheet(13.5, 24, 30, 72, 62, 168));    // subscapularis
  scene_.paint(striated, sheet(26, 38, 34, 74, 60, 160));      // infraspinatus
  // Wall of chest and belly in which the ribs lie.
  scene_.paint(striated, region(
                             [this](Vec3 p) {
                               const double y = p.y - frame_.cavity_center_y(p.z);
                               const double angle = std::atan2(std::abs(p.x), y) / degree;
                               const double belly = smooth_step(-60, -110, p.z);
                               const double thick = 11.5 + belly * (angle > 150 ? 0.0 : 7.0 * window(angle, 50, 125, 20));
                               return std::max(frame_.cavity(p) - thick, frame_.skin(p) + 4.5);
                             },
                             frame_.cavity_shape().bounds.grown(25), 3.0));
  // Linea alba and the fat between the wall's muscles.
  scene_.paint({shifted(Tissue::fat, 14), {}, scene_.structure("body"), 0, {muscle}},
               region(
                   [this](Vec3 p) {
                     const double y = p.y - frame_.cavity_center_y(p.z);
                     const double angle = std::atan2(std::abs(p.x), y) / degree;
                     const double belly = smooth_step(-50, -90, p.z);
                     if (belly <= 0 || angle > 128 || angle < 40) return 12.0;
                     return std::abs(frame_.cavity(p) - 8.5 - 1.2 * std::sin(0.05 * p.z)) - 0.7 * belly;
                   },
                   frame_.cavity_shape().bounds.grown(25), 3.0));
  // Erector spinae, psoas and quadratus lumborum.
  for (const double side : {-1.0, 1.0}) {
    const auto along_spine = [&](double shift) {
      std::vector<double> z, y;
      for (double level = -320; level <= 240; level += 20) z.push_back(level), y.push_back(frame_.spine_y(level) + shift);
      return Curve1(z, y);
    };
    scene_.paint(striated, column({Curve1({-300, -60, 60, 200}, {side * 31, side * 27, side * 24, side * 20}), along_spine(46),
                                   Curve1({-320, -100, 40, 200, 240}, {30, 28, 22, 18, 15}),
                                   Curve1({-320, -100, 40, 200, 240}, {22, 20, 14, 13, 12}), 2.5, -320, 240, 3}));
    scene_.paint(striated, column({Curve1({-330, -110, -70}, {side * 46, side * 35, side * 27}), along_spine(4),
                                   Curve1({-330, -200, -110, -70}, {24, 19, 10, 4}), Curve1({-330, -200, -110, -70}, {26, 21, 12, 5}), 2.0,
                                   -330, -66, 4}));
    scene_.paint(striated, column({Curve1({-330, -90}, {side * 78, side * 62}), along_spine(26), Curve1({-330, -90}, {20, 12}),
                                   Curve1({-330, -90}, {9, 6}), 2.0, -330, -92, 4}));
  }
}

void Torso::paint_ribs() {
  const int ribs = scene_.structure("ribs");
  std::vector<std::vector<Capsule>> courses;
  std::vector<Capsule> cartilage;
  constexpr std::array tops{196.0, 177.0, 156.0, 135.0, 113.0, 90.0, 66.0, 42.0, 17.0, -9.0, -36.0, -62.0};
  constexpr std::array drops{44.0, 58.0, 70.0, 80.0, 88.0, 92.0, 92.0, 86.0, 74.0, 60.0, 40.0, 24.0};
  constexpr std::array ends{118.0, 128.0, 132.0, 134.0, 135.0, 134.0, 131.0, 124.0, 114.0, 102.0, 78.0, 54.0};
  for (const double side : {-1.0, 1.0}) {
    for (std::size_t n = 0; n < tops.size(); ++n) {
      std::vector<Vec3> points;
      std::vector<double> radii;
      const double wobble = 1.5 * std::sin(3.0 * static_cast<double>(n) + side + frame_.traits().noise_phase);
      const int count = 14;
      for (int k = 0; k <= count; ++k) {
        const double t = static_cast<double>(k) / count;
        const double angle = 13 + (ends[n] - 13) * t;
        const double z = tops[n] + wobble - drops[n] * (0.35 * t + 0.65 * t * t * (3 - 2 * t) * 0.9);
        points.push_back(frame_.on_cavity(side * angle * degree, z, n == 0 ? 4.0 : 6.0));
        radii.push_back(n < 2 ? 3.6 : 3.4 + 0.7 * std::sin(std::numbers::pi * t) - (k == count && n > 9 ? 1.5 : 0));
      }
      courses.push_back(curve(points, radii, 2, n == 0 ? 0.8 : 0.58));
      if (n < 10) {  // costal cartilage: forward and, below the fourth rib, upwards to the sternum
        const Vec3 from = points.back();
        const double target_z = n < 7 ? 138 - 19.5 * static_cast<double>(n) : 8 - 10.0 * (static_cast<double>(n) - 6);
        const double target_angle = n < 7 ? 170 : 160 - 7 * (static_cast<double>(n) - 7);
        std::vector<Vec3> way{from};
        for (const double t : {0.35, 0.7, 1.0}) {
          const double angle = ends[n] + (target_angle - ends[n]) * t;
          const double z = from.z + (target_z - from.z) * t * t - 6 * std::sin(std::numbers::pi * t);
          way.push_back(frame_.on_cavity(side * angle * degree, z, 6.0));
        }
        for (const Capsule& c : curve(way, {3.7, 4.0, 4.2, 4.0}, 3, 0.62)) cartilage.push_back(c);
      }
    }
  }
  Paint gristle = paint(Tissue::cartilage, ribs);
  if (options_.signal == TorsoSignal::hounsfield) {
    gristle.texture = [spots = NoiseField(options_.seed + 51, 4)](Vec3 p) { return 420 * smooth_step(0.36, 0.6, spots(p)); };
  }
  scene_.paint(std::move(gristle), cartilage);
  for (const auto& course : courses) bone(course, ribs, 1.25);

  // Sternum.
  const int structure = scene_.structure("bone");
  const auto front = [&](double z) { return frame_.on_cavity(180 * degree, z, 7.0); };
  const Vec3 top = front(150), joint = front(104), tip = front(2);
  const auto plate = [&](Vec3 a, Vec3 b, double half_width, double thickness, double exponent) {
    const Vec3 along = normalized(a - b);
    const Mat3 axes{{Vec3{1, 0, 0}, normalized(cross(along, Vec3{1, 0, 0})), along}};
    return superellipsoid(0.5 * (a + b), {half_width, thickness, 0.5 * norm(a - b)}, exponent, axes);
  };
  bone(plate(top, joint, 29, 6.5, 3.0), structure, 1.4);
  bone(plate(joint, tip, 18, 6.0, 3.6), structure, 1.4);
  scene_.paint(paint(Tissue::cartilage, structure), plate(tip, front(-22), 9, 3.5, 2.5));
}

void Torso::paint_shoulders() {
  const int structure = scene_.structure("bone");
  for (const double side : {-1.0, 1.0}) {
    const Vec3 start = frame_.on_cavity(side * 163 * degree, 150, 9);
    bone(curve({start, start + Vec3{side * 36, 10, 14}, start + Vec3{side * 84, 32, 26}, start + Vec3{side * 122, 52, 34}},
               {8.5, 6, 5.6, 6.5}, 4),
         structure, 1.6);
    // Blade: a plate over the ribs, a triangle in angle and level; its spine is a ridge behind it.
    const Shape blade = region(
        [this, side](Vec3 p) {
          if (side * p.x < 20) return 20.0;
          const double y = p.y - frame_.cavity_center_y(p.z);
          const double angle = std::atan2(side * p.x, y) / degree;
          const double outline =
              std::max({38 - angle + 0.06 * (p.z - 60), angle - 78 + 0.05 * (p.z - 60) - 0.16 * (p.z - 60), 58 - p.z, p.z - 166});
          const double border = outline > -4 ? 1.4 * smooth_step(-4, -1, outline) : 0.0;
          return std::max(std::abs(frame_.cavity(p) - 24.5 - 0.02 * (p.z - 60)) - 1.7 - border, 1.6 * outline);
        },
        {{side > 0 ? 20.0 : -190.0, -20, 50}, {side > 0 ? 190.0 : -20.0, 150, 172}}, 5.0);
    bone(blade, structure, 1.3);
    const Vec3 root = frame_.on_cavity(side * 40 * degree, 138, 34), crest = frame_.on_cavity(side * 66 * degree, 152, 44);
    const Vec3 glenoid = {side * 140, 44, 160};
    bone(curve({root, crest, glenoid + Vec3{side * 8, 8, 16}}, {3.2, 4.2, 6}, 4, 0.7), structure, 1.3);
    bone(ellipsoid(glenoid, {11, 14, 17}), structure, 1.4);
    bone(ellipsoid(glenoid + Vec3{side * 24, 0, 14}, {20, 21, 22}), structure, 1.3);
    bone(curve({glenoid + Vec3{side * 22, -2, 20}, glenoid + Vec3{side * 24, -10, 60}, glenoid + Vec3{side * 30, -18, 200}}, {15, 11, 10},
               4),
         structure, 2.6);
  }
}

void Torso::paint_spine() {
  const int spine = scene_.structure("spine");
  struct Level {
    double middle, half, half_width, half_depth;
  };
  std::vector<Level> levels;
  // From C6 down to L5; heights with disc.
  double z = 246;
  for (int n = 0; n < 19; ++n) {
    const double height = n < 2 ? 17 : n < 14 ? 19.5 + 0.85 * (n - 2) : 32.5;
    const double size = std::clamp(static_cast<double>(n) / 15, 0.0, 1.0);
    levels.push_back({z - height / 2, height / 2, 12.5 + 10.5 * size, 9.5 + 8 * size});
    z -= height;
  }
  std::vector<double> zs, widths, depths, ys;
  for (auto it = levels.rbegin(); it != levels.rend(); ++it)
    zs.push_back(it->middle), widths.push_back(it->half_width), depths.push_back(it->half_depth);
  for (double level = -320; level <= 300; level += 10) ys.push_back(frame_.spine_y(level));
  std::vector<double> yz;
  for (double level = -320; level <= 300; level += 10) yz.push_back(level);
  const Curve1 center(yz, ys), width(zs, widths), depth(zs, depths);
  std::vector<double> shrunk_w = widths, shrunk_d = depths;
  for (double& w : shrunk_w) w *= 0.96;
  for (double& w : shrunk_d) w *= 0.96;
  scene_.paint(paint(Tissue::disc, spine),
               column({Curve1({0}, {0}), center, Curve1(zs, shrunk_w), Curve1(zs, shrunk_d), 2.3, -318, 262, 2}));
  for (const Level& level : levels) {
    const double disc = 0.13 * level.half;
    const double low = level.middle - level.half + disc, high = level.middle + level.half - disc;
    const auto waisted = [&](double r) { return Curve1({low, level.middle, high}, {r, 0.90 * r, r}); };
    bone(column({Curve1({0}, {0}), center, waisted(level.half_width), waisted(level.half_depth), 2.3, low, high, 3}), spine, 1.1);
  }
  std::vector<Capsule> arches;
  for (std::size_t n = 0; n < levels.size(); ++n) {
    const Level& level = levels[n];
    const double y = frame_.spine_y(level.middle), back = y + level.half_depth, m = level.middle + 0.25 * level.half;
    const bool lumbar = n >= 14;
    const double canal = 9.5;
    for (const double side : {-1.0, 1.0}) {
      const Vec3 pedicle{side * (canal + 3.2), back - 2, m}, facet{side * (canal + 5.0), back + 13, m - 4},
          base{side * 2, back + 24, m - 10};
      arches.push_back({pedicle, facet, 4.2, 4.6, 0.7});
      arches.push_back({facet, base, 4.2, 3.6, 0.42});
      arches.push_back({facet + Vec3{0, -1, 12}, facet + Vec3{0, 2, -14}, 4.2, 4.0, 1});
      const Vec3 lateral = lumbar ? Vec3{side * 40, back + 8, m} : Vec3{side * 33, back + 21, m + 2};
      arches.push_back({facet + Vec3{side * 2, 0, 2}, lateral, 4.4, lumbar ? 3.0 : 4.2, 0.8});
    }
    const Vec3 root{0, back + 23, m - 9};
    const Vec3 tip = lumbar ? Vec3{0, back + 44, m - 14} : Vec3{0, back + 42, m - 34};
    arches.push_back({root, tip, 3.6, 3.4, 0.5});
  }
  bone(arches, spine, 1.3);
  const auto canal_center = [&](double shift) {
    std::vector<double> values;
    for (const double level : yz) values.push_back(frame_.spine_y(level) + depth(level) + shift);
    return Curve1(yz, values);
  };
  scene_.paint({shifted(Tissue::fat, 60), {}, spine, 0, {}},
               column({Curve1({0}, {0}), canal_center(9.6), Curve1({0}, {10}), Curve1({0}, {8.6}), 2.2, -318, 262, 2}));
  scene_.paint(paint(Tissue::cerebrospinal_fluid, spine),
               column({Curve1({0}, {0}), canal_center(8.6), Curve1({0}, {8}), Curve1({0}, {6.8}), 2.0, -318, 262, 2}));
  scene_.paint(paint(Tissue::cord, spine), column({Curve1({0}, {0}), canal_center(8.6), Curve1({-110, -90}, {3.0, 5.4}),
                                                   Curve1({-110, -90}, {2.6, 4.0}), 2.0, -318, 262, 2}));
}

}  // namespace gantry::simulation
