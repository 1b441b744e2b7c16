// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/simulation/head.h"
#include "gantry/simulation/head_signal.h"
#include "gantry/simulation/noise_field.h"
#include "gantry/simulation/torso_frame.h"

namespace gantry::simulation {

namespace {

constexpr double skull_mm = 6.5;

}  // namespace

void Head::paint_outside() {
  const double l = traits_.length, scalp = traits_.scalp_mm;
  // Skin: vault, face, jaw and neck.
  Shape skin = offset(cavity_, skull_mm + scalp);
  Shape face = superellipsoid({0, -58 * l, -68}, {57, 48, 66}, 2.4, rotation_about({1, 0, 0}, 0.12));
  face = joined(face, ellipsoid({0, -108 * l, -58}, {12, 15, 24}, rotation_about({1, 0, 0}, -0.35)), 10);  // nose
  face = joined(face, ellipsoid({0, -94 * l, -118}, {30, 22, 22}), 14);                                    // chin
  const Shape neck = column({Curve1({-170, -70}, {0, 0}), Curve1({-170, -110, -60}, {24, 20, 22}), Curve1({-170, -110, -60}, {60, 58, 60}),
                             Curve1({-170, -110, -60}, {64, 62, 62}), 2.2, -200, -40, 6});
  skin = joined(joined(skin, face, 18), neck, 22);
  for (const double side : {-1.0, 1.0}) {  // ears
    skin = joined(skin, ellipsoid({side * 82 * traits_.breadth, 14, -32}, {7, 15, 27}, rotation_about({0, 0, 1}, side * 0.4)), 5);
  }
  skin = joined(skin, superellipsoid({0, -62 * l, -40}, {60 * traits_.breadth, 34, 34}, 2.6), 12);  // cheek and brow
  std::vector<Shape> temples;
  for (const double side : {-1.0, 1.0}) {
    temples.push_back(common(offset(cavity_, skull_mm + 5.5), ellipsoid({side * 68 * traits_.breadth, -26, -12}, {16, 32, 36}), 3));
    skin = joined(skin, offset(temples.back(), 2.6), 6);
  }
  skin_ = skin;
  fill(signal::skin, "scalp", skin);
  fill(signal::fat, "scalp", offset(skin, -1.6), 260);
  // Muscle and deep tissue of face and neck.
  Shape deep = joined(offset(face, -9), offset(neck, -6), 16);
  deep = displaced(deep, NoiseField(seed_ + 41, 26), 3, 0.3);
  fill(signal::muscle, "body", deep, 90);
  for (const double side : {-1.0, 1.0}) {  // temporal muscle, fat planes of the neck
    fill(signal::muscle, "body", temples[side < 0 ? 0 : 1], 60);
    fill(signal::skin - 60, "scalp", ellipsoid({side * 83 * traits_.breadth, 14, -32}, {5, 13, 24}, rotation_about({0, 0, 1}, side * 0.4)));
    fill(signal::blood, "body", tube(curve({{side * 30, 2, -160}, {side * 30, 0, -120}, {side * 26, 2, -80}}, {4.5, 4.2, 3.4}, 3)));
    fill(signal::muscle + 60, "body", ellipsoid({side * 52, -6, -92}, {11, 20, 26}), 200);  // parotid
  }
  // Fat between the muscles of the neck.
  const NoiseField planes(seed_ + 42, 17);
  const Shape within_neck = offset(neck, -9);
  scene_.paint({signal::fat - 420, {}, keep_structure, 0, {}},
               Shape{[planes, field = within_neck.field](Vec3 p) {
                       const double inside = field(p);
                       return inside > 2 ? inside : std::max(inside, (std::abs(planes(p)) - 0.04) * 14);
                     },
                     2.2, within_neck.bounds});
}

void Head::paint_skull() {
  // Three layers around the cavity; thickness waves a little, and the base is thick and pneumatised.
  const NoiseField thickness(seed_ + 51, 38);
  const auto shell = [&](double out, double wave) { return displaced(offset(cavity_, out), thickness, wave, 0.1); };
  fill(signal::cortical_bone, "skull", shell(skull_mm, 1.4));
  fill(signal::marrow, "skull", shell(skull_mm - 1.7, 1.5), 220);
  const Shape base = common(ellipsoid({0, 0, -52}, {66, 62, 26}), offset(cavity_, 14), 5);
  fill(signal::cortical_bone, "skull", base);
  fill(signal::marrow - 250, "skull", displaced(offset(base, -4), NoiseField(seed_ + 52, 9), 3.5, 0.5), 300);
  // The inner table lines the marrow of the base too.
  fill(signal::cortical_bone, "skull", offset(cavity_, 1.7));
}

void Head::paint_face() {
  const double l = traits_.length;
  const NoiseField wavy(seed_ + 61, 9);
  const auto air = [&](Shape shape, double lining) {
    Shape cave = displaced(std::move(shape), wavy, 1.5, 0.3);
    fill(signal::cortical_bone, "skull", offset(cave, lining + 1.6));
    fill(signal::mucosa, "skull", offset(cave, lining));
    fill(signal::air, "", cave);
  };
  // Orbits before sinuses, so that their walls stay closed.
  for (const double side : {-1.0, 1.0}) {
    const Vec3 eye{side * 31, -82 * l, -34};
    const Shape orbit =
        common(ellipsoid({side * 28, -62 * l, -34}, {19, 34, 19}, rotation_about({0, 0, 1}, side * 0.35)), offset(skin_, -4), 3);
    fill(signal::cortical_bone, "skull", orbit);
    fill(signal::fat, "body", common(offset(orbit, -2.2), offset(skin_, -4), 2), 80);
    fill(signal::muscle, "body", ellipsoid(eye, {14.5, 14.5, 14.5}));
    fill(signal::vitreous, "body", sphere(eye, 11.6));
    fill(signal::lens, "body", ellipsoid(eye + Vec3{0, -8.8, 0}, {4.6, 2.2, 4.6}));
    const Vec3 apex{side * 14, -44 * l, -30};
    fill(signal::white_matter - 150, "body", tube(curve({eye + Vec3{-side * 2, 12, 0}, apex, {side * 4, -28, -18}}, {2.0, 2.0, 2.0}, 3)));
    for (const Vec3& shift : {Vec3{0, 0, 11}, Vec3{0, 0, -11}, Vec3{11, 0, 0}, Vec3{-11, 0, 0}}) {
      fill(signal::muscle, "body",
           tube(curve({eye + 1.05 * shift, eye + 0.9 * shift + Vec3{-side * 4, 16, 0}, apex + 0.2 * shift}, {1.4, 2.4, 1.4}, 4)));
    }
  }
  for (const double side : {-1.0, 1.0}) {
    air(superellipsoid({side * 29, -72 * l, -66}, {13, 16, 16}, 2.6, rotation_about({0, 0, 1}, side * 0.3)), 0.8);
    air(ellipsoid({side * 9, -92 * l, -6}, {9, 5, 12}), 0.6);
    air(superellipsoid({side * 7, -68 * l, -38}, {4, 19, 9}, 2.6), 0.8);
    air(ellipsoid({side * 8, -36, -40}, {7, 10, 9}), 0.7);
    air(superellipsoid({side * 6.5, -78 * l, -66}, {3.2, 24, 15}, 2.6), 2.0);
    // Mastoid cells.
    Shape cells = displaced(ellipsoid({side * 58, 26, -50}, {12, 16, 18}), NoiseField(seed_ + 62, 5), 6, 0.9);
    fill(signal::cortical_bone, "skull", offset(ellipsoid({side * 58, 26, -50}, {12, 16, 18}), 2.5));
    fill(signal::air + 30, "", cells);
    fill(signal::air, "", tube({{{side * 46, 12, -42}, {side * 80, 12, -40}, 3.2, 3.2, 1}}));
    // Jaw, masticator muscles.
    fill(signal::cortical_bone, "skull",
         tube(curve({{side * 48, -10, -52}, {side * 46, -22, -92}, {side * 30, -70 * l, -112}, {side * 8, -98 * l, -116}}, {5, 6.5, 8, 9},
                    5)));
    fill(signal::marrow, "skull",
         tube(curve({{side * 48, -11, -58}, {side * 46, -22, -92}, {side * 30, -70 * l, -112}, {side * 8, -98 * l, -116}},
                    {2.5, 4.2, 5.4, 6}, 5)));
    fill(signal::muscle + 30, "body", ellipsoid({side * 54, -34, -80}, {7, 18, 28}), 80);
    fill(signal::muscle + 30, "body", ellipsoid({side * 34, -28, -72}, {7, 14, 20}), 80);
  }
  fill(signal::cortical_bone, "skull", superellipsoid({0, -66 * l, -84}, {24, 30, 2.4}, 2.6));
  fill(signal::muscle + 60, "body", ellipsoid({0, -58 * l, -103}, {25, 36, 17}), 160);
  fill(signal::air, "", tube(curve({{0, -30, -66}, {0, -12, -80}, {0, -10, -110}, {0, -14, -170}}, {7, 7, 6.5, 7.5}, 4)));
  // Upper cervical spine around the cord.
  for (int n = 0; n < 4; ++n) {
    const double z = -82 - 19.0 * n;
    const double y = 30 + 0.10 * (-82 - z);
    fill(signal::cortical_bone, "skull", superellipsoid({0, y - 13, z}, {12.5, 9.5, 8.6}, 2.8));
    fill(signal::marrow - 180, "skull", superellipsoid({0, y - 13, z}, {11.3, 8.3, 7.4}, 2.8), 120);
    for (const double side : {-1.0, 1.0}) {
      fill(signal::cortical_bone, "skull", tube({{{side * 13, y - 6, z}, {side * 17, y + 8, z - 3}, 5, 5, 0.8}}));
      fill(signal::cortical_bone, "skull", tube({{{side * 16, y + 10, z - 3}, {side * 1, y + 26, z - 8}, 3.6, 3.2, 0.6}}));
      fill(signal::muscle, "body", ellipsoid({side * 18, y + 38, z - 6}, {15, 17, 14}), 120);
    }
    fill(signal::cortical_bone + 60, "skull", tube({{{0, y + 26, z - 8}, {0, y + 42, z - 14}, 3.2, 3.0, 0.6}}));
  }
  fill(signal::cerebrospinal_fluid, "body", tube(curve({{0, 26, -66}, {0, 31, -78}, {0, 40, -110}, {0, 44, -150}}, {13, 10, 9, 9}, 5)));
}

void Head::paint_brain() {
  fill(signal::cerebrospinal_fluid, "cerebrospinal_fluid", cavity_);
  // Falx and large sinuses.
  fill(signal::blood + 60, "cerebrospinal_fluid",
       common(tube(curve({{0, -80, 10}, {0, -62, 54}, {0, -20, 77}, {0, 30, 74}, {0, 72, 42}, {0, 84, 4}}, {2, 3, 3.6, 4, 4.6, 5}, 6)),
              cavity_, 0.5));
  fill(signal::gray_matter, "gray_matter", pia_, 34);
  fill(signal::white_matter, "white_matter", white_, 30);
  // Cerebellum: leaves of cortex around a branching white core.
  fill(signal::gray_matter - 15, "gray_matter", cerebellum_, 30);
  const double l = traits_.length;
  const Shape cerebellum = cerebellum_;
  const NoiseField bend(seed_ + 71, 14);
  const Shape leaves{[cerebellum, bend, l](Vec3 p) {
                       const double depth = -cerebellum.field(p);
                       const Vec3 hub{0.45 * p.x, 34 * l, -34};
                       const double angle = std::atan2(p.z - hub.z, p.y - hub.y);
                       const double r = std::hypot(p.y - hub.y, p.z - hub.z);
                       const double spokes = std::sin(11 * angle + 5 * bend(p) + 0.06 * std::abs(p.x));
                       const double thin = 0.9 - 0.045 * r;  // white branches thin out
                       const double white = (spokes - (1 - std::max(thin, 0.12))) * 2.2;
                       return std::max(-std::max(white, 7.0 - r), 2.0 - depth);
                     },
                     2.5, cerebellum_.bounds, 1.0};
  fill(signal::white_matter - 20, "white_matter", leaves, 24);
  const Shape fissures{[cerebellum, bend](Vec3 p) {
                         const double depth = -cerebellum.field(p);
                         const double wave = std::sin(2 * std::numbers::pi * (p.z + 0.35 * p.y + 2.5 * bend(p)) / 5.2);
                         return std::max((0.93 - wave) * 1.4, depth - 6.0);
                       },
                       2.2, cerebellum_.bounds, 1.0};
  scene_.paint({signal::cerebrospinal_fluid + 60, {}, scene_.structure("cerebrospinal_fluid"), 0, {scene_.structure("gray_matter")}},
               fissures);
}

void Head::paint_deep() {
  // Stem with its peduncles; then nuclei around the ventricles.
  // Below the foramen magnum it is cord, no part of the brain.
  fill(signal::brain_stem, "body", brain_stem_, 40);
  fill(signal::brain_stem, "white_matter", common(brain_stem_, cavity_, 0.3), 40);
  for (const double side : {-1.0, 1.0}) {
    fill(signal::white_matter - 20, "white_matter",
         tube(curve({{side * 7, 4, -14}, {side * 12, 0, -4}, {side * 18, -4, 8}}, {7, 6.5, 6}, 4)));
    fill(signal::brain_stem, "white_matter", tube(curve({{side * 9, 14, -34}, {side * 18, 30, -38}}, {9, 7}, 4)));
    fill(signal::gray_matter, "gray_matter",
         tube(curve({{side * 29, -10, -20}, {side * 30, 4, -18}, {side * 28, 20, -10}}, {6, 4.6, 3.4}, 4)));  // hippocampus
    // Insula behind the Sylvian fissure.
    fill(signal::striatum, "deep_nuclei", ellipsoid({side * 26, -7, 4}, {5.6, 17, 11}, rotation_about({0, 0, 1}, -side * 0.18)), 26);
    fill(signal::pallidum, "deep_nuclei", ellipsoid({side * 19.5, -4, 2}, {4.4, 11, 7.5}, rotation_about({0, 0, 1}, -side * 0.25)), 20);
    fill(signal::striatum, "deep_nuclei",
         tube(curve({{side * 12, -30, 8}, {side * 14, -22, 14}, {side * 19, -2, 24}, {side * 25, 20, 20}}, {6.0, 6.6, 3.6, 2.0}, 5)), 26);
    fill(signal::thalamus, "deep_nuclei", ellipsoid({side * 10.5, 8, 7}, {8.5, 14.5, 9.5}, rotation_about({0, 0, 1}, -side * 0.35)), 30);
  }
  // Corpus callosum and fornix over the ventricles.
  fill(signal::white_matter + 25, "white_matter",
       tube(curve({{0, -30, 4}, {0, -39, 10}, {0, -34, 19}, {0, -12, 27}, {0, 14, 27}, {0, 32, 21}, {0, 37, 13}},
                  {2.2, 3.6, 4.0, 3.2, 3.0, 3.6, 4.4}, 6)));
  fill(signal::cerebrospinal_fluid, "ventricles", ventricles_);
  fill(signal::white_matter, "white_matter",
       common(Shape{[](Vec3 p) { return std::abs(p.x) - 0.9; }, 1.0, {{-2, -40, 4}, {2, 30, 30}}}, ellipsoid({0, -10, 15}, {3, 24, 9}),
              0.3));
  // Chiasm, mamillary region and pituitary.
  fill(signal::white_matter - 120, "white_matter", tube({{{-9, -24, -15}, {9, -24, -15}, 2.6, 2.6, 1}}));
  fill(signal::gray_matter, "", ellipsoid({0, -26, -31}, {6, 5, 3.6}));
  for (const double side : {-1.0, 1.0})
    fill(signal::blood - 120, "", tube(curve({{side * 11, -22, -34}, {side * 12, -24, -22}, {side * 26, -22, -16}}, {2.6, 2.4, 1.6}, 4)));
  fill(signal::blood - 120, "", tube(curve({{0, -8, -48}, {0, -9, -30}, {0, -6, -16}}, {1.9, 1.9, 1.7}, 3)));
}

}  // namespace gantry::simulation
