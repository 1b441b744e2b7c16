// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/ct_density.h"

#include <algorithm>
#include <cmath>

#include "gantry/compute/parallel.h"

namespace gantry::analysis {

void HuHistogram::add(float hu, std::int64_t count) {
  const int bin = static_cast<int>(std::lround(std::clamp(hu, static_cast<float>(lowest), static_cast<float>(highest)))) - lowest;
  counts_[static_cast<std::size_t>(bin)] += count;
  total_ += count;
}

void HuHistogram::add(const HuHistogram& other) {
  for (std::size_t n = 0; n < counts_.size(); ++n) counts_[n] += other.counts_[n];
  total_ += other.total_;
}

double HuHistogram::share_below(double hu) const {
  std::int64_t below = 0;
  for (std::size_t n = 0; n < counts_.size() && static_cast<double>(n) + lowest < hu; ++n) below += counts_[n];
  return total_ > 0 ? static_cast<double>(below) / static_cast<double>(total_) : 0;
}

double HuHistogram::percentile(double share) const {
  const double wanted = share * static_cast<double>(total_);
  double below = 0;
  for (std::size_t n = 0; n < counts_.size(); ++n) {
    const auto here = static_cast<double>(counts_[n]);
    if (here > 0 && below + here >= wanted) return static_cast<double>(n) + lowest - 0.5 + (wanted - below) / here;
    below += here;
  }
  return highest;
}

double HuHistogram::mean() const {
  double sum = 0;
  for (std::size_t n = 0; n < counts_.size(); ++n) sum += static_cast<double>(counts_[n]) * (static_cast<double>(n) + lowest);
  return total_ > 0 ? sum / static_cast<double>(total_) : 0;
}

std::vector<double> HuHistogram::binned(int from, int to, int width) const {
  std::vector<double> bins;
  for (int start = from; start < to; start += width) {
    std::int64_t sum = 0;
    for (int hu = std::max(start, lowest); hu < std::min(start + width, highest + 1); ++hu) {
      sum += counts_[static_cast<std::size_t>(hu - lowest)];
    }
    bins.push_back(static_cast<double>(sum));
  }
  return bins;
}

std::vector<HuHistogram> label_histograms(const Image& image, const VoxelView<std::uint8_t>& labels, int label_count, const Run& run) {
  const std::int64_t slice = image.grid().size(0) * image.grid().size(1);
  const std::int64_t grain = std::max<std::int64_t>(1, (image.grid().size(2) + 15) / 16);
  using Set = std::vector<HuHistogram>;
  return visit_real(image, [&](const auto& view) {
    return parallel_reduce<Set>(
        run, image.grid().size(2), grain, Set(static_cast<std::size_t>(label_count)),
        [&](std::int64_t first, std::int64_t last) {
          Set set(static_cast<std::size_t>(label_count));
          for (std::int64_t n = first * slice; n < last * slice; ++n) {
            const auto label = static_cast<std::size_t>(labels[n]);
            if (label != 0 && label < set.size()) set[label].add(static_cast<float>(view[n]));
          }
          return set;
        },
        [](Set& total, const Set& part) {
          for (std::size_t n = 0; n < total.size(); ++n) total[n].add(part[n]);
        });
  });
}

}  // namespace gantry::analysis
