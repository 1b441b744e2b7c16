// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include <algorithm>
#include <cmath>

#include "gantry/compute/parallel.h"
#include "gantry/radiomics/neighbours.h"

namespace gantry::radiomics {

namespace {

constexpr std::array<FeatureName, 25> names{{{"GYBY", "Joint maximum"},
                                             {"60VM", "Joint average"},
                                             {"UR99", "Joint variance"},
                                             {"TU9B", "Joint entropy"},
                                             {"TF7R", "Difference average"},
                                             {"D3YU", "Difference variance"},
                                             {"NTRS", "Difference entropy"},
                                             {"ZGXS", "Sum average"},
                                             {"OEEB", "Sum variance"},
                                             {"P6QZ", "Sum entropy"},
                                             {"8ZQL", "Angular second moment"},
                                             {"ACUI", "Contrast"},
                                             {"8S9J", "Dissimilarity"},
                                             {"IB1Z", "Inverse difference"},
                                             {"NDRX", "Normalised inverse difference"},
                                             {"WF0Z", "Inverse difference moment"},
                                             {"1QCO", "Normalised inverse difference moment"},
                                             {"E8JP", "Inverse variance"},
                                             {"NI2N", "Correlation"},
                                             {"QWB0", "Autocorrelation"},
                                             {"DG8W", "Cluster tendency"},
                                             {"7NFM", "Cluster shade"},
                                             {"AE86", "Cluster prominence"},
                                             {"R8DG", "Information correlation 1"},
                                             {"JN9H", "Information correlation 2"}}};

/// Pairs of levels (lower index: the first voxel of the step), N_g by N_g, one step direction. The transposed half is added when the
/// probabilities are made.
using Counts = std::vector<std::uint32_t>;

void count_pairs(const FramedLevels& levels, const Step& step, std::int64_t k, Counts& counts) {
  const std::int64_t offset = levels.offset(step);
  const std::int32_t* const data = levels.data();
  const auto side = static_cast<std::size_t>(levels.count);
  levels.each(k, [&](std::int64_t n) {
    const std::int32_t other = data[n + offset];
    if (other != 0) ++counts[static_cast<std::size_t>(data[n] - 1) * side + static_cast<std::size_t>(other - 1)];
  });
}

double entropy_of(const std::vector<double>& probabilities) {
  double entropy = 0;
  for (const double p : probabilities) {
    if (p > 0) entropy -= p * std::log2(p);
  }
  return entropy;
}

/// Empty when there is no pair.
std::vector<double> values_of(const Counts& counts, int levels) {
  const auto side = static_cast<std::size_t>(levels);
  double total = 0;
  for (const std::uint32_t c : counts) total += c;
  if (total == 0) return {};
  const double each = 1 / (2 * total), ng = levels;
  std::vector<double> single(side, 0.0), sum(2 * side + 1, 0.0), difference(side, 0.0);
  double highest = 0, joint_entropy = 0, moment = 0, product = 0, inverse = 0, inverse_normal = 0, inverse_square = 0, square_normal = 0,
         inverse_variance = 0;
  for (std::size_t i = 0; i < side; ++i) {
    for (std::size_t j = i; j < side; ++j) {
      const std::uint32_t pairs = counts[i * side + j] + counts[j * side + i];
      if (pairs == 0) continue;
      // Off the diagonal the entry stands twice in the matrix.
      const double p = pairs * each, weight = i == j ? p : 2 * p;
      const auto d = static_cast<double>(j - i);
      highest = std::max(highest, p);
      joint_entropy -= weight * std::log2(p);
      moment += weight * p;
      single[i] += p;
      if (i != j) single[j] += p;
      sum[i + j + 2] += weight;
      difference[j - i] += weight;
      product += weight * static_cast<double>((i + 1) * (j + 1));
      inverse += weight / (1 + d);
      inverse_normal += weight / (1 + d / ng);
      inverse_square += weight / (1 + d * d);
      square_normal += weight / (1 + d * d / (ng * ng));
      if (d > 0) inverse_variance += weight / (d * d);
    }
  }
  double mean = 0, variance = 0;
  for (std::size_t i = 0; i < side; ++i) mean += single[i] * static_cast<double>(i + 1);
  for (std::size_t i = 0; i < side; ++i) variance += single[i] * std::pow(static_cast<double>(i + 1) - mean, 2);
  double difference_mean = 0, difference_variance = 0, contrast = 0;
  for (std::size_t d = 0; d < side; ++d) {
    difference_mean += difference[d] * static_cast<double>(d);
    contrast += difference[d] * static_cast<double>(d * d);
  }
  for (std::size_t d = 0; d < side; ++d) difference_variance += difference[d] * std::pow(static_cast<double>(d) - difference_mean, 2);
  double tendency = 0, shade = 0, prominence = 0;
  for (std::size_t s = 2; s < sum.size(); ++s) {
    const double off = static_cast<double>(s) - 2 * mean;
    tendency += sum[s] * off * off;
    shade += sum[s] * off * off * off;
    prominence += sum[s] * off * off * off * off;
  }
  const bool one_level = std::count_if(single.begin(), single.end(), [](double p) { return p > 0; }) == 1;
  // The matrix is symmetric: both of the entropies of independent levels are twice that of one level.
  const double entropy = entropy_of(single), independent = 2 * entropy;
  return {highest,
          mean,
          variance,
          joint_entropy,
          difference_mean,
          difference_variance,
          entropy_of(difference),
          2 * mean,
          tendency,
          entropy_of(sum),
          moment,
          contrast,
          difference_mean,
          inverse,
          inverse_normal,
          inverse_square,
          square_normal,
          inverse_variance,
          one_level ? 1 : (product - mean * mean) / variance,
          product,
          tendency,
          shade,
          prominence,
          one_level ? undefined : (joint_entropy - independent) / entropy,
          std::sqrt(std::max(0.0, 1 - std::exp(-2 * (independent - joint_entropy))))};
}

void add_to(Counts& total, const Counts& part) {
  for (std::size_t n = 0; n < total.size(); ++n) total[n] += part[n];
}

}  // namespace

void add_cooccurrence(const Levels& levels, Dimensions dimensions, Features& features, const Run& run) {
  const FramedLevels framed(levels);
  const auto size = static_cast<std::size_t>(levels.count) * static_cast<std::size_t>(levels.count);
  const std::int64_t slices = framed.size()[2];
  const auto add = [&](const char* aggregation, const std::vector<std::vector<double>>& sets) {
    add_values(names, "co-occurrence matrix", aggregation, mean_values(sets, names.size()), features);
  };
  if (has_slices(dimensions)) {
    const std::vector<Step> steps = directions(false);
    std::vector<std::vector<double>> each(static_cast<std::size_t>(slices) * steps.size()), per_slice(static_cast<std::size_t>(slices));
    // Slices are cut into fixed blocks, each with its own matrices; integers add up the same in any order.
    struct Part {
      std::vector<Counts> direction;
    };
    Part merged = parallel_reduce(
        run, slices, std::max<std::int64_t>(1, (slices + 15) / 16), Part{std::vector<Counts>(steps.size(), Counts(size, 0))},
        [&](std::int64_t begin, std::int64_t end) {
          Part part{std::vector<Counts>(steps.size(), Counts(size, 0))};
          Counts one(size), slice(size);
          for (std::int64_t k = begin; k < end; ++k) {
            std::fill(slice.begin(), slice.end(), 0);
            for (std::size_t d = 0; d < steps.size(); ++d) {
              std::fill(one.begin(), one.end(), 0);
              count_pairs(framed, steps[d], k, one);
              each[static_cast<std::size_t>(k) * steps.size() + d] = values_of(one, levels.count);
              add_to(slice, one);
              add_to(part.direction[d], one);
            }
            per_slice[static_cast<std::size_t>(k)] = values_of(slice, levels.count);
          }
          return part;
        },
        [](Part& total, const Part& part) {
          for (std::size_t d = 0; d < total.direction.size(); ++d) add_to(total.direction[d], part.direction[d]);
        });
    add("2D, averaged", each);
    add("2D, slice-merged", per_slice);
    std::vector<std::vector<double>> by_direction;
    Counts all(size, 0);
    for (const Counts& direction : merged.direction) {
      by_direction.push_back(values_of(direction, levels.count));
      add_to(all, direction);
    }
    add("2.5D, direction-merged", by_direction);
    add("2.5D, merged", {values_of(all, levels.count)});
  }
  if (has_volume(dimensions)) {
    const std::vector<Step> steps = directions(true);
    std::vector<Counts> counts(steps.size(), Counts(size, 0));
    std::vector<std::vector<double>> by_direction(steps.size());
    parallel_for(run, static_cast<std::int64_t>(steps.size()), 1, [&](std::int64_t begin, std::int64_t) {
      const auto d = static_cast<std::size_t>(begin);
      for (std::int64_t k = 0; k < slices; ++k) count_pairs(framed, steps[d], k, counts[d]);
      by_direction[d] = values_of(counts[d], levels.count);
    });
    for (std::size_t d = 1; d < counts.size(); ++d) add_to(counts[0], counts[d]);
    add("3D, averaged", by_direction);
    add("3D, merged", {values_of(counts[0], levels.count)});
  }
}

}  // namespace gantry::radiomics
