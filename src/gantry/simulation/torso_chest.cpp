// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>

#include "gantry/simulation/torso.h"

namespace gantry::simulation {

void Torso::paint_mediastinum() {
  const int body = scene_.structure("body"), aorta = scene_.structure("aorta");
  const TorsoFrame& f = frame_;
  scene_.paint(paint(Tissue::blood, body), f.vena_cava_superior());
  scene_.paint(paint(Tissue::blood, body), f.vena_cava_inferior());
  scene_.paint(paint(Tissue::blood, body), f.pulmonary_arteries());
  // Brachiocephalic veins; branches of the arch.
  scene_.paint(paint(Tissue::blood, body),
               curve({{-24, -16, 130}, {-6, -26, 142}, {22, -24, 156}, {34, -8, 182}, {36, 0, 230}}, {8, 7, 7, 6.5, 6.5}, 4));
  scene_.paint(paint(Tissue::blood, body), curve({{-24, -16, 130}, {-30, -12, 158}, {-34, -2, 190}, {-36, 2, 230}}, {8, 7, 6.5, 6.5}, 4));
  scene_.paint(paint(Tissue::blood, aorta), f.aorta());
  scene_.paint(paint(Tissue::blood, body), curve({{-3, -12, 126}, {-12, -6, 150}, {-22, 2, 178}, {-26, 6, 230}}, {6.5, 6, 5, 4}, 4));
  scene_.paint(paint(Tissue::blood, body), curve({{6, 6, 132}, {10, 2, 156}, {18, 4, 184}, {24, 6, 230}}, {4.5, 4, 3.8, 3.6}, 4));
  scene_.paint(paint(Tissue::blood, body),
               curve({{14, 20, 130}, {24, 20, 158}, {40, 14, 190}, {66, 4, 206}, {110, 6, 196}}, {5, 4.6, 4.5, 4.5, 4}, 4));
  scene_.paint(paint(Tissue::blood, body), curve({{-22, 2, 176}, {-42, 8, 200}, {-70, 4, 206}, {-112, 6, 196}}, {4.6, 4.5, 4.5, 4}, 4));
  // Azygos.
  const auto azygos = [&](double z) { return Vec3{-9, f.spine_y(z) - 21, z}; };
  scene_.paint(paint(Tissue::blood, body),
               curve({azygos(-80), azygos(0), azygos(60), {-12, 36, 92}, {-22, 22, 108}, {-27, -2, 104}}, {3, 3.5, 4, 4.5, 4.5, 4.5}, 4));
  // Oesophagus with a trace of air.
  scene_.paint(paint(Tissue::esophagus, body), f.esophagus());
  if (options_.signal == TorsoSignal::hounsfield)
    scene_.paint({-250, {}, body, 0, {}}, curve({{6, 34, 128}, {2, 37, 92}, {3, 36.5, 60}}, {0.4, 1.7, 0.6}, 4));
  // Thymic remnant and lymph nodes in the fat.
  Random random(options_.seed, 61);
  for (int n = 0; n < 16; ++n) {
    const Vec3 center{random.next_uniform(-24, 26), random.next_uniform(-30, 30), random.next_uniform(70, 130)};
    const double r = random.next_uniform(1.8, 3.6);
    scene_.paint({shifted(Tissue::muscle, -10), {}, body, 0, {body}}, ellipsoid(center, {1.4 * r, r, r}));
  }
  scene_.paint({shifted(Tissue::mediastinal_fat, 55),
                [web = NoiseField(options_.seed + 62, 5), amplitude = options_.signal == TorsoSignal::hounsfield ? 60.0 : 0.0](Vec3 p) {
                  return amplitude * web(p);
                },
                body,
                0,
                {body}},
               ellipsoid({2, -48, 100}, {15, 6, 26}));
  // Thyroid.
  for (const double side : {-1.0, 1.0}) scene_.paint(paint(Tissue::thyroid, body), ellipsoid({side * 17, -8, 236}, {9, 11, 22}));
  // Trachea and main bronchi: wall, then lumen.
  const std::vector<Capsule> airway = f.trachea_and_main_bronchi();
  scene_.paint(paint(Tissue::airway_wall, scene_.structure("airways")), widened(airway, 1.3));
}

void Torso::paint_heart() {
  const TorsoFrame& f = frame_;
  const int heart = scene_.structure("heart");
  const Mat3 axes = f.heart_axes();
  const Vec3 center = f.heart_center();
  const double s = f.traits().heart;
  scene_.paint(paint(Tissue::diaphragm, heart), offset(f.heart(), 1.2));  // pericardium
  scene_.paint(paint(Tissue::mediastinal_fat, heart), f.heart());
  const auto at = [&](double u, double v, double w) { return center + s * (axes * Vec3{u, v, w}); };
  const auto place = [&](Vec3 p) { return center + s * (p - Vec3{21, -30, 30}); };
  // Chambers as solids with the grooves between them left to fat.
  const Mat3 left_axis = axis_from_z({0.78, -0.48, -0.40});
  const Vec3 left = place({46, -22, 20});
  Shape ventricle = displaced(ellipsoid(left, s * Vec3{30, 29, 44}, left_axis), NoiseField(options_.seed + 71, 25), 1.2, 0.2);
  Shape right_ventricle =
      ellipsoid(place({14, -54, 20}), s * Vec3{38, 20, 36}, rotation_about({0, 0, 1}, -0.35) * rotation_about({0, 1, 0}, 0.3));
  right_ventricle = joined(right_ventricle, tube({{place({14, -54, 34}), place({18, -47, 62}), 15 * s, 13 * s, 1}}), 10);
  const Shape left_atrium = ellipsoid(place({6, 8, 54}), s * Vec3{34, 19, 22}, rotation_about({0, 0, 1}, 0.15));
  const Shape right_atrium = ellipsoid(place({-26, -20, 34}), s * Vec3{21, 25, 32});
  const Paint muscle = paint(Tissue::myocardium, heart), blood = paint(Tissue::blood, heart);
  scene_.paint(muscle, offset(right_ventricle, 2.5));
  scene_.paint(blood, right_ventricle);
  scene_.paint(muscle, offset(right_atrium, 1.5));
  scene_.paint(blood, right_atrium);
  scene_.paint(muscle, offset(left_atrium, 1.5));
  scene_.paint(blood, left_atrium);
  scene_.paint(muscle, ventricle);
  scene_.paint(blood, ellipsoid(left + s * (left_axis * Vec3{0, 0, -5}), s * Vec3{19.5, 18.5, 35}, left_axis));
  // Pulmonary veins into the left atrium.
  for (const Vec3 from : {Vec3{44, 26, 58}, Vec3{40, 16, 72}, Vec3{-42, 22, 50}, Vec3{-38, 8, 66}}) {
    const Vec3 to = place({from.x > 0 ? 26.0 : -18.0, 12, 52});
    scene_.paint(paint(Tissue::blood, heart), std::vector<Capsule>{{from, to, 6.0, 7.5, 1}});
  }
  // Coronary arteries in the grooves, just below the surface of the heart.
  const auto on_surface = [&](Vec3 direction) {
    double low = 0, high = 140;
    for (int step = 0; step < 30; ++step) {
      const double middle = 0.5 * (low + high);
      (f.heart().field(center + middle * direction) < -3.5 ? low : high) = middle;
    }
    return center + low * direction;
  };
  const auto course = [&](const std::vector<Vec3>& directions, double from, double to) {
    std::vector<Vec3> points;
    std::vector<double> radii;
    for (std::size_t n = 0; n < directions.size(); ++n) {
      points.push_back(on_surface(normalized(directions[n])));
      radii.push_back(from + (to - from) * static_cast<double>(n) / static_cast<double>(directions.size() - 1));
    }
    return curve(points, radii, 5);
  };
  const auto add = [&](const std::vector<Capsule>& pieces) {
    for (const Capsule& c : pieces) coronaries_.push_back({c.a_mm, c.b_mm, c.radius_a_mm, c.radius_b_mm, 1});
    scene_.paint(paint(Tissue::blood, heart), pieces);
  };
  add(course({{-0.1, -0.5, 0.9}, {0.25, -0.8, 0.6}, {0.45, -0.95, 0.2}, {0.65, -0.9, -0.2}, {0.8, -0.7, -0.5}}, 2.0, 1.0));  // descending
  add(course({{-0.05, -0.4, 0.9}, {0.5, -0.1, 0.75}, {0.8, 0.25, 0.45}, {0.7, 0.5, 0.0}}, 1.8, 0.9));                        // circumflex
  add(course({{-0.35, -0.6, 0.7}, {-0.6, -0.8, 0.25}, {-0.6, -0.75, -0.3}, {-0.3, -0.3, -0.9}}, 1.9, 1.0));                  // right
  static_cast<void>(at);
}

namespace {

/// CT number of lung tissue: heavier where it is dependent, mottled, and with holes of emphysema.
class Parenchyma {
 public:
  Parenchyma(const TorsoFrame& frame, std::uint64_t seed, double mean, double part)
      : frame_(frame),
        mean_(mean),
        coarse_(seed + 81, 13),
        fine_(seed + 82, 4.2),
        grain_(seed + 83, 2.0),
        holes_(seed + 84, 19),
        small_holes_(seed + 85, 7.5) {
    if (!(part > 0)) return;
    std::vector<double> levels;
    for (const Shape* lung : {&frame.lung_left(), &frame.lung_right()}) {
      for (const Vec3& p : scattered(*lung, 7.0, 1.5, Random(seed, 86))) levels.push_back(hole(p));
    }
    const auto rank = static_cast<std::ptrdiff_t>(std::clamp(1 - part, 0.0, 1.0) * static_cast<double>(levels.size() - 1));
    std::nth_element(levels.begin(), levels.begin() + rank, levels.end());
    threshold_ = levels[static_cast<std::size_t>(rank)];
    diseased_ = true;
  }
  /// Difference to the mean.
  double operator()(Vec3 p) const {
    const double depth = (p.y - frame_.cavity_center_y(p.z)) / 90;
    const double healthy = 20 * depth + 16 * coarse_(p) + 36 * fine_(p) + 34 * grain_(p);
    if (!diseased_) return healthy;
    const double t = std::clamp((hole(p) - threshold_) / 0.10 + 0.78, 0.0, 1.0);
    const double w = t * t * (3 - 2 * t);
    return (1 - w) * healthy + w * (-988 + 14 * fine_(p) - mean_);
  }

