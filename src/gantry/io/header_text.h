// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gantry/image/grid.h"

namespace gantry::io {

/// Pieces of the text headers that NRRD and MetaImage share. All throw Error(unreadable) naming `field`.

/// The words of a line, split at white space.
std::vector<std::string_view> words_of(std::string_view line);
/// `count` real numbers (0 = any number of them).
std::vector<double> parse_numbers(std::string_view field, std::string_view text, std::size_t count = 0);
/// Whole numbers from 1 to 2^31 - 1.
std::vector<std::int64_t> parse_sizes(std::string_view field, std::string_view text);

/// A grid out of up to three axis vectors in LPS (mm per voxel) and an origin; missing axes become one voxel of 1 mm at right angles.
Grid grid_of_axes(const std::vector<std::int64_t>& sizes, std::vector<Vec3> axes, Vec3 origin_mm);

}  // namespace gantry::io
