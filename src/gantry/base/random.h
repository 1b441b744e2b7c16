// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstdint>

namespace gantry {

/// Counter-based random numbers: the value of (seed, stream, counter) depends on nothing else, so that noise fields can be
/// filled in parallel with the same result for any thread count. Mixing by SplitMix64 finalisers (Steele et al. 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0);
  std::uint64_t bits(std::uint64_t counter) const;
  /// Uniform in [0, 1).
  double uniform(std::uint64_t counter) const;
  /// Standard normal (Box-Muller on two hashed uniforms).
  double normal(std::uint64_t counter) const;
  /// Poisson with the given mean (inversion below 30, rounded normal approximation above).
  double poisson(std::uint64_t counter, double mean) const;

  /// Sequential use: each call takes the next counter.
  double next_uniform() { return uniform(counter_++); }
  double next_uniform(double low, double high) { return low + (high - low) * next_uniform(); }
  double next_normal() { return normal(counter_++); }
  /// Uniform integer in [low, high].
  std::int64_t next_integer(std::int64_t low, std::int64_t high);

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

}  // namespace gantry
