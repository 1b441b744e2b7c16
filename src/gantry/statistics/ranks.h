// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gantry::statistics {

/// Indices in the order of rising values; equal ones keep theirs.
std::vector<std::size_t> rising_order(std::span<const double> values);
/// Ranks from 1 on; equal values share the mean of theirs.
std::vector<double> mid_ranks(std::span<const double> values);

}  // namespace gantry::statistics
