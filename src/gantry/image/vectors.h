// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gantry {

/// What stands for pictures (or other things) in a search: one vector of length 1 for each, and what a finder is shown.
struct VectorSet {
  int dimension = 0;
  std::vector<float> values;             ///< one vector after the other
  std::vector<std::string> names;        ///< one for each vector
  std::vector<std::string> labels;       ///< one for each vector, or none at all
  std::string embedding;                 ///< what made the vectors: only those of the same may be compared
  int side = 0;                          ///< of the thumbnails in pixels; 0 = there are none
  std::vector<std::uint8_t> thumbnails;  ///< one grey square after the other

  std::size_t size() const { return names.size(); }
};

}  // namespace gantry
