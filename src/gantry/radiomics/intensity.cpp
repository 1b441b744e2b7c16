// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>
#include <numeric>

#include "gantry/compute/parallel.h"
#include "gantry/radiomics/families.h"

namespace gantry::radiomics {

namespace {

/// Percentile of sorted values, linear between order statistics (Hyndman and Fan's type 7).
double percentile(const std::vector<double>& sorted, double percent) {
  const double place = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// What is counted of intensities and of grey levels alike.
struct Statistics {
  double mean, variance, skewness, kurtosis, median, minimum, p10, p90, maximum, interquartile, range, mean_deviation, robust_deviation,
      median_deviation, variation, dispersion, energy, root_mean_square;
};

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}
double mean_deviation(const std::vector<double>& values, double about) {
  double sum = 0;
  for (const double v : values) sum += std::abs(v - about);
  return sum / static_cast<double>(values.size());
}

Statistics statistics_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  Statistics s{};
  const auto count = static_cast<double>(values.size());
  s.mean = mean_of(values);
  double squares = 0, cubes = 0, fourths = 0;
  for (const double v : values) {
    const double d = v - s.mean;
    squares += d * d;
    cubes += d * d * d;
    fourths += d * d * d * d;
    s.energy += v * v;
  }
  s.variance = squares / count;
  const bool varies = values.front() < values.back();
  // Of equal intensities: no skew, no peak (IBSI 1).
  s.skewness = varies ? cubes / count / std::pow(s.variance, 1.5) : 0;
  s.kurtosis = varies ? fourths / count / (s.variance * s.variance) - 3 : 0;
  s.median = percentile(values, 50);
  s.minimum = values.front();
  s.p10 = percentile(values, 10);
  s.p90 = percentile(values, 90);
  s.maximum = values.back();
  const double p25 = percentile(values, 25), p75 = percentile(values, 75);
  s.interquartile = p75 - p25;
  s.range = s.maximum - s.minimum;
  s.mean_deviation = mean_deviation(values, s.mean);
  s.median_deviation = mean_deviation(values, s.median);
  std::vector<double> middle;
  for (const double v : values) {
    if (v >= s.p10 && v <= s.p90) middle.push_back(v);
  }
  s.robust_deviation = middle.empty() ? undefined : mean_deviation(middle, mean_of(middle));
  s.variation = s.mean != 0 ? std::sqrt(s.variance) / s.mean : undefined;
  s.dispersion = p75 + p25 != 0 ? (p75 - p25) / (p75 + p25) : undefined;
  s.root_mean_square = std::sqrt(s.energy / count);
  return s;
}

}  // namespace

void add_local_intensity(const Region& region, Features& features, const Run& run) {
  const Vec3 s = region.grid.spacing_mm();
  const Size3 size = region.grid.size(), wide = region.surrounds.grid().size();
  // Sums and counts of what is finite before each voxel of a row, so that a stretch of a row costs two look-ups.
  struct Running {
    double sum = 0;
    std::int32_t count = 0;
  };
  std::vector<Running> running(static_cast<std::size_t>((wide[0] + 1) * wide[1] * wide[2]));
  const auto row_start = [&](std::int64_t j, std::int64_t k) { return static_cast<std::size_t>((j + wide[1] * k) * (wide[0] + 1)); };
  parallel_for(run, wide[1] * wide[2], 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      Running* const out = &running[static_cast<std::size_t>(row * (wide[0] + 1))];
      const float* const in = region.surrounds.data() + row * wide[0];
      for (std::int64_t i = 0; i < wide[0]; ++i) {
        const bool finite = std::isfinite(in[i]);
        out[i + 1] = {out[i].sum + (finite ? in[i] : 0.0), out[i].count + (finite ? 1 : 0)};
      }
    }
  });
  struct Stretch {
    std::int64_t half, j, k;
  };
  std::vector<Stretch> sphere;
  const auto rows = static_cast<std::int64_t>(peak_radius_mm / s.y), slices = static_cast<std::int64_t>(peak_radius_mm / s.z);
  for (std::int64_t k = -slices; k <= slices; ++k) {
    for (std::int64_t j = -rows; j <= rows; ++j) {
      const double y = static_cast<double>(j) * s.y, z = static_cast<double>(k) * s.z,
                   rest = peak_radius_mm * peak_radius_mm - y * y - z * z;
      if (rest >= 0) sphere.push_back({static_cast<std::int64_t>(std::sqrt(rest) / s.x), j, k});
    }
  }
  const auto mean_around = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    double sum = 0;
    std::int64_t count = 0;
    for (const Stretch& stretch : sphere) {
      const std::int64_t y = j + stretch.j, z = k + stretch.k;
      if (y < 0 || y >= wide[1] || z < 0 || z >= wide[2]) continue;
      const Running* const row = &running[row_start(y, z)];
      const Running &first = row[std::max<std::int64_t>(0, i - stretch.half)], &last = row[std::min(wide[0], i + stretch.half + 1)];
      sum += last.sum - first.sum;
      count += last.count - first.count;
    }
    return sum / static_cast<double>(count);
  };
  struct Peaks {
    double highest = -INFINITY, local = -INFINITY, global = -INFINITY;
  };
  const Peaks peaks = parallel_reduce(
      run, size[1] * size[2], 16, Peaks{},
      [&](std::int64_t begin, std::int64_t end) {
        Peaks part;
        for (std::int64_t row = begin; row < end; ++row) {
          for (std::int64_t i = 0; i < size[0]; ++i) {
            const std::int64_t n = row * size[0] + i;
            if (region.intensity[n] == 0) continue;
            const double value = region.values[n];
            const double mean = mean_around(i + region.margin[0], row % size[1] + region.margin[1], row / size[1] + region.margin[2]);
            part.global = std::max(part.global, mean);
            if (value > part.highest) part.local = mean;
            if (value == part.highest) part.local = std::max(part.local, mean);
            part.highest = std::max(part.highest, value);
          }
        }
        return part;
      },
      [](Peaks& total, const Peaks& part) {
        total.global = std::max(total.global, part.global);
        if (part.highest > total.highest) {
          total.local = part.local;
        } else if (part.highest == total.highest) {
          total.local = std::max(total.local, part.local);
        }
        total.highest = std::max(total.highest, part.highest);
      });
  features.push_back({"VJGA", "Local intensity peak", "local intensity", "", "", peaks.local});
  features.push_back({"0F91", "Global intensity peak", "local intensity", "", "", peaks.global});
}

