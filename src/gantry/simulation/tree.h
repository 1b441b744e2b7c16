// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#pragma once

#include <vector>

#include "gantry/base/random.h"
#include "gantry/simulation/shape.h"

namespace gantry::simulation {

/// One branch of a tree of vessels or airways.
struct Branch {
  Vec3 from_mm, to_mm;
  double radius_mm = 0;  ///< by the number of leaves behind it
  int parent = -1;       ///< index of the branch that it leaves from
  int generation = 0;
};

/// Points spread evenly and at random inside `region` where its field is below -`margin_mm`, about one per `pitch_mm`^3.
std::vector<Vec3> scattered(const Shape& region, double pitch_mm, double margin_mm, Random random);

/// Grows a tree from `root_mm` that reaches every point: the set is halved again and again by planes through its centre, and each
/// branch runs a part of the way to the centre of its half (after Tawhai et al. 2004). Radii follow Murray's rule
/// r^`exponent` = sum of the children's, leaves having `leaf_radius_mm`.
std::vector<Branch> grown_tree(Vec3 root_mm, Vec3 direction, std::vector<Vec3> points_mm, double leaf_radius_mm, double exponent,
                               double reach, Random random);

/// The branches from `least_radius_mm` on as bent, tapered capsules; `shift` moves each point (for a vessel beside a bronchus).
std::vector<Capsule> capsules_of(const std::vector<Branch>& tree, double least_radius_mm, double radius_scale, double bend, Random random);

}  // namespace gantry::simulation
