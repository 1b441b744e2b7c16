// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiomics/surface.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "gantry/compute/parallel.h"

namespace gantry::radiomics {

namespace {

/// Corner c of a cell lies at (c & 1, c >> 1 & 1, c >> 2 & 1); a corner of the mesh between corners a and b is named by both.
using Edge = std::pair<int, int>;

/// Corners of each face of a cell, counter-clockwise from outside.
constexpr std::array<std::array<int, 4>, 6> cell_faces{
    {{0, 4, 6, 2}, {1, 3, 7, 5}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 2, 3, 1}, {4, 5, 7, 6}}};

/// The loops of mesh corners in a cell whose inside corners are the set bits of `inside`. On each face a line runs from where its border,
/// walked counter-clockwise, leaves the inside back to where it entered it: what is inside then lies on its left.
std::vector<std::vector<Edge>> loops_of(unsigned inside) {
  std::map<Edge, Edge> next;
  const auto in = [&](int corner) { return (inside >> corner & 1U) != 0; };
  const auto edge = [](int a, int b) { return Edge(std::min(a, b), std::max(a, b)); };
  for (const auto& face : cell_faces) {
    for (std::size_t n = 0; n < 4; ++n) {
      const int a = face[n], b = face[(n + 1) % 4];
      if (!in(a) || in(b)) continue;
      std::size_t first = n;
      while (in(face[(first + 3) % 4])) first = (first + 3) % 4;
      next[edge(a, b)] = edge(face[first], face[(first + 3) % 4]);
    }
  }
  std::vector<std::vector<Edge>> loops;
  while (!next.empty()) {
    std::vector<Edge> loop;
    for (auto at = next.begin(); at != next.end();) {
      loop.push_back(at->first);
      const Edge to = at->second;
      next.erase(at);
      at = next.find(to);
    }
    loops.push_back(std::move(loop));
  }
  return loops;
}

/// What one cell adds: its area, the area of its projection along k, and the moment of that projection about the cell's lower corner. The
/// last two give the volume by the divergence theorem: the integral of z over the surface's z component.
struct CellPart {
  double area = 0, projected = 0, moment = 0;
};

Vec3 place_of(const Edge& edge, Vec3 spacing) {
  Vec3 place;
  for (int a = 0; a < 3; ++a) place[a] = ((edge.first >> a & 1) + (edge.second >> a & 1)) * 0.5 * spacing[a];
  return place;
}

/// Adds the fan of triangles from the first corner of the loop.
void add_fan(const std::vector<Edge>& loop, Vec3 spacing, CellPart& part) {
  for (std::size_t n = 1; n + 1 < loop.size(); ++n) {
    const Vec3 a = place_of(loop[0], spacing), b = place_of(loop[n], spacing), c = place_of(loop[n + 1], spacing);
    const Vec3 normal = 0.5 * cross(b - a, c - a);
    part.area += norm(normal);
    part.projected += normal.z;
    part.moment += normal.z * (a.z + b.z + c.z) / 3;
  }
}

std::array<CellPart, 256> cell_parts(Vec3 spacing) {
  std::array<CellPart, 256> parts{};
  for (unsigned inside = 0; inside < 256; ++inside) {
    for (auto loop : loops_of(inside)) {
      // A loop that is not flat: the fan of the largest area in a cube, which is that of the published tables.
      std::vector<Edge> best = loop;
      double largest = 0;
      for (std::size_t n = 0; n < loop.size(); ++n) {
        std::rotate(loop.begin(), loop.begin() + 1, loop.end());
        CellPart fan;
        add_fan(loop, {1, 1, 1}, fan);
        if (fan.area > largest + 1e-9) {
          largest = fan.area;
          best = loop;
        }
      }
      add_fan(best, spacing, parts[inside]);
    }
  }
  return parts;
}

}  // namespace

SurfaceMesh surface_mesh(const MaskView& mask, const Run& run) {
  const auto [ni, nj, nk] = mask.grid().size();
  const Vec3 spacing = mask.grid().spacing_mm();
  const auto parts = cell_parts(spacing);
  // Cells of one layer by what is inside: there are 256 kinds.
  struct Sums {
    double area = 0, volume = 0;
  };
  const Sums sums = parallel_reduce(
      run, nk + 1, 1, Sums{},
      [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t) {
        std::array<std::int64_t, 256> kinds{};
        const std::int64_t k = begin - 1;
        const auto row = [&](std::int64_t j, std::int64_t slice) {
          return j >= 0 && j < nj && slice >= 0 && slice < nk ? &mask(0, j, slice) : nullptr;
        };
        for (std::int64_t j = -1; j < nj; ++j) {
          const std::array<const std::uint8_t*, 4> rows{row(j, k), row(j + 1, k), row(j, k + 1), row(j + 1, k + 1)};
          unsigned inside = 0;
          for (std::int64_t i = -1; i < ni; ++i) {
            inside = inside >> 1 & 0x55U;
            for (std::size_t r = 0; r < 4; ++r) {
              if (i + 1 < ni && rows[r] != nullptr && rows[r][i + 1] != 0) inside |= 2U << (2 * r);
            }
            ++kinds[inside];
          }
        }
        Sums part;
        for (std::size_t kind = 1; kind < 255; ++kind) {
          const auto cells = static_cast<double>(kinds[kind]);
          part.area += cells * parts[kind].area;
          part.volume += cells * (static_cast<double>(k) * spacing.z * parts[kind].projected + parts[kind].moment);
        }
        return part;
      },
      [](Sums& total, const Sums& part) {
        total.area += part.area;
        total.volume += part.volume;
      });
  return {sums.area, std::abs(sums.volume)};
}

