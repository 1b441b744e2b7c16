// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/volume/measure.h"

#include <limits>

#include "gantry/base/text.h"
#include "gantry/compute/parallel.h"
#include "gantry/compute/simd.h"
#include "gantry/compute/vector.h"
#include "gantry/volume/checks.h"

namespace gantry {

namespace {

constexpr std::int64_t voxels_at_once = 1 << 18;

constexpr float infinity = std::numeric_limits<float>::infinity();

bool finite(float value) { return std::abs(value) <= std::numeric_limits<float>::max(); }

/// Lowest and highest finite value; lowest above highest when there is none.
struct Range {
  float low = infinity, high = -infinity;
};

GANTRY_SIMD void widen(const float* values, std::int64_t n, Range& range) {
  Float8 low = fill8(infinity), high = fill8(-infinity);
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const Float8 v = load8(values + i);
    low = min8((v > -infinity) ? v : fill8(infinity), low);
    high = max8((v < infinity) ? v : fill8(-infinity), high);
  }
  for (int l = 0; l < 8; ++l) {
    range.low = std::min(range.low, low[l]);
    range.high = std::max(range.high, high[l]);
  }
  for (; i < n; ++i) {
    if (!finite(values[i])) continue;
    range.low = std::min(range.low, values[i]);
    range.high = std::max(range.high, values[i]);
  }
}

/// The bin of each value; `bins` for what is not finite.
GANTRY_SIMD void bins_of(const float* __restrict values, std::int64_t n, float offset, float scale, std::int32_t bins,
                         std::int32_t* __restrict out) {
  const auto last = static_cast<float>(bins - 1);
  for (std::int64_t i = 0; i < n; ++i) {
    const float place = (values[i] - offset) * scale;
    const float inside = place < last ? place : last;
    const std::int32_t bin = static_cast<std::int32_t>(inside);
    out[i] = std::abs(values[i]) <= std::numeric_limits<float>::max() ? bin : bins;
  }
}

/// Counts in four tables in turn, so that equal neighbours do not wait for each other.
std::vector<std::int64_t> histogram_of(const float* values, std::int64_t n, float offset, float scale, int bins) {
  constexpr std::int64_t step = 4096;
  const auto stride = static_cast<std::size_t>(bins) + 1;
  std::vector<std::int32_t> counts(4 * stride), bin(static_cast<std::size_t>(step));
  for (std::int64_t begin = 0; begin < n; begin += step) {
    const std::int64_t count = std::min(step, n - begin);
    bins_of(values + begin, count, offset, scale, bins, bin.data());
    std::fill(bin.begin() + count, bin.end(), bins);
    for (std::size_t i = 0; i < static_cast<std::size_t>(step); i += 4) {
      for (std::size_t t = 0; t < 4; ++t) ++counts[t * stride + static_cast<std::size_t>(bin[i + t])];
    }
  }
  std::vector<std::int64_t> total(static_cast<std::size_t>(bins));
  for (std::size_t b = 0; b < total.size(); ++b) {
    for (std::size_t t = 0; t < 4; ++t) total[b] += counts[t * stride + b];
  }
  return total;
}

}  // namespace

RegionStatistics region_statistics(const VoxelView<float>& image, const MaskView& mask, const Run& run) {
  require_volume(image, "image");
  require_volume(mask, "mask");
  if (image.grid().size() != mask.grid().size()) throw Error(ErrorCode::not_possible, "mask: must have the size of the image");
  struct Part {
    std::int64_t voxels = 0;
    double sum = 0;
    std::vector<float> values;
  };
  Part total = parallel_reduce(
      run, image.count(), voxels_at_once, Part{},
      [&](std::int64_t begin, std::int64_t end) {
        Part part;
        for (std::int64_t n = begin; n < end; ++n) {
          if (mask[n] == 0) continue;
          ++part.voxels;
          if (!finite(image[n])) continue;
          part.sum += image[n];
          part.values.push_back(image[n]);
        }
        return part;
      },
      [](Part& all, Part& part) {
        all.voxels += part.voxels;
        all.sum += part.sum;
        all.values.insert(all.values.end(), part.values.begin(), part.values.end());
      });
  RegionStatistics result;
  result.voxels = total.voxels;
  result.volume_mm3 = static_cast<double>(total.voxels) * image.grid().voxel_volume_mm3();
  if (total.values.empty()) return result;
  const auto count = static_cast<double>(total.values.size());
  result.mean = total.sum / count;
  const double squares = parallel_reduce(
      run, static_cast<std::int64_t>(total.values.size()), voxels_at_once, 0.0,
      [&](std::int64_t begin, std::int64_t end) {
        double sum = 0;
        for (std::int64_t n = begin; n < end; ++n) {
          const double d = total.values[static_cast<std::size_t>(n)] - result.mean;
          sum += d * d;
        }
        return sum;
      },
      [](double& all, double part) { all += part; });
  result.standard_deviation = std::sqrt(squares / count);
  const auto [low, high] = std::minmax_element(total.values.begin(), total.values.end());
  result.minimum = *low;
  result.maximum = *high;
  result.median = quantile(std::move(total.values), 0.5);
  return result;
}

