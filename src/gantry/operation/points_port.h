// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include "gantry/image/points.h"
#include "gantry/operation/value.h"

namespace gantry {

/// Points in LPS mm: CSV with the columns x, y, z (or x_mm, y_mm, z_mm) and perhaps name, or without a header three numbers a row; or, by
/// the ending `.txt`, the text files of ITK's tools: the word `point`, the number of points, then x y z of each.
template <>
struct PortType<PointSet> {
  static constexpr std::string_view id = "points";
  static constexpr std::string_view endings = ".csv .txt";
  static PointSet read(const Path& path, Run& run);
  static void write(const Path& path, const PointSet& points, Run& run);
  static Bytes to_bytes(const PointSet& points);
  static PointSet from_bytes(std::span<const std::byte> bytes);
};

/// `corners`: the eight corners of the image phantom `box`. Throws Error(usage) that lists the names.
PointSet phantom_points(std::string_view name);
/// A transform whose effect is known: `turn`, by 5 degrees about the z axis through the origin and then by (3, -4, 2) mm; `bend`, which
/// adds (0, 0, 4 cos(pi x / 64)) mm on the grid of the image phantoms. Throws Error(usage) that lists the names.
Transform phantom_transform(std::string_view name);

}  // namespace gantry