namespace {

std::int64_t determinant_of(const HalfVoxel& a, const HalfVoxel& b, const HalfVoxel& c, const HalfVoxel& d) {
  std::array<HalfVoxel, 3> v{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    v[0][axis] = b[axis] - a[axis];
    v[1][axis] = c[axis] - a[axis];
    v[2][axis] = d[axis] - a[axis];
  }
  return v[0][0] * (v[1][1] * v[2][2] - v[1][2] * v[2][1]) - v[0][1] * (v[1][0] * v[2][2] - v[1][2] * v[2][0]) +
         v[0][2] * (v[1][0] * v[2][1] - v[1][1] * v[2][0]);
}

/// The points of one plane of constant z that may lie on the hull: corners of their hull in the plane (Andrew's monotone chain).
void keep_corners(std::vector<HalfVoxel>& plane, std::vector<HalfVoxel>& kept) {
  std::sort(plane.begin(), plane.end());
  plane.erase(std::unique(plane.begin(), plane.end()), plane.end());
  if (plane.size() <= 2) {
    kept.insert(kept.end(), plane.begin(), plane.end());
    return;
  }
  const auto turn = [](const HalfVoxel& a, const HalfVoxel& b, const HalfVoxel& c) {
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  };
  for (int side = 0; side < 2; ++side) {
    const std::size_t base = kept.size();
    for (const HalfVoxel& p : plane) {
      while (kept.size() >= base + 2 && turn(kept[kept.size() - 2], kept.back(), p) <= 0) kept.pop_back();
      kept.push_back(p);
    }
    kept.pop_back();  // the other side begins with it
    std::reverse(plane.begin(), plane.end());
  }
}

/// Points whose hull is that of the mesh: the centres of the faces of the first and last voxel of each row, plane by plane thinned.
std::vector<HalfVoxel> hull_candidates(const MaskView& mask) {
  const auto [ni, nj, nk] = mask.grid().size();
  std::map<std::int64_t, std::vector<HalfVoxel>> planes;
  for (std::int64_t k = 0; k < nk; ++k) {
    for (std::int64_t j = 0; j < nj; ++j) {
      const std::uint8_t* const row = &mask(0, j, k);
      std::int64_t first = 0, last = ni - 1;
      while (first < ni && row[first] == 0) ++first;
      if (first == ni) continue;
      while (row[last] == 0) --last;
      for (const std::int64_t i : {first, last}) {
        for (const std::int64_t side : {-1, 1}) {
          planes[2 * k].push_back({2 * i + side, 2 * j, 2 * k});
          planes[2 * k].push_back({2 * i, 2 * j + side, 2 * k});
          planes[2 * k + side].push_back({2 * i, 2 * j, 2 * k + side});
        }
      }
    }
  }
  std::vector<HalfVoxel> kept;
  for (auto& [z, plane] : planes) keep_corners(plane, kept);
  return kept;
}

struct Facet {
  std::array<std::int32_t, 3> corner{};
  std::array<std::int32_t, 3> across{};  ///< the facet beyond the side from corner n to corner n + 1
  std::vector<std::int32_t> above;       ///< points that see it
  bool alive = true;
  int visit = 0;
};

/// Quickhull (Barber, Dobkin and Huhdanpaa 1996) on points that are not all in one plane.
class Quickhull {
 public:
  explicit Quickhull(const std::vector<HalfVoxel>& points) : points_(points) {
    start();
    for (std::size_t f = 0; f < facets_.size(); ++f) {
      if (facets_[f].alive && !facets_[f].above.empty()) {
        add_farthest(static_cast<std::int32_t>(f));
        // Facets are appended only, so each is met once with all the points that it got.
      }
    }
  }
  std::vector<std::array<std::int32_t, 3>> faces() const {
    std::vector<std::array<std::int32_t, 3>> result;
    for (const Facet& facet : facets_) {
      if (facet.alive) result.push_back(facet.corner);
    }
    return result;
  }

 private:
  const HalfVoxel& point(std::int32_t n) const { return points_[static_cast<std::size_t>(n)]; }
  Facet& facet(std::int32_t n) { return facets_[static_cast<std::size_t>(n)]; }
  /// Positive above the facet, in sixths of a volume.
  std::int64_t height(const Facet& f, std::int32_t p) const {
    return determinant_of(point(f.corner[0]), point(f.corner[1]), point(f.corner[2]), point(p));
  }

