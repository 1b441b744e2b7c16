// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace gantry::radiomics {

/// A matrix of counts over grey level and something else (run length, zone size, distance, dependence): what the four families that share
/// their formulas are computed from. Sparse: entries are sorted when they are asked for.
class SizeMatrix {
 public:
  void add(std::int32_t level, std::int64_t size) {
    entries_.push_back({{level, size}, 1});
    if (entries_.size() >= limit_) make_room();
  }
  void add(const SizeMatrix& other) { entries_.insert(entries_.end(), other.entries_.begin(), other.entries_.end()); }
  /// Joins entries of the same level and size.
  void compress();
  bool empty() const { return entries_.empty(); }

  /// The sixteen features in the order of IBSI 1 and the energy: emphases of small and large sizes, of low and high levels, their four
  /// products; non-uniformity of levels and of sizes, each also normalised; share of `voxels`; variances of levels and sizes; entropy;
  /// energy. Empty without an entry. `compress` first.
  std::vector<double> values(std::int64_t voxels) const;

 private:
  void make_room();

  std::vector<std::pair<std::pair<std::int32_t, std::int64_t>, std::int64_t>> entries_;
  std::size_t limit_ = 1 << 16;  ///< entries at which they are joined, so that memory follows what differs and not what is added
};

}  // namespace gantry::radiomics
