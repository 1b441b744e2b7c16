// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "gantry/radiomics/families.h"

namespace gantry::radiomics {

/// A step to one of the 26 neighbours.
using Step = std::array<std::int64_t, 3>;

/// One of each pair of opposite neighbours: 4 within a slice, 13 in the volume.
inline std::vector<Step> directions(bool volume) {
  std::vector<Step> steps;
  for (std::int64_t k = 0; k <= (volume ? 1 : 0); ++k) {
    for (std::int64_t j = -1; j <= 1; ++j) {
      for (std::int64_t i = -1; i <= 1; ++i) {
        if (k > 0 || j > 0 || (j == 0 && i > 0)) steps.push_back({i, j, k});
      }
    }
  }
  return steps;
}
/// All neighbours: 8 within a slice, 26 in the volume.
inline std::vector<Step> neighbours(bool volume) {
  std::vector<Step> steps = directions(volume);
  for (std::size_t n = 0, half = steps.size(); n < half; ++n) steps.push_back({-steps[n][0], -steps[n][1], -steps[n][2]});
  return steps;
}

/// Grey levels in a frame of zeros one voxel wide, so that every neighbour has an address.
class FramedLevels {
 public:
  explicit FramedLevels(const Levels& levels) : size_(levels.level.grid().size()), count(levels.count) {
    stride_ = {1, size_[0] + 2, (size_[0] + 2) * (size_[1] + 2)};
    data_.assign(static_cast<std::size_t>(stride_[2] * (size_[2] + 2)), 0);
    for (std::int64_t k = 0; k < size_[2]; ++k) {
      for (std::int64_t j = 0; j < size_[1]; ++j) {
        for (std::int64_t i = 0; i < size_[0]; ++i) data_[static_cast<std::size_t>(at(i, j, k))] = levels.level(i, j, k);
      }
    }
  }
  const Size3& size() const { return size_; }
  std::int64_t at(std::int64_t i, std::int64_t j, std::int64_t k) const { return i + 1 + (j + 1) * stride_[1] + (k + 1) * stride_[2]; }
  std::int64_t offset(const Step& step) const { return step[0] + step[1] * stride_[1] + step[2] * stride_[2]; }
  const std::int32_t* data() const { return data_.data(); }
  /// Calls `body(address)` for every voxel of slice k that has a level.
  template <class Body>
  void each(std::int64_t k, Body&& body) const {
    for (std::int64_t j = 0; j < size_[1]; ++j) {
      for (std::int64_t n = at(0, j, k), end = n + size_[0]; n < end; ++n) {
        if (data_[static_cast<std::size_t>(n)] != 0) body(n);
      }
    }
  }
  /// Voxels with a level in slices [begin, end).
  std::int64_t voxels(std::int64_t begin, std::int64_t end) const {
    std::int64_t count = 0;
    for (std::int64_t k = begin; k < end; ++k) each(k, [&](std::int64_t) { ++count; });
    return count;
  }

 private:
  Size3 size_, stride_{};
  std::vector<std::int32_t> data_;

 public:
  const int count;  ///< N_g
};

/// Means of several sets of values, name by name; a set that is empty, and a value that is NaN, does not count.
inline std::vector<double> mean_values(const std::vector<std::vector<double>>& sets, std::size_t names) {
  std::vector<double> sums(names, 0.0), counts(names, 0.0);
  for (const auto& set : sets) {
    for (std::size_t n = 0; n < set.size(); ++n) {
      if (std::isnan(set[n])) continue;
      sums[n] += set[n];
      ++counts[n];
    }
  }
  for (std::size_t n = 0; n < names; ++n) sums[n] = counts[n] > 0 ? sums[n] / counts[n] : undefined;
  return sums;
}

inline void add_values(std::span<const FeatureName> names, std::string_view family, const std::string& aggregation,
                       const std::vector<double>& values, Features& features) {
  for (std::size_t n = 0; n < names.size(); ++n) {
    features.push_back({names[n].tag, names[n].name, family, aggregation, "", n < values.size() ? values[n] : undefined});
  }
}

}  // namespace gantry::radiomics
