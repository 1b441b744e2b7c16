// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/random.h"
#include "gantry/simulation/scene.h"

namespace gantry::simulation {

/// What differs from head to head, drawn from a seed.
struct HeadTraits {
  double length = 1, breadth = 1, height = 1;  ///< of the skull
  double ventricles = 1;                       ///< calibre of the lateral ventricles
  double atrophy_mm = 0;                       ///< wider sulci and subarachnoid space
  double scalp_mm = 5.5;
  double phase = 0;  ///< of the folds
};
HeadTraits drawn_head_traits(Random random, int age_years);

/// A tumour of the brain: a rim around a necrotic core, oedema in the white matter about it. World mm.
struct BrainTumor {
  Vec3 center_mm;
  double diameter_mm = 25;
};

/// The head on a T1-weighted image with white matter at 1000: a standard head in model millimetres, x to the left, y to the back, z up,
/// the origin between the commissures.
class Head {
 public:
  Head(const HeadTraits& traits, std::uint64_t seed, const Run& run);
  Scene& scene() { return scene_; }
  /// Volume of cerebrum, cerebellum and brain stem without ventricles, in mm^3 of the model (points of a lattice of 1.5 mm).
  double model_brain_volume_mm3() const;
  void set_scale(double world_from_model);
  double scale() const { return scale_; }
  /// Depth in mm of a world point inside the white matter and nuclei of the cerebrum, taken from the folded outer surface.
  double depth_in_brain(Vec3 world_mm) const;
  const Shape& intracranial() const { return cavity_; }
  void add_tumor(int number, const BrainTumor& tumor);

 private:
  void build_cavity(const Run& run);
  void build_brain(const Run& run);
  void paint_outside();
  void paint_skull();
  void paint_face();
  void paint_brain();
  void paint_deep();
  void fill(float value, std::string_view structure, Shape shape, double mottle = 0);

  HeadTraits traits_;
  std::uint64_t seed_;
  Scene scene_;
  double scale_ = 1;
  Shape cavity_;  ///< inside of the inner table
  Shape pia_;     ///< outer surface of the cerebrum, folded
  Shape white_;   ///< inner surface of its cortex
  Shape cerebellum_, brain_stem_, ventricles_, skin_;
};

}  // namespace gantry::simulation
