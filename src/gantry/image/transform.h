// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <optional>

#include "gantry/base/json.h"
#include "gantry/image/image.h"

namespace gantry {

/// Maps points of a target frame to a source frame, both LPS mm; named target_from_source where it is held. An affine map x -> A x + t,
/// followed by an optional displacement field (3 components, mm) that is added: y = p + u(p) with p = A x + t, u zero outside its grid.
class Transform {
 public:
  Transform() = default;
  Transform(Mat3 linear, Vec3 translation_mm) : linear_(linear), translation_mm_(translation_mm) {}
  explicit Transform(Image displacement_mm, Mat3 linear = {}, Vec3 translation_mm = {});

  const Mat3& linear() const { return linear_; }
  Vec3 translation_mm() const { return translation_mm_; }
  const std::optional<Image>& displacement_mm() const { return displacement_mm_; }
  bool is_linear() const { return !displacement_mm_; }
  Vec3 operator()(Vec3 point_mm) const;

  /// The linear part: {"type": "affine", "matrix": [rows], "translation_mm": [...]}. Throws Error(not_possible) with a field.
  Json to_json() const;
  static Transform from_json(const Json& json);

 private:
  Mat3 linear_{};
  Vec3 translation_mm_{};
  std::optional<Image> displacement_mm_;
};

}  // namespace gantry
