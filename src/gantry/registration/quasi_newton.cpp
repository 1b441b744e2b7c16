// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/quasi_newton.h"

#include <cmath>
#include <deque>

#include "gantry/base/error.h"

namespace gantry {

namespace {

double product(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t n = 0; n < a.size(); ++n) sum += a[n] * b[n];
  return sum;
}

double largest(std::span<const double> step) {
  double most = 0;
  for (const double s : step) most = std::max(most, std::abs(s));
  return most;
}

struct Pair {
  std::vector<double> step, change;
  double inverse = 0;
};

/// - H gradient, by the two-loop recursion.
std::vector<double> direction_of(std::span<const double> gradient, const std::deque<Pair>& pairs) {
  std::vector<double> q(gradient.begin(), gradient.end());
  std::vector<double> alpha(pairs.size());
  for (std::size_t n = pairs.size(); n-- > 0;) {
    alpha[n] = pairs[n].inverse * product(pairs[n].step, q);
    for (std::size_t i = 0; i < q.size(); ++i) q[i] -= alpha[n] * pairs[n].change[i];
  }
  if (!pairs.empty()) {
    const double scale = 1 / (pairs.back().inverse * product(pairs.back().change, pairs.back().change));
    for (double& value : q) value *= scale;
  }
  for (std::size_t n = 0; n < pairs.size(); ++n) {
    const double beta = pairs[n].inverse * product(pairs[n].change, q);
    for (std::size_t i = 0; i < q.size(); ++i) q[i] += (alpha[n] - beta) * pairs[n].step[i];
  }
  for (double& value : q) value = -value;
  return q;
}

}  // namespace

Minimum minimize(const Objective& objective, std::vector<double>& x, const MinimizeOptions& options, Run& run) {
  const auto length_of = [&](std::span<const double> step) { return options.length_of ? options.length_of(step) : largest(step); };
  std::vector<double> gradient(x.size()), next(x.size()), next_gradient(x.size());
  Minimum minimum;
  double value = objective(x, gradient);
  minimum.first_value = minimum.value = value;
  minimum.evaluations = 1;
  if (!std::isfinite(value)) throw Error(ErrorCode::not_possible, "registration: the images do not overlap enough to be compared");
  std::deque<Pair> pairs;
  std::vector<double> history{value};
  for (; minimum.iterations < options.iterations; ++minimum.iterations) {
    run.progress(static_cast<double>(minimum.iterations) / options.iterations);
    std::vector<double> direction = direction_of(gradient, pairs);
    double slope = product(direction, gradient);
    if (!(slope < 0)) {  // no descent: start anew from the gradient
      pairs.clear();
      direction = direction_of(gradient, pairs);
      slope = product(direction, gradient);
      if (!(slope < 0)) break;
    }
    const double length = length_of(direction);
    if (!(length > 0)) break;
    double part = pairs.empty() ? options.longest_step / length : std::min(1.0, options.longest_step / length);
    bool found = false;
    double next_value = value;
    while (part * length > options.shortest_step) {
      for (std::size_t n = 0; n < x.size(); ++n) next[n] = x[n] + part * direction[n];
      next_value = objective(next, next_gradient);
      ++minimum.evaluations;
      if (std::isfinite(next_value) && next_value <= value + 1e-4 * part * slope) {
        found = true;
        break;
      }
      // The minimum of the parabola through what is known, within bounds.
      const double curvature = next_value - value - part * slope;
      const double vertex = std::isfinite(curvature) && curvature > 0 ? -0.5 * part * part * slope / curvature : 0.3 * part;
      part = std::clamp(vertex, 0.1 * part, 0.5 * part);
    }
    if (!found) {
      if (pairs.empty()) break;
      pairs.clear();
      continue;
    }
    Pair pair{std::vector<double>(x.size()), std::vector<double>(x.size()), 0};
    for (std::size_t n = 0; n < x.size(); ++n) {
      pair.step[n] = next[n] - x[n];
      pair.change[n] = next_gradient[n] - gradient[n];
    }
    const double curvature = product(pair.step, pair.change);
    if (curvature > 1e-10 * std::sqrt(product(pair.step, pair.step) * product(pair.change, pair.change))) {
      pair.inverse = 1 / curvature;
      pairs.push_back(std::move(pair));
      if (pairs.size() > static_cast<std::size_t>(options.memory)) pairs.pop_front();
    }
    x.swap(next);
    gradient.swap(next_gradient);
    value = next_value;
    history.push_back(value);
    if (history.size() > 3 && history[history.size() - 4] - value < options.least_gain * std::abs(value)) {
      ++minimum.iterations;
      break;
    }
  }
  minimum.value = value;
  return minimum;
}

}  // namespace gantry