void add_intensity_statistics(const Region& region, Features& features) {
  const std::vector<float> intensities = region.intensities();
  const Statistics s = statistics_of({intensities.begin(), intensities.end()});
  const auto add = [&](std::string_view tag, std::string_view name, double value) {
    features.push_back({tag, name, "intensity statistics", "", "", value});
  };
  add("Q4LE", "Mean intensity", s.mean);
  add("ECT3", "Intensity variance", s.variance);
  add("KE2A", "Intensity skewness", s.skewness);
  add("IPH6", "(Excess) intensity kurtosis", s.kurtosis);
  add("Y12H", "Median intensity", s.median);
  add("1GSF", "Minimum intensity", s.minimum);
  add("QG58", "10th intensity percentile", s.p10);
  add("8DWT", "90th intensity percentile", s.p90);
  add("84IY", "Maximum intensity", s.maximum);
  add("SALO", "Intensity interquartile range", s.interquartile);
  add("2OJQ", "Intensity range", s.range);
  add("4FUA", "Intensity-based mean absolute deviation", s.mean_deviation);
  add("1128", "Intensity-based robust mean absolute deviation", s.robust_deviation);
  add("N72L", "Intensity-based median absolute deviation", s.median_deviation);
  add("7TET", "Intensity-based coefficient of variation", s.variation);
  add("9S40", "Intensity-based quartile coefficient of dispersion", s.dispersion);
  add("N8CA", "Intensity-based energy", s.energy);
  add("5ZWQ", "Root mean square intensity", s.root_mean_square);
}

void add_intensity_histogram(const Levels& levels, Features& features) {
  std::vector<double> values, histogram(static_cast<std::size_t>(levels.count), 0.0);
  for (const std::int32_t level : levels.level.values()) {
    if (level == 0) continue;
    values.push_back(level);
    ++histogram[static_cast<std::size_t>(level - 1)];
  }
  const auto count = static_cast<double>(values.size());
  const Statistics s = statistics_of(std::move(values));
  // The most frequent level; of several the one nearest to the mean, of these the lower.
  std::size_t mode = 0;
  double entropy = 0, uniformity = 0;
  for (std::size_t n = 0; n < histogram.size(); ++n) {
    const double p = histogram[n] / count;
    if (p > 0) entropy -= p * std::log2(p);
    uniformity += p * p;
    const auto off = [&](std::size_t level) { return std::abs(static_cast<double>(level + 1) - s.mean); };
    if (histogram[n] > histogram[mode] || (histogram[n] == histogram[mode] && off(n) < off(mode))) mode = n;
  }
  double steepest_up = undefined, steepest_down = undefined, up_at = undefined, down_at = undefined;
  if (histogram.size() > 1) {
    for (std::size_t n = 0; n < histogram.size(); ++n) {
      const std::size_t before = n > 0 ? n - 1 : n, after = std::min(n + 1, histogram.size() - 1);
      const double gradient = (histogram[after] - histogram[before]) / static_cast<double>(after - before);
      if (!(gradient <= steepest_up)) steepest_up = gradient, up_at = static_cast<double>(n + 1);
      if (!(gradient >= steepest_down)) steepest_down = gradient, down_at = static_cast<double>(n + 1);
    }
  }
  const auto add = [&](std::string_view tag, std::string_view name, double value) {
    features.push_back({tag, name, "intensity histogram", "", "", value});
  };
  add("X6K6", "Mean discretised intensity", s.mean);
  add("CH89", "Discretised intensity variance", s.variance);
  add("88K1", "Discretised intensity skewness", s.skewness);
  add("C3I7", "(Excess) discretised intensity kurtosis", s.kurtosis);
  add("WIFQ", "Median discretised intensity", s.median);
  add("1PR8", "Minimum discretised intensity", s.minimum);
  add("GPMT", "10th discretised intensity percentile", s.p10);
  add("OZ0C", "90th discretised intensity percentile", s.p90);
  add("3NCY", "Maximum discretised intensity", s.maximum);
  add("AMMC", "Intensity histogram mode", static_cast<double>(mode + 1));
  add("WR0O", "Discretised intensity interquartile range", s.interquartile);
  add("5Z3W", "Discretised intensity range", s.range);
  add("D2ZX", "Intensity histogram mean absolute deviation", s.mean_deviation);
  add("WRZB", "Intensity histogram robust mean absolute deviation", s.robust_deviation);
  add("4RNL", "Intensity histogram median absolute deviation", s.median_deviation);
  add("CWYJ", "Intensity histogram coefficient of variation", s.variation);
  add("SLWD", "Intensity histogram quartile coefficient of dispersion", s.dispersion);
  add("TLU2", "Discretised intensity entropy", entropy);
  add("BJ5W", "Discretised intensity uniformity", uniformity);
  add("12CE", "Maximum histogram gradient", steepest_up);
  add("8E6O", "Maximum histogram gradient intensity", up_at);
  add("VQB3", "Minimum histogram gradient", steepest_down);
  add("RHQZ", "Minimum histogram gradient intensity", down_at);
}

