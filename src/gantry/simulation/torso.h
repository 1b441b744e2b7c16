// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <memory>
#include <vector>

#include "gantry/simulation/noise_field.h"
#include "gantry/simulation/scene.h"
#include "gantry/simulation/torso_frame.h"
#include "gantry/simulation/tree.h"

namespace gantry::simulation {

/// What a torso is rendered as.
enum class TorsoSignal {
  hounsfield,  ///< CT numbers at 120 kVp without contrast medium
  uptake,      ///< SUV of 18F-FDG an hour after injection
};

/// What the torso is made of.
enum class Tissue {
  air,
  skin,
  fat,
  muscle,
  cortical_bone,
  marrow,
  disc,
  cartilage,
  cord,
  cerebrospinal_fluid,
  mediastinal_fat,
  visceral_fat,
  blood,
  vessel_wall,
  myocardium,
  lung,
  airway_wall,
  esophagus,
  diaphragm,
  liver,
  gallbladder,
  spleen,
  kidney_cortex,
  kidney_medulla,
  kidney_pelvis,
  stomach_wall,
  stomach_content,
  bowel_wall,
  bowel_content,
  pancreas,
  bladder,
  thyroid,
  table_shell,
  table_core
};

/// A nodule, tumour or uptake to be put in; centre and diameter in world mm.
struct Lesion {
  Vec3 center_mm;
  double diameter_mm = 8;
  float value = 0;          ///< of the lesion in the unit of the image
  float core_value = 0;     ///< of a part-solid nodule's core
  double core_share = 0;    ///< diameter of the core over that of the lesion; 0 = none
  double lobulation = 0;    ///< bumps of the surface as a part of the radius
  std::vector<int> within;  ///< structures that it stays inside; empty = anywhere
};

/// How a torso is built.
struct TorsoOptions {
  TorsoTraits traits;
  std::uint64_t seed = 0;
  TorsoSignal signal = TorsoSignal::hounsfield;
  bool table = true;
  double low_attenuation = 0;    ///< part of the lungs below -950 HU, 0 to 0.7
  double myocardium_uptake = 3;  ///< SUV
  double inflation_hu = -862;    ///< mean CT number of healthy parenchyma
};

/// The torso: a frame, a scene and what else lesions need to be placed.
class Torso {
 public:
  Torso(const TorsoOptions& options, const Run& run);
  const TorsoFrame& frame() const { return frame_; }
  Scene& scene() { return scene_; }
  /// Volume of both lungs in mm^3 of the model.
  double model_lung_volume_mm3() const;
  /// Makes the patient larger or smaller, axis by axis, before lesions are added.
  void set_scale(Vec3 world_from_model);

  /// Paints a lesion; its shape, seeded by `number`, has the asked mean of long and short axis in the axial plane.
  void add_lesion(int number, const Lesion& lesion);
  /// Depth in mm of a world point below the surface of the left, else the right lung; negative outside both.
  double depth_in_lungs(Vec3 world_mm) const;
  double depth_in(const Shape& shape, Vec3 world_mm) const;
  const Shape& liver() const { return liver_; }
  const Shape& kidney(bool left) const { return left ? kidney_left_ : kidney_right_; }
  /// Course of the coronary arteries where calcium may lie, in the model's mm; `in_world` takes points to the world.
  const std::vector<Capsule>& coronaries() const { return coronaries_; }
  /// The larger branches of the pulmonary vessels, in the model's mm.
  const std::vector<Capsule>& lung_vessels() const { return lung_vessels_; }
  Vec3 in_world(Vec3 p) const { return {p.x * scale_.x, p.y * scale_.y, p.z * scale_.z}; }
  Vec3 in_model(Vec3 p) const { return {p.x / scale_.x, p.y / scale_.y, p.z / scale_.z}; }
  Vec3 scale() const { return scale_; }

 private:
  float value(Tissue tissue) const;
  /// The tissue's CT number changed by `delta_hu`; its uptake as it is.
  float shifted(Tissue tissue, float delta_hu) const {
    return value(tissue) + (options_.signal == TorsoSignal::hounsfield ? delta_hu : 0.0F);
  }
  Paint paint(Tissue tissue, int structure) const { return {value(tissue), {}, structure, 0, {}}; }
  Shape region(Field field, Box bounds, double lipschitz = 2.6) const { return {std::move(field), lipschitz, bounds}; }
  /// A sheet of muscle that follows the rib cage between two distances, fading at the ends of an angle and of a level range.
  Shape sheet(double from_mm, double to_mm, double angle_low, double angle_high, double z_low, double z_high) const;
  void bone(const Shape& shape, int structure, double cortex_mm);
  void bone(const std::vector<Capsule>& pieces, int structure, double cortex_mm);

  void paint_table();
  void paint_wall();
  void paint_muscles();
  void paint_spine();
  void paint_ribs();
  void paint_shoulders();
  void paint_mediastinum();
  void paint_heart();
  void paint_lungs();
  void paint_lung(bool left);
  void paint_abdomen();
  void paint_bowel();

  TorsoOptions options_;
  Vec3 scale_{1, 1, 1};
  TorsoFrame frame_;
  Scene scene_;
  Shape liver_, kidney_left_, kidney_right_;
  std::vector<Capsule> coronaries_, lung_vessels_;
};

}  // namespace gantry::simulation
