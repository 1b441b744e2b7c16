// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/base/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gantry {

namespace {

std::uint64_t mixed(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed, std::uint64_t stream) : key_(mixed(mixed(seed) ^ (stream * 0xD1B54A32D192ED03ull))) {}

std::uint64_t Random::bits(std::uint64_t counter) const { return mixed(key_ ^ mixed(counter)); }

double Random::uniform(std::uint64_t counter) const { return static_cast<double>(bits(counter) >> 11) * 0x1p-53; }

double Random::normal(std::uint64_t counter) const {
  const std::uint64_t first = bits(counter);
  const double u = (static_cast<double>(first >> 11) + 0.5) * 0x1p-53;
  const double v = static_cast<double>(mixed(first) >> 11) * 0x1p-53;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

double Random::poisson(std::uint64_t counter, double mean) const {
  if (!(mean > 0)) return 0;
  if (mean >= 30) return std::max(0.0, std::round(mean + std::sqrt(mean) * normal(counter)));
  const double u = uniform(counter);
  double probability = std::exp(-mean);
  double cumulative = probability;
  int count = 0;
  while (u > cumulative && count < 200) {
    ++count;
    probability *= mean / count;
    cumulative += probability;
  }
  return count;
}

std::int64_t Random::next_integer(std::int64_t low, std::int64_t high) {
  const double span = static_cast<double>(high - low) + 1.0;
  return low + std::min<std::int64_t>(high - low, static_cast<std::int64_t>(next_uniform() * span));
}

}  // namespace gantry