VolumeHistogram volume_histogram(const Region& region, const Discretisation& discretisation, std::optional<double> lowest,
                                 std::optional<double> highest) {
  constexpr int most = 100000;
  const std::vector<float> values = region.intensities();
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double first = lowest.value_or(*low), last = highest.value_or(*high);
  Discretisation how = discretisation;
  bool whole = false, centred = false;
  if (how.bin_width) {
    how.begin = first;
    centred = true;
  } else if (how.bins == 0) {
    whole = last - first < most && std::all_of(values.begin(), values.end(), [](float v) { return v == std::round(v); });
    if (whole) {
      how = {1.0, 0, std::ceil(first)};
    } else {
      how.bins = 1000;
    }
  }
  const Levels levels = discretise(region, how, most);
  // With a width the levels reach over the whole range that the region may hold.
  const int count =
      how.bin_width ? std::max(levels.count,
                               static_cast<int>(std::min<double>(most, std::ceil((last - *how.begin) / *how.bin_width) + (whole ? 1 : 0))))
                    : levels.count;
  std::vector<double> at(static_cast<std::size_t>(count), 0.0);
  for (const std::int32_t level : levels.level.values()) {
    if (level > 0) ++at[static_cast<std::size_t>(level - 1)];
  }
  VolumeHistogram histogram;
  double above = static_cast<double>(values.size());
  for (int n = 0; n < count; ++n) {
    histogram.fraction.push_back(above / static_cast<double>(values.size()));
    above -= at[static_cast<std::size_t>(n)];
    histogram.intensity.push_back(how.bin_width ? *how.begin + (n + (centred ? 0.5 : 0.0)) * *how.bin_width : n + 1.0);
  }
  return histogram;
}

void add_volume_histogram(const VolumeHistogram& histogram, Features& features) {
  const std::size_t count = histogram.fraction.size();
  const auto volume_at = [&](double share) {
    for (std::size_t n = 0; n < count; ++n) {
      if (static_cast<double>(n) >= share * static_cast<double>(count - 1) - 1e-9) return histogram.fraction[n];
    }
    return undefined;
  };
  const auto intensity_at = [&](double share) {
    for (std::size_t n = 0; n < count; ++n) {
      if (histogram.fraction[n] <= share) return histogram.intensity[n];
    }
    // More than that share has the highest level: the intensity that no voxel exceeds is the one above it.
    return count > 1 ? 2 * histogram.intensity[count - 1] - histogram.intensity[count - 2] : undefined;
  };
  const bool spread = count > 1;
  const double v10 = spread ? volume_at(0.1) : undefined, v90 = spread ? volume_at(0.9) : undefined;
  const double i10 = intensity_at(0.1), i90 = intensity_at(0.9);
  double area = 0;
  for (std::size_t n = 0; n + 1 < count; ++n) {
    area += (histogram.fraction[n] + histogram.fraction[n + 1]) / 2 / static_cast<double>(count - 1);
  }
  const auto add = [&](std::string_view tag, std::string_view name, const char* parameter, double value) {
    features.push_back({tag, name, "intensity-volume histogram", "", parameter, value});
  };
  add("BC2M", "Volume at intensity fraction", "10%", v10);
  add("BC2M", "Volume at intensity fraction", "90%", v90);
  add("GBPN", "Intensity at volume fraction", "10%", i10);
  add("GBPN", "Intensity at volume fraction", "90%", i90);
  add("DDTU", "Volume fraction difference between intensity fractions", "10%, 90%", v10 - v90);
  add("CNV2", "Intensity fraction difference between volume fractions", "10%, 90%", i10 - i90);
  add("9CMM", "Area under the IVH curve", "", spread ? area : undefined);
}

}  // namespace gantry::radiomics
