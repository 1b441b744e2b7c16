// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/simulation/tree.h"

#include <algorithm>
#include <cmath>

namespace gantry::simulation {

std::vector<Vec3> scattered(const Shape& region, double pitch, double margin, Random random) {
  std::vector<Vec3> points;
  const Box& box = region.bounds;
  for (double z = box.low_mm.z; z < box.high_mm.z; z += pitch) {
    for (double y = box.low_mm.y; y < box.high_mm.y; y += pitch) {
      for (double x = box.low_mm.x; x < box.high_mm.x; x += pitch) {
        const Vec3 p{x + pitch * random.next_uniform(), y + pitch * random.next_uniform(), z + pitch * random.next_uniform()};
        if (region.field(p) < -margin) points.push_back(p);
      }
    }
  }
  return points;
}

namespace {

struct Grower {
  std::vector<Branch> tree;
  double leaf_radius, exponent, reach;
  Random random;

  void grow(Vec3 from, Vec3 direction, Vec3* begin, Vec3* end, int parent, int generation) {
    const auto count = end - begin;
    Vec3 center;
    for (const Vec3* p = begin; p != end; ++p) center = center + *p;
    center = (1.0 / static_cast<double>(count)) * center;
    const Vec3 way = center - from;
    const double distance = norm(way);
    const double part = count == 1 ? 0.9 : reach;
    // A branch keeps some of its parent's direction, so that no branch folds back.
    Vec3 heading = distance > 1e-6 ? (1 / distance) * way : direction;
    heading = normalized(heading + (0.35 * std::max(0.0, 1.0 - 0.08 * generation)) * direction +
                         Vec3{0.12 * random.next_normal(), 0.12 * random.next_normal(), 0.12 * random.next_normal()});
    const Vec3 to = from + std::max(2.0, part * distance) * heading;
    const int self = static_cast<int>(tree.size());
    tree.push_back({from, to, leaf_radius * std::pow(static_cast<double>(count), 1 / exponent), parent, generation});
    if (count == 1) return;
    // Split across the direction in which the set is widest, seen along the branch.
    double xx = 0, xy = 0, xz = 0, yy = 0, yz = 0, zz = 0;
    for (const Vec3* p = begin; p != end; ++p) {
      Vec3 d = *p - center;
      d = d - 0.75 * dot(d, heading) * heading;
      xx += d.x * d.x, xy += d.x * d.y, xz += d.x * d.z, yy += d.y * d.y, yz += d.y * d.z, zz += d.z * d.z;
    }
    Vec3 axis{1.0, 0.7, 1.3};
    for (int step = 0; step < 24; ++step) {
      const Vec3 next{xx * axis.x + xy * axis.y + xz * axis.z, xy * axis.x + yy * axis.y + yz * axis.z,
                      xz * axis.x + yz * axis.y + zz * axis.z};
      const double length = norm(next);
      if (!(length > 1e-9)) break;
      axis = (1 / length) * next;
    }
    const double share = random.next_uniform(0.36, 0.64);
    Vec3* middle = begin + std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(share * static_cast<double>(count)), 1, count - 1);
    std::nth_element(begin, middle, end, [&](const Vec3& a, const Vec3& b) {
      const double da = dot(a, axis), db = dot(b, axis);
      return da != db ? da < db : a.x + 2 * a.y + 3 * a.z < b.x + 2 * b.y + 3 * b.z;
    });
    grow(to, heading, begin, middle, self, generation + 1);
    grow(to, heading, middle, end, self, generation + 1);
  }
};

}  // namespace

std::vector<Branch> grown_tree(Vec3 root, Vec3 direction, std::vector<Vec3> points, double leaf_radius, double exponent, double reach,
                               Random random) {
  Grower grower{{}, leaf_radius, exponent, reach, random};
  if (!points.empty()) grower.grow(root, normalized(direction), points.data(), points.data() + points.size(), -1, 0);
  return std::move(grower.tree);
}

std::vector<Capsule> capsules_of(const std::vector<Branch>& tree, double least_radius, double scale, double bend, Random random) {
  std::vector<Capsule> pieces;
  for (const Branch& branch : tree) {
    const double radius = scale * branch.radius_mm;
    const Vec3 along = branch.to_mm - branch.from_mm;
    const Vec3 side = (bend * norm(along)) * Vec3{random.next_normal(), random.next_normal(), random.next_normal()};
    if (radius < least_radius) continue;
    const double start =
        branch.parent < 0 ? radius : std::min(scale * tree[static_cast<std::size_t>(branch.parent)].radius_mm, 1.25 * radius);
    const Vec3 middle = branch.from_mm + 0.5 * along + side;
    pieces.push_back({branch.from_mm, middle, start, radius});
    pieces.push_back({middle, branch.to_mm, radius, 0.96 * radius});
  }
  return pieces;
}

}  // namespace gantry::simulation
