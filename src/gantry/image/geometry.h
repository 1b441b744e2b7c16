// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace gantry {

/// A point or direction in world (LPS millimetres) or voxel coordinates; the variable's name says which.
struct Vec3 {
  double x = 0, y = 0, z = 0;
  double& operator[](int axis) { return axis == 0 ? x : axis == 1 ? y : z; }
  double operator[](int axis) const { return axis == 0 ? x : axis == 1 ? y : z; }
  friend Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend Vec3 operator-(Vec3 a, Vec3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
  friend Vec3 operator*(double s, Vec3 a) { return {s * a.x, s * a.y, s * a.z}; }
  friend Vec3 operator*(Vec3 a, double s) { return s * a; }
  friend bool operator==(const Vec3&, const Vec3&) = default;
};

inline double dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 cross(Vec3 a, Vec3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
inline double norm(Vec3 a) { return std::sqrt(dot(a, a)); }
inline Vec3 normalized(Vec3 a) { return (1.0 / norm(a)) * a; }

/// 3x3 matrix, stored by columns: `column[k]` is the image of axis k.
struct Mat3 {
  std::array<Vec3, 3> column{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}};
  friend Vec3 operator*(const Mat3& m, Vec3 v) { return v.x * m.column[0] + v.y * m.column[1] + v.z * m.column[2]; }
  friend Mat3 operator*(const Mat3& a, const Mat3& b) { return {{a * b.column[0], a * b.column[1], a * b.column[2]}}; }
  friend bool operator==(const Mat3&, const Mat3&) = default;
};

double determinant(const Mat3& m);
Mat3 transposed(const Mat3& m);
/// Throws Error(parameter) for a singular matrix.
Mat3 inverse(const Mat3& m);

/// Number of voxels along i, j, k. i runs fastest in memory.
using Size3 = std::array<std::int64_t, 3>;

}  // namespace gantry