  void start() {
    const auto count = static_cast<std::int32_t>(points_.size());
    std::int32_t a = 0, b = 0, c = -1, d = -1;
    for (std::int32_t n = 1; n < count; ++n) {
      if (point(n) < point(a)) a = n;
      if (point(b) < point(n)) b = n;
    }
    std::int64_t best = 0;
    for (std::int32_t n = 0; n < count; ++n) {
      HalfVoxel u{}, v{};
      for (std::size_t axis = 0; axis < 3; ++axis) {
        u[axis] = point(b)[axis] - point(a)[axis];
        v[axis] = point(n)[axis] - point(a)[axis];
      }
      const HalfVoxel w{u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
      const std::int64_t square = w[0] * w[0] + w[1] * w[1] + w[2] * w[2];
      if (square > best) best = square, c = n;
    }
    best = 0;
    for (std::int32_t n = 0; n < count && c >= 0; ++n) {
      const std::int64_t volume = determinant_of(point(a), point(b), point(c), point(n));
      if (std::abs(volume) > std::abs(best)) best = volume, d = n;
    }
    if (d < 0) return;
    if (best > 0) std::swap(b, c);
    facets_ = {{{a, b, c}, {3, 1, 2}, {}, true, 0},
               {{b, d, c}, {3, 2, 0}, {}, true, 0},
               {{c, d, a}, {1, 3, 0}, {}, true, 0},
               {{a, d, b}, {2, 1, 0}, {}, true, 0}};
    std::vector<std::int32_t> all(points_.size());
    std::iota(all.begin(), all.end(), 0);
    hand_out(all, 0);
  }

  /// Gives each point to the first facet from `first` on that it sees.
  void hand_out(const std::vector<std::int32_t>& points, std::size_t first) {
    for (const std::int32_t p : points) {
      for (std::size_t f = first; f < facets_.size(); ++f) {
        if (height(facets_[f], p) > 0) {
          facets_[f].above.push_back(p);
          break;
        }
      }
    }
  }

  void add_farthest(std::int32_t f) {
    std::int32_t top = facet(f).above.front();
    for (const std::int32_t p : facet(f).above) {
      if (height(facet(f), p) > height(facet(f), top)) top = p;
    }
    // What the point sees, and the sides that bound it.
    ++visit_;
    struct Side {
      std::int32_t from, to, beyond;
    };
    std::vector<Side> horizon;
    std::vector<std::int32_t> seen{f}, orphans;
    facet(f).visit = visit_;
    for (std::size_t n = 0; n < seen.size(); ++n) {
      const Facet here = facet(seen[n]);
      for (std::size_t side = 0; side < 3; ++side) {
        Facet& other = facet(here.across[side]);
        if (other.visit == visit_) continue;
        if (height(other, top) > 0) {
          other.visit = visit_;
          seen.push_back(here.across[side]);
        } else {
          horizon.push_back({here.corner[side], here.corner[(side + 1) % 3], here.across[side]});
        }
      }
    }
    for (const std::int32_t n : seen) {
      facet(n).alive = false;
      for (const std::int32_t p : facet(n).above) {
        if (p != top) orphans.push_back(p);
      }
      facet(n).above = {};
    }
    const std::size_t first = facets_.size();
    std::map<std::int32_t, std::int32_t> from, to;
    for (const Side& side : horizon) {
      const auto n = static_cast<std::int32_t>(facets_.size());
      from[side.from] = n;
      to[side.to] = n;
      facets_.push_back({{side.from, side.to, top}, {side.beyond, -1, -1}, {}, true, 0});
      Facet& beyond = facet(side.beyond);
      for (std::size_t s = 0; s < 3; ++s) {
        if (beyond.corner[s] == side.to && beyond.corner[(s + 1) % 3] == side.from) beyond.across[s] = n;
      }
    }
    for (std::size_t n = first; n < facets_.size(); ++n) {
      facets_[n].across[1] = from.at(facets_[n].corner[1]);
      facets_[n].across[2] = to.at(facets_[n].corner[0]);
    }
    hand_out(orphans, first);
  }

  const std::vector<HalfVoxel>& points_;
  std::vector<Facet> facets_;
  int visit_ = 0;
};

}  // namespace

ConvexHull convex_hull(const MaskView& mask) {
  const std::vector<HalfVoxel> candidates = hull_candidates(mask);
  ConvexHull hull;
  std::map<std::int32_t, std::int32_t> number;
  for (auto face : Quickhull(candidates).faces()) {
    for (std::int32_t& corner : face) {
      const auto [at, added] = number.try_emplace(corner, static_cast<std::int32_t>(hull.points.size()));
      if (added) hull.points.push_back(candidates[static_cast<std::size_t>(corner)]);
      corner = at->second;
    }
    hull.faces.push_back(face);
  }
  return hull;
}

}  // namespace gantry::radiomics