std::map<int, std::int64_t> label_counts(const VoxelView<std::int32_t>& labels, const Run& run) {
  require_volume(labels, "labels");
  using Counts = std::map<int, std::int64_t>;
  return parallel_reduce(
      run, labels.count(), voxels_at_once, Counts{},
      [&](std::int64_t begin, std::int64_t end) {
        Counts counts;
        for (std::int64_t n = begin; n < end;) {
          const std::int32_t value = labels[n];
          const std::int64_t start = n;
          while (n < end && labels[n] == value) ++n;
          if (value != 0) counts[value] += n - start;
        }
        return counts;
      },
      [](Counts& all, const Counts& part) {
        for (const auto& [value, count] : part) all[value] += count;
      });
}

double quantile(std::vector<float> values, double q) {
  if (!(q >= 0 && q <= 1)) throw Error(ErrorCode::parameter, fmt::format("quantile: must lie between 0 and 1; got {}", shortest(q)));
  std::erase_if(values, [](float value) { return std::isnan(value); });
  if (values.empty()) throw Error(ErrorCode::not_possible, "quantile: needs at least one value that is a number");
  const double position = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(position);
  const double fraction = position - static_cast<double>(low);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(low);
  std::nth_element(values.begin(), at, values.end());
  const double below = *at;
  if (fraction == 0) return below;
  const double above = *std::min_element(at + 1, values.end());
  return below + fraction * (above - below);
}

double otsu_threshold(std::span<const float> values, int bins) { return otsu_threshold(values, bins, Run(RunOptions{.threads = 1})); }

double otsu_threshold(std::span<const float> values, int bins, const Run& run) {
  if (!(bins >= 2 && bins <= 65536)) throw Error(ErrorCode::parameter, fmt::format("bins: must lie between 2 and 65536; got {}", bins));
  const auto count = static_cast<std::int64_t>(values.size());
  const Range range = parallel_reduce(
      run, count, voxels_at_once, Range{},
      [&](std::int64_t begin, std::int64_t end) {
        Range part;
        widen(values.data() + begin, end - begin, part);
        return part;
      },
      [](Range& all, const Range& part) {
        all = {std::min(all.low, part.low), std::max(all.high, part.high)};
      });
  if (!(range.low <= range.high)) throw Error(ErrorCode::not_possible, "image: has no finite values to separate");
  if (range.low == range.high) return range.low;

  const double low = range.low;
  const double width = (static_cast<double>(range.high) - low) / bins;
  const auto offset = static_cast<float>(low);
  const auto scale = static_cast<float>(1 / width);
  const int last = bins - 1;
  using Histogram = std::vector<std::int64_t>;
  const Histogram histogram = parallel_reduce(
      run, count, voxels_at_once * 4, Histogram(static_cast<std::size_t>(bins)),
      [&](std::int64_t begin, std::int64_t end) { return histogram_of(values.data() + begin, end - begin, offset, scale, bins); },
      [](Histogram& all, const Histogram& part) {
        for (std::size_t b = 0; b < all.size(); ++b) all[b] += part[b];
      });

  // Variance between the classes, w0 w1 (m0 - m1)^2 (Otsu 1979, eq. 14), for a cut behind each bin; of equal cuts the middle one.
  double all_count = 0, all_sum = 0;
  for (std::size_t b = 0; b < histogram.size(); ++b) {
    all_count += static_cast<double>(histogram[b]);
    all_sum += static_cast<double>(histogram[b]) * static_cast<double>(b);
  }
  double best = -1, lower_count = 0, lower_sum = 0;
  int first_best = 0, last_best = 0;
  for (int b = 0; b < last; ++b) {
    lower_count += static_cast<double>(histogram[static_cast<std::size_t>(b)]);
    lower_sum += static_cast<double>(histogram[static_cast<std::size_t>(b)]) * b;
    const double upper_count = all_count - lower_count;
    if (lower_count == 0 || upper_count == 0) continue;
    const double difference = lower_sum / lower_count - (all_sum - lower_sum) / upper_count;
    const double variance = lower_count * upper_count * difference * difference;
    if (variance > best) {
      best = variance;
      first_best = b;
    }
    if (variance == best) last_best = b;
  }
  return low + width * (0.5 * (first_best + last_best) + 1);
}

}  // namespace gantry
