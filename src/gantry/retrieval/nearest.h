// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>
#include <vector>

#include "gantry/base/run.h"
#include "gantry/image/vectors.h"

namespace gantry {

/// One vector of a set and how like it is.
struct Neighbour {
  std::size_t item = 0;
  float similarity = 0;  ///< the cosine
};

/// The `count` vectors of the set that are most like `query` (of length 1), the most alike first, those alike in their order in the set.
/// Exact: every vector is compared. The same for any number of threads. Throws Error(parameter) when the dimensions differ.
std::vector<Neighbour> nearest(const VectorSet& set, std::span<const float> query, int count, const Run& run);

}  // namespace gantry
