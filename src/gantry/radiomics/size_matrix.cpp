// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiomics/size_matrix.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace gantry::radiomics {

void SizeMatrix::compress() {
  std::sort(entries_.begin(), entries_.end());
  std::size_t kept = 0;
  for (std::size_t n = 0; n < entries_.size(); ++n) {
    if (kept > 0 && entries_[kept - 1].first == entries_[n].first) {
      entries_[kept - 1].second += entries_[n].second;
    } else {
      entries_[kept++] = entries_[n];
    }
  }
  entries_.resize(kept);
}

void SizeMatrix::make_room() {
  compress();
  limit_ = std::max(limit_, 2 * entries_.size());
}

std::vector<double> SizeMatrix::values(std::int64_t voxels) const {
  if (entries_.empty()) return {};
  double total = 0;
  std::map<std::int32_t, double> of_level;
  std::map<std::int64_t, double> of_size;
  for (const auto& [key, count] : entries_) {
    const auto c = static_cast<double>(count);
    total += c;
    of_level[key.first] += c;
    of_size[key.second] += c;
  }
  double small = 0, large = 0, low = 0, high = 0, small_low = 0, small_high = 0, large_low = 0, large_high = 0;
  double level_mean = 0, size_mean = 0, entropy = 0, energy = 0;
  for (const auto& [key, count] : entries_) {
    const double p = static_cast<double>(count) / total, i = key.first, j = static_cast<double>(key.second), ii = i * i, jj = j * j;
    small += p / jj;
    large += p * jj;
    low += p / ii;
    high += p * ii;
    small_low += p / (ii * jj);
    small_high += p * ii / jj;
    large_low += p * jj / ii;
    large_high += p * ii * jj;
    level_mean += p * i;
    size_mean += p * j;
    entropy -= p * std::log2(p);
    energy += p * p;
  }
  double level_variance = 0, size_variance = 0, level_squares = 0, size_squares = 0;
  for (const auto& [level, count] : of_level) {
    level_squares += count * count;
    level_variance += count / total * (level - level_mean) * (level - level_mean);
  }
  for (const auto& [size, count] : of_size) {
    const double d = static_cast<double>(size) - size_mean;
    size_squares += count * count;
    size_variance += count / total * d * d;
  }
  return {small,
          large,
          low,
          high,
          small_low,
          small_high,
          large_low,
          large_high,
          level_squares / total,
          level_squares / (total * total),
          size_squares / total,
          size_squares / (total * total),
          total / static_cast<double>(voxels),
          level_variance,
          size_variance,
          entropy,
          energy};
}

}  // namespace gantry::radiomics
