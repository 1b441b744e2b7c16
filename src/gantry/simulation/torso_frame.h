// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/base/random.h"
#include "gantry/simulation/shape.h"

namespace gantry::simulation {

/// What differs from torso to torso, drawn from a seed.
struct TorsoTraits {
  bool female = false;
  double fat_mm = 14;        ///< subcutaneous fat on the chest
  double belly_mm = 10;      ///< more of it, and inside, below the ribs
  double heart = 1;          ///< size of the heart
  double dome_right_mm = 2;  ///< height of the right dome of the diaphragm over the xiphoid
  double dome_left_mm = -12;
  double kyphosis = 1;           ///< bend of the thoracic spine
  double chest_exponent = 2.35;  ///< boxiness of the rib cage
  double mediastinum = 1;        ///< its breadth
  double noise_phase = 0;        ///< shifts all surface noise
};
TorsoTraits drawn_torso_traits(Random random, bool female);

/// The skeleton of the torso model: a standard patient of 175 cm lying supine, in model millimetres. x runs to the left, y to the back,
/// z to the head; z = 0 is the xiphoid (about T9), the carina lies at 95, the apex of the lungs at 205, the kidneys around -110.
/// Everything else hangs on the surfaces that it gives.
class TorsoFrame {
 public:
  TorsoFrame(const TorsoTraits& traits, std::uint64_t seed, const Run& run);
  TorsoFrame(const TorsoFrame&) = delete;
  TorsoFrame& operator=(const TorsoFrame&) = delete;
  const TorsoTraits& traits() const { return traits_; }

  /// Inside of the rib cage and of the abdominal wall; radial distance to the surface.
  double cavity(Vec3 p) const { return cavity_shape_.field(p); }
  /// Skin.
  double skin(Vec3 p) const { return skin_shape_.field(p); }
  double cavity_center_y(double z) const { return cavity_y_(z); }
  /// Centre of the vertebral bodies.
  double spine_y(double z) const { return spine_y_(z); }
  /// Point at `offset_mm` outside the cavity's surface, at level z and at `angle` from the back's midline (left positive, radians).
  Vec3 on_cavity(double angle, double z, double offset_mm) const;
  /// Level of the dome's surface above which the lung lies; everything below it is abdomen.
  const Shape& abdomen() const { return abdomen_; }
  /// Heart and great vessels with their coverings, spine and the tissue between: what the lungs leave free.
  const Shape& mediastinum() const { return mediastinum_; }
  const Shape& heart() const { return heart_; }
  const Shape& lung_left() const { return lung_left_; }
  const Shape& lung_right() const { return lung_right_; }
  const Shape& cavity_shape() const { return cavity_shape_; }
  const Shape& skin_shape() const { return skin_shape_; }

  std::vector<Capsule> aorta() const;
  std::vector<Capsule> vena_cava_superior() const;
  std::vector<Capsule> vena_cava_inferior() const;
  std::vector<Capsule> pulmonary_arteries() const;
  std::vector<Capsule> trachea_and_main_bronchi() const;
  std::vector<Capsule> esophagus() const;
  Vec3 hilum(bool left) const;
  Vec3 heart_center() const;
  /// Columns: long axis of the heart last.
  Mat3 heart_axes() const;

  static constexpr double top = 330, bottom = -330;

 private:
  double cavity_field(Vec3 p) const;
  double skin_field(Vec3 p) const;
  TorsoTraits traits_;
  std::uint64_t seed_;
  Curve1 cavity_y_, cavity_a_, cavity_b_, spine_y_, skin_a_, skin_b_, skin_y_;
  Shape abdomen_, mediastinum_, heart_, lung_left_, lung_right_, cavity_shape_, skin_shape_;
};

/// A solid between two levels whose cross-section is a superellipse that moves along z.
struct Column {
  Curve1 x, y, half_width, half_depth;
  double exponent = 2;
  double low_z = 0, high_z = 0;
  double round_mm = 2;  ///< rounding of the ends
};
Shape column(Column description);

}  // namespace gantry::simulation
