// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/image/transform.h"

#include "gantry/base/error.h"

namespace gantry {

Transform::Transform(Image displacement_mm, Mat3 linear, Vec3 translation_mm) : linear_(linear), translation_mm_(translation_mm) {
  if (displacement_mm.components() != 3 || displacement_mm.type() != PixelType::f32) {
    throw Error(ErrorCode::parameter, "displacement field: must have 3 components of f32");
  }
  displacement_mm_ = std::move(displacement_mm);
}

Vec3 Transform::operator()(Vec3 point_mm) const {
  const Vec3 moved = linear_ * point_mm + translation_mm_;
  if (!displacement_mm_) return moved;
  const Grid& grid = displacement_mm_->grid();
  const Vec3 voxel = grid.voxel_from_world(moved);
  const auto field = displacement_mm_->as<float>();
  Vec3 shift;
  for (int corner = 0; corner < 8; ++corner) {
    double weight = 1;
    std::array<std::int64_t, 3> at{};
    for (int axis = 0; axis < 3; ++axis) {
      const double base = std::floor(voxel[axis]);
      const bool upper = (corner >> axis & 1) != 0;
      at[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(base) + (upper ? 1 : 0);
      weight *= upper ? voxel[axis] - base : 1 - (voxel[axis] - base);
      if (at[static_cast<std::size_t>(axis)] < 0 || at[static_cast<std::size_t>(axis)] >= grid.size(axis)) weight = 0;
    }
    if (weight == 0) continue;
    const float* u = &field(at[0], at[1], at[2]);
    shift = shift + weight * Vec3{u[0], u[1], u[2]};
  }
  return moved + shift;
}

Json Transform::to_json() const {
  if (!is_linear()) throw Error(ErrorCode::not_possible, "transform: a displacement field is not written as JSON");
  Json matrix = Json::array();
  for (int row = 0; row < 3; ++row) matrix.push_back({linear_.column[0][row], linear_.column[1][row], linear_.column[2][row]});
  return {{"type", "affine"}, {"matrix", matrix}, {"translation_mm", {translation_mm_.x, translation_mm_.y, translation_mm_.z}}};
}

Transform Transform::from_json(const Json& json) {
  try {
    if (json.at("type") != "affine") throw Error(ErrorCode::unreadable, "transform: type must be \"affine\"");
    Mat3 linear;
    Vec3 translation;
    for (int row = 0; row < 3; ++row) {
      for (int c = 0; c < 3; ++c)
        linear.column[static_cast<std::size_t>(c)][row] =
            json.at("matrix").at(static_cast<std::size_t>(row)).at(static_cast<std::size_t>(c)).get<double>();
      translation[row] = json.at("translation_mm").at(static_cast<std::size_t>(row)).get<double>();
    }
    return {linear, translation};
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::unreadable, "transform: needs \"matrix\" (3 rows of 3 numbers) and \"translation_mm\" (3 numbers)");
  }
}

}  // namespace gantry
