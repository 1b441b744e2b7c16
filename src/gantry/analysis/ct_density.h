// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <array>
#include <vector>

#include "gantry/analysis/ct_working.h"

namespace gantry::analysis {

/// Counts of HU from -1200 to 3000 in steps of 1; what lies beyond counts at the ends. Exact for integer HU.
class HuHistogram {
 public:
  static constexpr int lowest = -1200, highest = 3000;
  HuHistogram() : counts_(highest - lowest + 1) {}
  void add(float hu, std::int64_t count = 1);
  void add(const HuHistogram& other);
  std::int64_t total() const { return total_; }
  /// Share in [0, 1] of values below `hu`.
  double share_below(double hu) const;
  /// Smallest HU with at least `share` of the values at or below it, linear within its bin.
  double percentile(double share) const;
  double mean() const;
  /// Counts in steps of `width` from `from` up to `to`.
  std::vector<double> binned(int from, int to, int width) const;

 private:
  std::vector<std::int64_t> counts_;
  std::int64_t total_ = 0;
};

/// Histograms of the voxels of `image` with label 1 ... `labels.size() - 1` (entry 0 stays empty), in one pass.
std::vector<HuHistogram> label_histograms(const Image& image, const VoxelView<std::uint8_t>& labels, int label_count, const Run& run);

}  // namespace gantry::analysis
