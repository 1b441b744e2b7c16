// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/torso.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "gantry/base/error.h"

namespace gantry::simulation {

namespace {

struct TissueRow {
  Tissue tissue;
  float hounsfield, uptake;
};

constexpr std::array tissues{
    TissueRow{Tissue::air, -1000, 0},
    TissueRow{Tissue::skin, 20, 0.5F},
    TissueRow{Tissue::fat, -104, 0.25F},
    TissueRow{Tissue::muscle, 56, 0.65F},
    TissueRow{Tissue::cortical_bone, 780, 0.6F},
    TissueRow{Tissue::marrow, 170, 1.2F},
    TissueRow{Tissue::disc, 82, 0.6F},
    TissueRow{Tissue::cartilage, 105, 0.6F},
    TissueRow{Tissue::cord, 38, 1.3F},
    TissueRow{Tissue::cerebrospinal_fluid, 6, 0.4F},
    TissueRow{Tissue::mediastinal_fat, -98, 0.4F},
    TissueRow{Tissue::visceral_fat, -105, 0.35F},
    TissueRow{Tissue::blood, 43, 1.6F},
    TissueRow{Tissue::vessel_wall, 50, 1.5F},
    TissueRow{Tissue::myocardium, 50, 3.0F},
    TissueRow{Tissue::lung, -862, 0.42F},
    TissueRow{Tissue::airway_wall, 10, 0.9F},
    TissueRow{Tissue::esophagus, 38, 1.5F},
    TissueRow{Tissue::diaphragm, 48, 0.8F},
    TissueRow{Tissue::liver, 60, 2.1F},
    TissueRow{Tissue::gallbladder, 10, 0.6F},
    TissueRow{Tissue::spleen, 51, 1.75F},
    TissueRow{Tissue::kidney_cortex, 36, 2.6F},
    TissueRow{Tissue::kidney_medulla, 30, 3.4F},
    TissueRow{Tissue::kidney_pelvis, 2, 9.0F},
    TissueRow{Tissue::stomach_wall, 40, 1.6F},
    TissueRow{Tissue::stomach_content, 18, 0.7F},
    TissueRow{Tissue::bowel_wall, 38, 1.5F},
    TissueRow{Tissue::bowel_content, 15, 1.0F},
    TissueRow{Tissue::pancreas, 36, 1.4F},
    TissueRow{Tissue::bladder, 6, 14.0F},
    TissueRow{Tissue::thyroid, 95, 1.4F},
    TissueRow{Tissue::table_shell, -150, 0},
    TissueRow{Tissue::table_core, -955, 0},
};

Vec3 divided(Vec3 a, Vec3 b) { return {a.x / b.x, a.y / b.y, a.z / b.z}; }

}  // namespace

float Torso::value(Tissue tissue) const {
  if (options_.signal == TorsoSignal::uptake && tissue == Tissue::myocardium) return static_cast<float>(options_.myocardium_uptake);
  for (const TissueRow& row : tissues) {
    if (row.tissue == tissue) return options_.signal == TorsoSignal::hounsfield ? row.hounsfield : row.uptake;
  }
  throw Error(ErrorCode::internal, "torso: a tissue has no row");
}

Torso::Torso(const TorsoOptions& options, const Run& run)
    : options_(options), frame_(options.traits, options.seed, run), scene_(options.signal == TorsoSignal::hounsfield ? -1000.0F : 0.0F) {
  if (options.table && options.signal == TorsoSignal::hounsfield) paint_table();
  paint_wall();
  paint_muscles();
  paint_abdomen();
  paint_ribs();
  paint_shoulders();
  paint_spine();
  paint_heart();
  paint_mediastinum();
  paint_lungs();
}

double Torso::model_lung_volume_mm3() const { return volume_mm3(frame_.lung_left(), 3.0) + volume_mm3(frame_.lung_right(), 3.0); }

void Torso::set_scale(Vec3 world_from_model) {
  scale_ = world_from_model;
  scene_.set_scale(world_from_model);
}

double Torso::depth_in(const Shape& shape, Vec3 world) const {
  const Vec3 p = divided(world, scale_);
  constexpr double h = 0.5;
  const double d = shape.field(p);
  const Vec3 g{(shape.field({p.x + h, p.y, p.z}) - d) / h, (shape.field({p.x, p.y + h, p.z}) - d) / h,
               (shape.field({p.x, p.y, p.z + h}) - d) / h};
  return -d / std::max(0.3, norm(divided(g, scale_)));
}

double Torso::depth_in_lungs(Vec3 world) const {
  return std::max(depth_in(frame_.lung_left(), world), depth_in(frame_.lung_right(), world));
}

void Torso::bone(const Shape& shape, int structure, double cortex) {
  scene_.paint(paint(Tissue::cortical_bone, structure), shape);
  Paint inside = paint(Tissue::marrow, structure);
  if (options_.signal == TorsoSignal::hounsfield) {
    inside.texture = [fine = NoiseField(options_.seed + 21, 2.6), coarse = NoiseField(options_.seed + 22, 9)](Vec3 p) {
      return 130 * fine(p) + 70 * coarse(p);
    };
  }
  scene_.paint(std::move(inside), offset(shape, -cortex));
}

void Torso::bone(const std::vector<Capsule>& pieces, int structure, double cortex) {
  scene_.paint(paint(Tissue::cortical_bone, structure), pieces);
  scene_.paint(paint(Tissue::marrow, structure), widened(pieces, -cortex));
}

void Torso::add_lesion(int number, const Lesion& lesion) {
  const Vec3 center = divided(lesion.center_mm, scale_);
  const Vec3 scale = scale_;
  const double phase = 17.0 * number + frame_.traits().noise_phase;
  const NoiseField bumps(options_.seed + 1000 + static_cast<std::uint64_t>(number), 0.9);
  const double lobulation = lesion.lobulation;
  // Radius over the nominal one in a direction: smooth, and the same for all sizes.
  const auto relative = [=](Vec3 n) { return 1 + lobulation * bumps({n.x + phase, n.y, n.z}); };
  // The mean of the longest axis and of the longest one across it, in the axial plane, for a nominal radius of 1.
  constexpr int steps = 180;
  std::array<Vec3, steps> outline;
  for (int k = 0; k < steps; ++k) {
    const double a = 2 * std::numbers::pi * k / steps;
    const Vec3 n{std::cos(a), std::sin(a), 0};
    outline[static_cast<std::size_t>(k)] = relative(n) * n;
  }
  const auto extent = [&](double angle) {
    const Vec3 n{std::cos(angle), std::sin(angle), 0};
    double low = 1e9, high = -1e9;
    for (const Vec3& q : outline) low = std::min(low, dot(q, n)), high = std::max(high, dot(q, n));
    return high - low;
  };
  double longest = 0, at = 0;
  for (int k = 0; k < steps; ++k) {
    const double a = std::numbers::pi * k / steps;
    if (extent(a) > longest) longest = extent(a), at = a;
  }
  const double mean = 0.5 * (longest + extent(at + 0.5 * std::numbers::pi));
  const auto shape = [&](double radius) {
    const double reach = radius * (1 + lobulation);
    const Vec3 r = divided({reach, reach, reach}, scale);
    return Shape{[=](Vec3 p) {
                   const Vec3 d{(p.x - center.x) * scale.x, (p.y - center.y) * scale.y, (p.z - center.z) * scale.z};
                   const double length = norm(d);
                   return length - radius * (length > 1e-9 ? relative((1 / length) * d) : 1.0);
                 },
                 1.4 + 3 * lobulation,
                 {center - r, center + r}};
  };
  const double radius = lesion.diameter_mm / mean;
  Paint surface{.value = lesion.value, .lesion = number, .within = lesion.within};
  if (options_.signal == TorsoSignal::hounsfield && lesion.value < -200) {
    surface.at_least = true;
    surface.texture = [fine = NoiseField(options_.seed + 23, 3.0)](Vec3 p) { return 60 * fine(p); };
  }
  scene_.paint(std::move(surface), shape(radius));
  if (lesion.core_share > 0)
    scene_.paint({lesion.core_value, {}, keep_structure, number, lesion.within}, shape(radius * lesion.core_share));
}

}  // namespace gantry::simulation