 private:
  double hole(Vec3 p) const { return 0.72 * holes_(p) + 0.42 * small_holes_(p) + 0.0008 * p.z; }
  const TorsoFrame& frame_;
  double mean_;
  NoiseField coarse_, fine_, grain_, holes_, small_holes_;
  double threshold_ = 0;
  bool diseased_ = false;
};

}  // namespace

void Torso::paint_lungs() {
  paint_lung(true);
  paint_lung(false);
  // The airway's lumen comes last, so that it stays open where it enters the lungs.
  scene_.paint(paint(Tissue::air, scene_.structure("airways")), frame_.trachea_and_main_bronchi());
}

void Torso::paint_lung(bool left) {
  const TorsoFrame& f = frame_;
  const Shape& lung = left ? f.lung_left() : f.lung_right();
  const int structure = scene_.structure(left ? "lung_left" : "lung_right");
  const double side = left ? 1 : -1;
  const bool ct = options_.signal == TorsoSignal::hounsfield;
  Paint tissue = paint(Tissue::lung, structure);
  if (ct) {
    tissue.value = static_cast<float>(options_.inflation_hu);
    tissue.texture = Parenchyma(f, options_.seed, options_.inflation_hu, options_.low_attenuation);
  }
  scene_.paint(std::move(tissue), lung);
  if (!ct) return;

  // Fissures: thin, slightly wavy sheets.
  const auto fissure = [&](Vec3 point, Vec3 normal, Box box) {
    const Vec3 n = normalized(normal);
    scene_.paint({-640, {}, keep_structure, 0, {structure}},
                 displaced(Shape{[=](Vec3 p) { return std::abs(dot(p - point, n)) - 0.35; }, 1.0, box}, NoiseField(options_.seed + 91, 60),
                           4.0, 0.0));
  };
  const Vec3 oblique{0, -0.62, -0.78};
  fissure({0, 6, 70}, oblique, lung.bounds);
  if (!left) fissure({0, -40, 62}, {0, 0.12, 1}, {{-140, -110, 40}, {0, -3, 90}});

  // Airways first, arteries beside them, veins between.
  const Vec3 hilum = f.hilum(left);
  const Random random(options_.seed, left ? 101 : 102);
  std::vector<Vec3> ends = scattered(lung, 13.0, 6.0, Random(options_.seed, left ? 103 : 104));
  const std::vector<Branch> airways = grown_tree(hilum, {side, 0.1, -0.15}, ends, 0.55, 2.7, 0.42, random);
  const Vec3 shift{side * 0.3, -0.62, 0.62};
  std::vector<Branch> arteries = airways;
  for (Branch& branch : arteries) {
    const auto beside = [&](double radius) { return 2.3 * radius * shift; };
    const double parent = branch.parent < 0 ? branch.radius_mm : airways[static_cast<std::size_t>(branch.parent)].radius_mm;
    branch.from_mm = branch.from_mm + beside(parent);
    branch.to_mm = branch.to_mm + beside(branch.radius_mm);
  }
  const Vec3 vein_root = hilum + Vec3{-2 * side, -8, -20};
  const std::vector<Branch> veins =
      grown_tree(vein_root, {side, -0.1, -0.3}, scattered(lung, 13.0, 5.0, Random(options_.seed, left ? 105 : 106)), 0.58, 2.7, 0.40,
                 Random(options_.seed, left ? 107 : 108));
  const auto vessels = [&](const std::vector<Branch>& tree, double scale, std::uint64_t stream) {
    std::vector<Capsule> pieces = capsules_of(tree, 0.2, scale, 0.05, Random(options_.seed, stream));
    for (const Capsule& c : pieces) {
      if (c.radius_b_mm > 0.9) lung_vessels_.push_back(c);
    }
    scene_.paint({shifted(Tissue::blood, -4), {}, keep_structure, 0, {structure}}, std::move(pieces));
  };
  vessels(arteries, 1.05, left ? 109 : 110);
  vessels(veins, 1.0, left ? 111 : 112);
  const std::uint64_t bends = left ? 113 : 114;
  const std::vector<Capsule> bronchi = capsules_of(airways, 0.75, 0.80, 0.03, Random(options_.seed, bends));
  // A wall of a fifth of the radius, at least half a millimetre.
  std::vector<Capsule> walls = bronchi;
  for (Capsule& c : walls) {
    c.radius_a_mm += std::max(0.45, 0.22 * c.radius_a_mm);
    c.radius_b_mm += std::max(0.45, 0.22 * c.radius_b_mm);
  }
  scene_.paint({value(Tissue::airway_wall), {}, keep_structure, 0, {structure}}, std::move(walls));
  scene_.paint({value(Tissue::air), {}, keep_structure, 0, {structure}}, bronchi);
}

}  // namespace gantry::simulation
