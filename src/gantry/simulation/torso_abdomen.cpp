// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>
#include <numbers>

#include "gantry/simulation/torso.h"

namespace gantry::simulation {

void Torso::paint_abdomen() {
  const TorsoFrame& f = frame_;
  const int body = scene_.structure("body"), visceral = scene_.structure("visceral_fat");
  const bool ct = options_.signal == TorsoSignal::hounsfield;
  Paint chest_fat = paint(Tissue::mediastinal_fat, body);
  if (ct) {
    chest_fat.texture = [web = NoiseField(options_.seed + 121, 8)](Vec3 p) {
      const double w = web(p);
      return 55 * std::exp(-w * w * 700);
    };
  }
  scene_.paint(std::move(chest_fat), f.cavity_shape());
  const Box belly{{-150, -140, TorsoFrame::bottom}, {150, 120, 40}};
  const auto inside = [&](double wall, double floor) {
    return Shape{[&f, wall, floor](Vec3 p) { return -smooth_min(-(f.cavity(p) + wall), -(f.abdomen().field(p) + floor), 3.0); }, 2.4,
                 belly};
  };
  scene_.paint(paint(Tissue::diaphragm, scene_.structure("muscle")), inside(0.5, -3.0));
  const Shape fat = inside(2.0, 0.5);
  Paint inner_fat = paint(Tissue::visceral_fat, visceral);
  if (ct) {
    inner_fat.texture = [web = NoiseField(options_.seed + 122, 11)](Vec3 p) {
      const double w = web(p);
      return 50 * std::exp(-w * w * 900);
    };
  }
  scene_.paint(std::move(inner_fat), fat);
  paint_bowel();

  // Spleen: behind and to the left, hollowed by stomach and kidney.
  const double left_dome = f.traits().dome_left_mm, right_dome = f.traits().dome_right_mm;
  const Shape core = inside(4.5, 3.0);
  const NoiseField wave(options_.seed + 123, 38);
  Shape spleen = ellipsoid({94, 44, left_dome - 58}, {40, 50, 54}, rotation_about({1, 0, 0}, 0.5));
  spleen = without(spleen, ellipsoid({56, 6, left_dome - 56}, {45, 52, 70}), 8);
  spleen = displaced(common(spleen, core, 6), wave, 1.6, 0.15);
  Paint spleen_paint = paint(Tissue::spleen, scene_.structure("spleen"));
  // Stomach: fundus under the left dome, body forward and down, the gas on top of the fluid in a supine patient.
  const std::vector<Vec3> way{{60, 8, left_dome - 40},    {66, -12, left_dome - 70}, {58, -42, left_dome - 98},
                              {30, -54, left_dome - 118}, {2, -46, left_dome - 120}, {-18, -34, left_dome - 112}};
  std::vector<Capsule> course = curve(way, {36, 34, 27, 21, 15, 9}, 5);
  Shape stomach = displaced(common(tube(course), core, 5), wave, 3.0, 0.25);
  const double level = -18 + 10 * std::sin(f.traits().noise_phase);

  // Liver: fills the right dome, thins to the left under the heart; its lower surface is a hollowed slope.
  Shape liver = core;
  liver.bounds = {{-150, -120, right_dome - 178}, {92, 110, right_dome + 12}};
  const Vec3 edge{-40, -20, right_dome - 132};
  liver = common(liver, half_space(edge, normalized(Vec3{0.62, 0.20, -0.66}), liver.bounds), 26);
  liver = common(liver, half_space({58, 0, 0}, normalized(Vec3{1, 0.35, 0.1}), liver.bounds), 14);
  liver = common(liver, half_space({0, 70, right_dome - 60}, normalized(Vec3{0.35, 1, -0.22}), liver.bounds), 20);
  liver = without(liver, ellipsoid({-8, 44, right_dome - 60}, {34, 46, 90}), 14);  // spine, aorta, crura
  liver = without(liver, offset(stomach, 4), 10);
  liver = displaced(liver, NoiseField(options_.seed + 124, 55), 3.5, 0.2);
  liver_ = liver;

  const auto mottled = [&](Paint p, double amplitude, double pitch, std::uint64_t stream) {
    if (ct) p.texture = [noise = NoiseField(options_.seed + stream, pitch), amplitude](Vec3 q) { return amplitude * noise(q); };
    return p;
  };
  scene_.paint(mottled(spleen_paint, 7, 6, 125), spleen);
  scene_.paint(paint(Tissue::stomach_wall, body), stomach);
  const Shape lumen = offset(stomach, -4.0);
  scene_.paint(mottled(paint(Tissue::stomach_content, body), 40, 8, 126), lumen);
  scene_.paint(paint(Tissue::air, body), common(lumen, half_space({0, level, 0}, {0, 1, 0.02}, lumen.bounds), 0.5));
  scene_.paint(mottled(paint(Tissue::liver, scene_.structure("liver")), 9, 7, 127), liver);
  // Portal and hepatic veins: a little darker than liver without contrast medium.
  if (ct) {
    Random random(options_.seed, 131);
    std::vector<Vec3> points = scattered(liver, 26, 8, Random(options_.seed, 132));
    const std::vector<Branch> veins = grown_tree({-20, 16, right_dome - 30}, {-1, -0.2, -0.4}, points, 1.0, 2.7, 0.42, random);
    scene_.paint({value(Tissue::blood) - 2, {}, keep_structure, 0, {scene_.structure("liver")}},
                 capsules_of(veins, 1.2, 1.0, 0.05, Random(options_.seed, 133)));
    points = scattered(liver, 28, 8, Random(options_.seed, 134));
    const std::vector<Branch> portal =
        grown_tree({-24, -2, right_dome - 96}, {-1, 0, 0.5}, points, 1.0, 2.7, 0.42, Random(options_.seed, 135));
    scene_.paint({value(Tissue::blood), {}, keep_structure, 0, {scene_.structure("liver")}},
                 capsules_of(portal, 1.2, 1.0, 0.05, Random(options_.seed, 136)));
  }
  scene_.paint(paint(Tissue::gallbladder, body), ellipsoid({-46, -44, right_dome - 128}, {15, 17, 32}, rotation_about({1, 0, 0}, 0.5)));

  // Pancreas, splenic vein.
  scene_.paint(mottled(paint(Tissue::pancreas, body), 26, 6, 128),
               displaced(tube(curve({{-26, -16, -118}, {0, -14, -106}, {30, 0, -98}, {58, 22, -86}}, {14, 10, 10, 9}, 5)),
                         NoiseField(options_.seed + 129, 9), 2.0, 0.5));
  scene_.paint(paint(Tissue::blood, body), curve({{-14, -8, -98}, {14, -2, -94}, {44, 18, -82}, {66, 34, -72}}, {6, 5, 4.5, 4}, 4));

  // Kidneys: bean with a sinus of fat, cortex, pyramids and pelvis.
  for (const bool left : {true, false}) {
    const double side = left ? 1 : -1;
    const double z = left ? -104 : -116;
    const Vec3 center{side * 62, f.spine_y(z) - 2, z};
    const Mat3 axes = rotation_about({0, 1, 0}, side * 0.22) * rotation_about({1, 0, 0}, -0.18) * rotation_about({0, 0, 1}, -side * 0.5);
    const auto local = [&](double u, double v, double w) { return center + axes * Vec3{side * u, v, w}; };
    const Shape sinus = ellipsoid(local(-24, -2, 0), {23, 13, 26}, axes);
    Shape kidney = without(ellipsoid(center, {29, 25, 55}, axes), offset(sinus, 0), 8);
    kidney = displaced(kidney, NoiseField(options_.seed + 141 + (left ? 1 : 0), 24), 1.3, 0.2);
    (left ? kidney_left_ : kidney_right_) = kidney;
    const int structure = scene_.structure(left ? "kidney_left" : "kidney_right");
    // Perirenal fat keeps liver, spleen and bowel off.
    scene_.paint(paint(Tissue::visceral_fat, visceral), common(offset(ellipsoid(center, {29, 25, 55}, axes), 6), fat, 3));
    scene_.paint(mottled(paint(Tissue::kidney_cortex, structure), 6, 6, 143), kidney);
    std::vector<Capsule> pyramids;
    for (int row = 0; row < 7; ++row) {
      for (const double v : {-0.55, 0.55}) {
        const double a = (row - 3) * 0.42;
        pyramids.push_back(
            {local(2 + 5 * std::cos(a), 10 * v, 34 * std::sin(a)), local(10 * std::cos(a) + 4, 18 * v, 44 * std::sin(a)), 3.0, 6.0, 1});
      }
    }
    Paint medulla = paint(Tissue::kidney_medulla, structure);
    medulla.within = {structure};
    scene_.paint(std::move(medulla), pyramids);
    scene_.paint(paint(Tissue::kidney_pelvis, body),
                 curve({local(-8, 0, 10), local(-18, 0, 0), local(-30, 4, -14), local(-34, 4, -60)}, {5, 7, 4, 2.2}, 4));
    scene_.paint(paint(Tissue::kidney_pelvis, body), curve({local(-8, 0, -14), local(-18, 0, 0)}, {4, 6}, 3));
    scene_.paint(paint(Tissue::blood, body),
                 curve({local(-12, -3, 3), {side * 26, f.spine_y(z) - 26, z + 6}, {side * 6, f.spine_y(z) - 32, z + 8}}, {4, 5, 5}, 4));
    // Adrenal: an inverted Y above the kidney.
    const Vec3 top = {side * 36, f.spine_y(z) - 12, z + 56};
    scene_.paint(paint(Tissue::pancreas, body),
                 curve({top, top + Vec3{side * 3, 8, -14}, top + Vec3{side * 6, 18, -22}}, {2.6, 2.4, 2.0}, 3));
    scene_.paint(paint(Tissue::pancreas, body),
                 curve({top, top + Vec3{-side * 3, 10, -14}, top + Vec3{-side * 3, 18, -22}}, {2.6, 2.2, 1.8}, 3));
  }
  // Crura of the diaphragm.
  for (const double side : {-1.0, 1.0}) {
    scene_.paint(paint(Tissue::diaphragm, scene_.structure("muscle")), curve({{side * 13 + 4, 20, -24},
                                                                              {side * 16 + 4, f.spine_y(-60) - 24, -60},
                                                                              {side * 15, f.spine_y(-110) - 20, -110},
                                                                              {side * 12, f.spine_y(-150) - 20, -150}},
                                                                             {4, 6, 5, 2.5}, 5, 1.0));
  }
}

void Torso::paint_bowel() {
  const int body = scene_.structure("body"), visceral = scene_.structure("visceral_fat");
  Random random(options_.seed, 151);
  const bool ct = options_.signal == TorsoSignal::hounsfield;
  const auto loop = [&](const std::vector<Vec3>& way, double radius, double gas_share) {
    std::vector<double> radii;
    for (std::size_t n = 0; n < way.size(); ++n) radii.push_back(radius * random.next_uniform(0.82, 1.15));
    const std::vector<Capsule> pieces = curve(way, radii, 5);
    Paint wall = paint(Tissue::bowel_wall, body);
    wall.within = {visceral, body};
    scene_.paint(wall, pieces);
    Paint content = paint(Tissue::bowel_content, body);
    content.within = {body};
    if (ct) {
      const double phase = random.next_uniform(0, 900);
      content.texture = [noise = NoiseField(options_.seed + 152, 26), fine = NoiseField(options_.seed + 153, 5), phase, gas_share](Vec3 p) {
        const double g = noise({p.x + phase, p.y, p.z}) - 0.008 * p.y;
        return g > 0.55 - gas_share ? -1000.0 : 55 * fine(p);
      };
    }
    scene_.paint(content, widened(pieces, -2.6));
  };
  // Colon: flexures and the transverse part; small bowel: loops across the middle.
  loop({{-86, 12, -320},
        {-92, 4, -260},
        {-94, -2, -210},
        {-84, -18, -178},
        {-52, -58, -186},
        {-8, -70, -196},
        {36, -66, -186},
        {70, -38, -150},
        {98, 4, -112},
        {100, 24, -140},
        {98, 20, -200},
        {94, 14, -260},
        {84, 6, -320}},
       21, 0.42);
  for (int n = 0; n < 14; ++n) {
    const double z = -165 - 11.5 * n;
    std::vector<Vec3> way;
    for (int k = 0; k < 7; ++k) {
      way.push_back({-66 + 22.0 * k + random.next_uniform(-8, 8), random.next_uniform(-62, 8), z + random.next_uniform(-14, 14)});
    }
    loop(way, 13, 0.05);
  }
}

}  // namespace gantry::simulation
