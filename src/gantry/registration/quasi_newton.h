// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "gantry/base/run.h"

namespace gantry {

/// The function to be made small: its value at `x`; fills `gradient` (same size). A value that is not finite is taken for a step too far.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

/// When a minimisation stops. Lengths are those of `length_of`.
struct MinimizeOptions {
  int iterations = 50;
  double longest_step = 1;      ///< no step is longer; the first one has this length
  double shortest_step = 1e-3;  ///< a shorter step ends the search
  double least_gain = 0;        ///< so does a relative gain below this over 3 iterations
  int memory = 8;               ///< pairs of steps and gradients kept
  /// Length of a step; none for its largest component.
  std::function<double(std::span<const double> step)> length_of;
};

/// What a minimisation reached and what it took.
struct Minimum {
  double first_value = 0, value = 0;
  int iterations = 0, evaluations = 0;
};

/// Limited-memory BFGS with a backtracking line search (Nocedal and Wright 2006, algorithms 7.4 and 3.1); `x` is start and result.
Minimum minimize(const Objective& objective, std::vector<double>& x, const MinimizeOptions& options, Run& run);

}  // namespace gantry
