// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/head.h"

#include <algorithm>
#include <cmath>

#include "gantry/simulation/head_signal.h"
#include "gantry/simulation/noise_field.h"

namespace gantry::simulation {

namespace {

/// Height over the tentorium, which rises to the middle and to the front.
double tentorium(Vec3 p) { return p.z + 11 + 0.20 * (p.y - 22) + 0.24 * std::abs(p.x) - 0.0012 * p.x * p.x; }

}  // namespace

HeadTraits drawn_head_traits(Random random, int age_years) {
  HeadTraits t;
  t.length = 1 + 0.025 * random.next_normal();
  t.breadth = 1 + 0.025 * random.next_normal();
  t.height = 1 + 0.02 * random.next_normal();
  const double old = std::clamp((age_years - 40) / 40.0, 0.0, 1.2);
  t.ventricles = std::clamp(0.9 + 0.4 * old + 0.12 * random.next_normal(), 0.7, 1.7);
  t.atrophy_mm = std::clamp(0.15 + 0.55 * old + 0.12 * random.next_normal(), 0.0, 1.1);
  t.scalp_mm = std::clamp(5.5 + 1.0 * random.next_normal(), 3.5, 8.0);
  t.phase = random.next_uniform(0, 900);
  return t;
}

Head::Head(const HeadTraits& traits, std::uint64_t seed, const Run& run) : traits_(traits), seed_(seed), scene_(signal::air) {
  build_cavity(run);
  build_brain(run);
  paint_outside();
  paint_skull();
  paint_face();
  paint_brain();
  paint_deep();
}

void Head::set_scale(double world_from_model) {
  scale_ = world_from_model;
  scene_.set_scale({scale_, scale_, scale_});
}

void Head::fill(float value, std::string_view structure, Shape shape, double mottle) {
  Paint paint{value, {}, structure.empty() ? keep_structure : scene_.structure(structure), 0, {}};
  if (mottle > 0) {
    paint.texture = [coarse = NoiseField(seed_ + 1, 22), fine = NoiseField(seed_ + 2, 5), mottle](Vec3 p) {
      return mottle * (coarse(p) + 0.6 * fine(p));
    };
  }
  scene_.paint(std::move(paint), std::move(shape));
}

void Head::build_cavity(const Run& run) {
  const double l = traits_.length, b = traits_.breadth, h = traits_.height;
  const Box all{{-90, -115, -110}, {90, 115, 105}};
  // Vault, cut by the skull base, which steps down from the front to the middle fossa; then the fossae below it.
  Shape vault = superellipsoid({0, -1, 12 * h}, {69 * b, 87 * l, 66 * h}, 2.25);
  const Shape base = {[](Vec3 p) { return -24 - 10 / (1 + std::exp(-(p.y + 30) / 6)) - p.z; }, 2.0, all};
  vault = common(vault, base, 10);
  Shape cavity = joined(vault, ellipsoid({0, 40 * l, -34}, {57 * b, 47 * l, 34}), 10);
  for (const double side : {-1.0, 1.0}) cavity = joined(cavity, ellipsoid({side * 43 * b, -16, -24}, {24, 36, 21}), 8);
  cavity = displaced(cavity, NoiseField(seed_ + 11, 55), 2.2, 0.15);
  cavity.bounds = cavity.bounds.grown(18);
  cavity_ = tabulated(cavity, 2.0, 40, run);
}

void Head::build_brain(const Run& run) {
  const double l = traits_.length, b = traits_.breadth;
  // Ventricles.
  const double v = traits_.ventricles;
  std::vector<Capsule> lateral;
  for (const double side : {-1.0, 1.0}) {
    for (const Capsule& c :
         curve({{side * 6, -36, 10}, {side * 8, -28, 17}, {side * 12, -4, 23}, {side * 20, 22, 16}, {side * 26, 34, 8}, {side * 24, 50, 5}},
               {2.4 * v, 4.8 * v, 4.6 * v, 5.2 * v, 6.0 * v, 1.8 * v}, 4, 0.9)) {
      lateral.push_back(c);
    }
    for (const Capsule& c : curve({{side * 26, 32, 8}, {side * 33, 20, -8}, {side * 34, 2, -18}, {side * 31, -8, -20}},
                                  {4.2 * v, 2.4 * v, 2.0 * v, 1.2 * v}, 4)) {
      lateral.push_back(c);
    }
  }
  ventricles_ = tube(lateral);
  ventricles_ = joined(ventricles_, ellipsoid({0, 2, 2}, {1.9 * v, 14, 10}), 2);
  ventricles_ = joined(ventricles_, tube(curve({{0, 14, -2}, {0, 19, -12}, {0, 24, -26}}, {1.1, 1.0, 1.4}, 4)), 1.5);
  ventricles_ = joined(ventricles_, ellipsoid({0, 27, -35}, {7.5 * v, 5, 10}), 2);
  ventricles_ = tabulated(ventricles_, 1.0, 8, run);

  // Brain stem and cerebellum.
  // Before the pons lies a cistern, then the clivus.
  brain_stem_ = tube(curve({{0, 8, 0}, {0, 12, -12}, {0, 11, -32}, {0, 20, -54}, {0, 31, -78}, {0, 40, -110}, {0, 44, -150}},
                           {12, 13, 14, 9.5, 6.5, 5.5, 5.5}, 5));
  // The cerebellum fills what lies under the tentorium.
  const Field under = [](Vec3 p) { return std::max(tentorium(p) + 0.7, 10 - p.y - 0.15 * std::abs(p.x)); };
  Shape cerebellum = common(offset(cavity_, -2.6), Shape{under, 1.6, {{-62 * b, 0, -80}, {62 * b, 95 * l, 8}}}, 8);
  cerebellum = without(cerebellum, offset(brain_stem_, 1.2), 5);
  cerebellum = without(cerebellum, tube({{{0, 84, -26}, {0, 70, -64}, 6, 9, 1}}), 6);
  cerebellum_ = tabulated(cerebellum, 1.5, 20, run);

  // Folded cerebral surface. A point's place on the convexity decides about the folds, so that they run straight inwards.
  const Vec3 center{0, -2, 2};
  const auto convexity = [center, l, b](Vec3 p) {
    const Vec3 d = p - center;
    const Vec3 n{d.x / (66 * b), d.y / (84 * l), d.z / 64};
    const double k = std::max(0.25, norm(n));
    // Half-way between radial and parallel, else folds crowd in the depth.
    const double pull = 0.5 + 0.5 / k;
    return Vec3{d.x * pull, d.y * pull, d.z * pull};
  };
  const auto fold = [&](double pitch, std::uint64_t stream) {
    const NoiseField wave(seed_ + stream, pitch), warp(seed_ + stream + 1, 0.7 * pitch);
    const double phase = traits_.phase;
    const Field raw = [=](Vec3 p) {
      Vec3 q = convexity(p);
      q.x = std::abs(q.x) + (q.x > 0 ? phase : phase + 333);  // halves alike in style, not in detail
      return wave(q) + 0.35 * warp(q);
    };
    // Signed distance to the nearest zero, first order.
    return tabulated(
        {[raw](Vec3 p) {
           constexpr double h = 0.6;
           const double g = raw(p);
           const Vec3 slope{(raw({p.x + h, p.y, p.z}) - g) / h, (raw({p.x, p.y + h, p.z}) - g) / h, (raw({p.x, p.y, p.z + h}) - g) / h};
           return std::clamp(g / std::max(norm(slope), 0.012), -12.0, 12.0);
         },
         2.0,
         {{-76, -98, -52}, {76, 98, 84}}},
        1.2, 30, run);
  };
  const Shape deep_folds = fold(23, 21), shallow_folds = fold(13.5, 31);
  const double wide = traits_.atrophy_mm;
  const Shape callosal = ellipsoid({0, -2, 3}, {30, 44, 25});
  const auto sylvian = [b](Vec3 p, double side) {
    // A slit from the temporal stem outwards, rising to the back.
    const double sheet = p.z + 6 - 0.30 * (p.y + 10) + 0.10 * std::abs(p.x);
    const double inner = 36 * b - side * p.x, ahead = -38 - p.y, behind = p.y - 34;
    const double out = std::max({inner, ahead, behind, 0.0});
    return std::hypot(sheet, out);
  };
  // Distance inside the pia, positive in the brain.
  const Shape cavity = cavity_;
  const Field inside = [=](Vec3 p) {
    const double depth = -cavity.field(p) - (1.3 + 0.6 * wide);
    if (depth < -2) return depth;
    const auto slit = [&](double sheet, double reach, double width) {
      const double beyond = std::max(0.0, depth - reach);
      return std::hypot(sheet, beyond) - width * std::clamp(1 - 0.5 * depth / reach, 0.3, 1.0);
    };
    double d = depth;
    d = std::min(d, slit(deep_folds.field(p), 27, 0.55 + 0.45 * wide));
    d = std::min(d, slit(shallow_folds.field(p), 15, 0.42 + 0.32 * wide));
    for (const double side : {-1.0, 1.0}) d = std::min(d, sylvian(p, side) - (0.8 + 0.7 * wide));
    // Between the hemispheres down to the corpus callosum, and over the tentorium.
    const double kept = std::max(0.0, -callosal.field(p) + 1.0);
    d = std::min(d, std::hypot(p.x, kept) - (0.6 + 0.3 * wide));
    const double tent = tentorium(p);
    d = std::min(d, std::max(tent - 0.6, 6 - p.y - 0.15 * std::abs(p.x)));
    // No cortex about the stem of the brain.
    const double cistern = std::max({std::hypot(p.x, 0.6 * (p.y - 8)) - 17, p.z + 13, -30 - p.y});
    return std::min(d, cistern);
  };
  const Box box{{-74 * b, -94 * l, -50}, {74 * b, 94 * l, 84}};
  pia_ = tabulated({[inside](Vec3 p) { return -inside(p); }, 2.0, box}, 1.0, 14, run);
  pia_.detail_mm = 0.55;
  white_ = {[pia = pia_.field](Vec3 p) { return pia(p) + 2.8; }, pia_.lipschitz, box, 1.0};
}

double Head::model_brain_volume_mm3() const {
  const Box box = cavity_.bounds;
  double sum = 0;
  constexpr double pitch = 1.5;
  for (double z = box.low_mm.z; z < box.high_mm.z; z += pitch) {
    for (double y = box.low_mm.y; y < box.high_mm.y; y += pitch) {
      for (double x = box.low_mm.x; x < box.high_mm.x; x += pitch) {
        const Vec3 p{x, y, z};
        if (cavity_.field(p) > 0) continue;
        if (ventricles_.bounds.contains(p) && ventricles_.field(p) < 0) continue;
        if (brain_stem_.field(p) < 0 || (pia_.bounds.contains(p) && pia_.field(p) < 0)) {
          sum += 1;
        } else if (cerebellum_.bounds.contains(p) && cerebellum_.field(p) < 0) {
          sum += 0.86;  // the rest is fluid between the leaves
        }
      }
    }
  }
  return sum * pitch * pitch * pitch;
}

double Head::depth_in_brain(Vec3 world) const {
  const Vec3 p = (1 / scale_) * world;
  if (!pia_.bounds.contains(p)) return -10;
  return scale_ * std::min(-cavity_.field(p) - 4, ventricles_.bounds.contains(p) ? ventricles_.field(p) : 10.0);
}

void Head::add_tumor(int number, const BrainTumor& tumor) {
  const Vec3 center = (1 / scale_) * tumor.center_mm;
  const double radius = 0.5 * tumor.diameter_mm / scale_;
  const std::vector<int> tissue{scene_.structure("white_matter"), scene_.structure("gray_matter"), scene_.structure("deep_nuclei")};
  const auto lumpy = [&](double r, double bumps, std::uint64_t stream) {
    return displaced(sphere(center, r), NoiseField(seed_ + 900 + stream + 10 * static_cast<std::uint64_t>(number), std::max(6.0, 0.8 * r)),
                     bumps * r, bumps * 1.6);
  };
  // Oedema spreads in white matter alone and stays outside the lesion's volume.
  scene_.paint({signal::oedema, {}, keep_structure, 0, {tissue[0]}}, lumpy(1.75 * radius, 0.35, 1));
  scene_.paint({signal::tumor_rim, {}, keep_structure, number, tissue}, lumpy(radius, 0.10, 2));
  scene_.paint({signal::tumor_core, {}, keep_structure, number, tissue}, lumpy(0.62 * radius, 0.16, 3));
}

}  // namespace gantry::simulation
