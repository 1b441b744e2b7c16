// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <span>

#include "gantry/base/run.h"
#include "gantry/reconstruction/beam.h"

namespace gantry::reconstruction {

/// Filtered back-projection of one slice (Kak and Slaney 1988, equations 3.3.20 and, for a flat detector, 3.4.74): the rows of
/// `projections` (already filtered, for a fan beam weighted before that) are smeared over `size` x `size` pixels, each read between two
/// columns linearly. `shares`: see `view_shares`. Throws Error(parameter) when a fan beam's source would lie in the slice.
void back_project(std::span<const float> projections, const Beam& beam, std::span<const double> shares, std::int64_t size, double pixel_mm,
                  std::span<float> slice, const Run& run);

}  // namespace gantry::reconstruction
