// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/annotation/staple.h"

#include <cmath>

namespace gantry {

Staple staple(std::span<const RaterPattern> patterns, std::size_t raters) {
  constexpr double start = 0.99999, settled = 1e-7;
  constexpr int most_iterations = 1000;
  Staple result{std::vector<double>(raters, start), std::vector<double>(raters, start), std::vector<double>(patterns.size()), 0};
  double voxels = 0, marks = 0;
  for (const RaterPattern& pattern : patterns) {
    voxels += static_cast<double>(pattern.voxels);
    for (std::size_t r = 0; r < raters; ++r) marks += (pattern.marked >> r & 1) != 0 ? static_cast<double>(pattern.voxels) : 0;
  }
  const double prior = voxels > 0 && raters > 0 ? marks / (voxels * static_cast<double>(raters)) : 0;
  if (!(prior > 0 && prior < 1)) {
    for (double& probability : result.probability) probability = prior > 0 ? 1 : 0;
    return result;
  }
  for (double change = 1; change > settled && result.iterations < most_iterations; ++result.iterations) {
    double inside = 0, outside = 0;
    std::vector<double> hits(raters), rejections(raters);
    for (std::size_t n = 0; n < patterns.size(); ++n) {
      // Products of many rates in logarithms.
      double yes = std::log(prior), no = std::log1p(-prior);
      for (std::size_t r = 0; r < raters; ++r) {
        const bool marked = (patterns[n].marked >> r & 1) != 0;
        yes += std::log(std::max(1e-300, marked ? result.sensitivity[r] : 1 - result.sensitivity[r]));
        no += std::log(std::max(1e-300, marked ? 1 - result.specificity[r] : result.specificity[r]));
      }
      const double weight = 1 / (1 + std::exp(no - yes)), count = static_cast<double>(patterns[n].voxels);
      result.probability[n] = weight;
      inside += weight * count;
      outside += (1 - weight) * count;
      for (std::size_t r = 0; r < raters; ++r) {
        if ((patterns[n].marked >> r & 1) != 0)
          hits[r] += weight * count;
        else
          rejections[r] += (1 - weight) * count;
      }
    }
    change = 0;
    for (std::size_t r = 0; r < raters; ++r) {
      const double sensitivity = inside > 0 ? hits[r] / inside : result.sensitivity[r];
      const double specificity = outside > 0 ? rejections[r] / outside : result.specificity[r];
      change = std::max({change, std::abs(sensitivity - result.sensitivity[r]), std::abs(specificity - result.specificity[r])});
      result.sensitivity[r] = sensitivity;
      result.specificity[r] = specificity;
    }
  }
  return result;
}

}  // namespace gantry
