// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiotherapy/gamma_index.h"

#include <mutex>

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"

namespace gantry {

namespace {

constexpr int steps_per_distance = 5, refinements = 4;

/// A trial displacement from the point of the reference.
struct Offset {
  float squared;               ///< length^2 / distance^2
  std::array<float, 3> voxel;  ///< in voxels of the evaluated grid
};

/// A point in voxels of the evaluated grid.
struct Place {
  std::array<float, 3> at;
};

class Evaluated {
 public:
  explicit Evaluated(const VoxelView<float>& dose) : values_(dose.data()) {
    for (int a = 0; a < 3; ++a) {
      const auto n = static_cast<std::size_t>(a);
      last_[n] = static_cast<float>(dose.grid().size(a) - 1);
      stride_[n] = a == 0 ? 1 : stride_[n - 1] * dose.grid().size(a - 1);
    }
  }

  bool inside(const Place& p) const {
    for (std::size_t a = 0; a < 3; ++a) {
      if (!(p.at[a] >= -0.5F && p.at[a] <= last_[a] + 0.5F)) return false;
    }
    return true;
  }

  /// Dose at a place inside.
  float dose(const Place& p) const {
    const Cell c = cell(p);
    const auto row = [&](std::int64_t o) { return values_[o] + c.part[0] * (values_[o + c.step[0]] - values_[o]); };
    const auto plane = [&](std::int64_t o) {
      const float v = row(o);
      return v + c.part[1] * (row(o + c.step[1]) - v);
    };
    const float v = plane(c.first);
    return v + c.part[2] * (plane(c.first + c.step[2]) - v);
  }

  /// Derivatives along the voxel axes inside the cell of the place.
  std::array<float, 3> slope(const Place& p) const {
    std::array<float, 3> slope{};
    for (std::size_t a = 0; a < 3; ++a) {
      if (last_[a] < 1) continue;
      Place low = p, high = p;
      low.at[a] = std::min(std::floor(std::clamp(p.at[a], 0.0F, last_[a])), last_[a] - 1);
      high.at[a] = low.at[a] + 1;
      slope[a] = dose(high) - dose(low);
    }
    return slope;
  }

 private:
  struct Cell {
    std::int64_t first;
    std::array<std::int64_t, 3> step;
    std::array<float, 3> part;
  };
  Cell cell(const Place& p) const {
    Cell c{.first = 0, .step = {}, .part = {}};
    for (std::size_t a = 0; a < 3; ++a) {
      const float held = std::clamp(p.at[a], 0.0F, last_[a]);
      const auto low = static_cast<std::int64_t>(held);
      c.part[a] = held - static_cast<float>(low);
      c.step[a] = held < last_[a] ? stride_[a] : 0;
      c.first += low * stride_[a];
    }
    return c;
  }

  const float* values_;
  std::array<float, 3> last_{};
  std::array<std::int64_t, 3> stride_{};
};

/// Lowest and highest value within `radius` voxels along one axis after the other.
struct Range {
  std::vector<float> low, high;
};

void spread(std::vector<float>& values, const Grid& grid, int axis, std::int64_t radius, bool highest, const Run& run) {
  const std::int64_t n = grid.size(axis);
  if (n == 1 || radius == 0) return;
  const std::int64_t stride = axis == 0 ? 1 : axis == 1 ? grid.size(0) : grid.size(0) * grid.size(1);
  const std::int64_t lines = grid.voxel_count() / n;
  const float sign = highest ? 1.0F : -1.0F;
  parallel_for(run, lines, 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> line(static_cast<std::size_t>(n));
    std::vector<std::int64_t> queue(static_cast<std::size_t>(n));
    for (std::int64_t l = begin; l < end; ++l) {
      float* const first = values.data() + (l / stride) * stride * n + l % stride;
      for (std::int64_t i = 0; i < n; ++i) line[static_cast<std::size_t>(i)] = sign * first[i * stride];
      // The largest of a sliding window: indices in the queue have falling values.
      std::size_t head = 0, tail = 0;
      std::int64_t next = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        for (; next < n && next <= i + radius; ++next) {
          while (tail > head && line[static_cast<std::size_t>(queue[tail - 1])] <= line[static_cast<std::size_t>(next)]) --tail;
          queue[tail++] = next;
        }
        while (queue[head] < i - radius) ++head;
        first[i * stride] = sign * line[static_cast<std::size_t>(queue[head])];
      }
    }
  });
}

Range range_around(const VoxelView<float>& dose, double radius_mm, const Run& run) {
  Range range{{dose.data(), dose.data() + dose.count()}, {dose.data(), dose.data() + dose.count()}};
  for (int axis = 0; axis < 3; ++axis) {
    // A point lies up to half a voxel beside the voxel that it is looked up at, and takes part in the cell beyond its reach.
    const auto radius = static_cast<std::int64_t>(std::ceil(radius_mm / dose.grid().spacing_mm()[axis])) + 2;
    spread(range.low, dose.grid(), axis, radius, false, run);
    spread(range.high, dose.grid(), axis, radius, true, run);
  }
  return range;
}

/// World displacements within the reach, sorted by length; along the normal of a plane there are none.
std::vector<Offset> offsets_of(const Grid& grid, const GammaOptions& options, double step_mm) {
  const bool plane = grid.size(2) == 1;
  const double reach = options.maximum * options.distance_mm;
  const auto most = static_cast<int>(std::floor(reach / step_mm));
  const Vec3 origin = grid.voxel_from_world(grid.origin_mm());
  const Vec3 across = normalized(grid.direction().column[0]);
  const Vec3 normal = normalized(cross(grid.direction().column[0], grid.direction().column[1]));
  const Vec3 along = cross(normal, across);
  std::vector<Offset> offsets;
  const int deep = plane ? 0 : most;
  for (int k = -deep; k <= deep; ++k) {
    for (int j = -most; j <= most; ++j) {
      for (int i = -most; i <= most; ++i) {
        const double squared = (i * i + j * j + k * k) * step_mm * step_mm;
        if (squared > reach * reach) continue;
        const Vec3 world = step_mm * (static_cast<double>(i) * across + static_cast<double>(j) * along + static_cast<double>(k) * normal);
        const Vec3 voxel = grid.voxel_from_world(grid.origin_mm() + world) - origin;
        offsets.push_back({static_cast<float>(squared / (options.distance_mm * options.distance_mm)),
                           {static_cast<float>(voxel.x), static_cast<float>(voxel.y), plane ? 0.0F : static_cast<float>(voxel.z)}});
      }
    }
  }
  std::stable_sort(offsets.begin(), offsets.end(), [](const Offset& a, const Offset& b) { return a.squared < b.squared; });
  return offsets;
}

/// Closes in on the minimum from the best trial: the dose is taken as linear around the place, where the minimum is known in closed form.
/// `metric`: mm^2 of a displacement in voxels, over distance^2.
class Refinement {
 public:
  Refinement(const Grid& grid, double distance_mm) : plane_(grid.size(2) == 1) {
    for (int a = 0; a < 3; ++a)
      edge_[static_cast<std::size_t>(a)] = (grid.spacing_mm()[a] / distance_mm) * grid.direction().column[static_cast<std::size_t>(a)];
    const Mat3 edges{edge_};
    const Mat3 back = inverse(edges);
    for (std::size_t a = 0; a < 3; ++a) back_[a] = back.column[a];
  }

  /// Lowers `best` (squared gamma) if it can. `start`: displacement of the best trial in voxels; `base`: the point of the reference.
  void operator()(const Evaluated& dose, const Place& base, const Offset& start, float wanted, float difference, float& best) const {
    std::array<float, 3> move = start.voxel;
    for (int turn = 0; turn < refinements; ++turn) {
      const Place at{{base.at[0] + move[0], base.at[1] + move[1], base.at[2] + move[2]}};
      const std::array<float, 3> slope = dose.slope(at);
      // Gradient in units of dose differences over distances: g = J^-T slope, J's columns the voxel's edges.
      Vec3 g;
      for (int a = 0; a < 3; ++a) {
        for (int b = 0; b < 3; ++b) g[a] += back_[static_cast<std::size_t>(a)][b] * slope[static_cast<std::size_t>(b)] / difference;
      }
      Vec3 here;
      for (std::size_t a = 0; a < 3; ++a) here = here + static_cast<double>(move[a]) * edge_[a];
      if (plane_) {
        const Vec3 normal = normalized(cross(edge_[0], edge_[1]));
        g = g - dot(g, normal) * normal;
        here = here - dot(here, normal) * normal;
      }
      // Minimum of |x|^2 + (d + g (x - here))^2: x = -t g with t = (d - g here) / (1 + g g).
      const double d = (dose.dose(at) - wanted) / difference;
      const double t = (d - dot(g, here)) / (1 + dot(g, g));
      const Vec3 change = -t * g - here;
      Vec3 voxels;
      for (int a = 0; a < 3; ++a) voxels = voxels + change[a] * back_[static_cast<std::size_t>(a)];
      const double longest = std::max({std::abs(voxels.x), std::abs(voxels.y), std::abs(voxels.z)});
      const double part = longest > 0.5 ? 0.5 / longest : 1.0;
      std::array<float, 3> tried = move;
      for (int a = 0; a < 3; ++a) tried[static_cast<std::size_t>(a)] += static_cast<float>(part * voxels[a]);
      const Place place{{base.at[0] + tried[0], base.at[1] + tried[1], base.at[2] + tried[2]}};
      if (!dose.inside(place)) return;
      Vec3 there;
      for (std::size_t a = 0; a < 3; ++a) there = there + static_cast<double>(tried[a]) * edge_[a];
      const double off = (dose.dose(place) - wanted) / difference;
      const auto squared = static_cast<float>(dot(there, there) + off * off);
      if (!(squared < best)) return;
      best = squared;
      move = tried;
    }
  }

 private:
  std::array<Vec3, 3> edge_, back_;
  bool plane_;
};

void check(const VoxelView<float>& reference, const VoxelView<float>& evaluated, const GammaOptions& o) {
  const auto positive = [](double v) { return v > 0 && std::isfinite(v); };
  if (!positive(o.distance_mm) || !positive(o.maximum) || (!positive(o.dose_difference_gy) && !positive(o.local_part)))
    throw Error(ErrorCode::not_possible, "gamma: criteria must be positive");
  if (!evaluated.grid().slice_positions_mm().empty())
    throw Error(ErrorCode::not_possible, "evaluated dose: slices must be evenly spaced; resample it first");
  if (evaluated.grid().size(2) > 1) return;
  const Grid& plane = evaluated.grid();
  const Vec3 normal = normalized(cross(plane.direction().column[0], plane.direction().column[1]));
  for (const std::int64_t i : {std::int64_t{0}, reference.grid().size(0) - 1}) {
    for (const std::int64_t j : {std::int64_t{0}, reference.grid().size(1) - 1}) {
      for (const std::int64_t k : {std::int64_t{0}, reference.grid().size(2) - 1}) {
        const Vec3 corner = reference.grid().world_from_voxel({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        const double beside = std::abs(dot(corner - plane.origin_mm(), normal));
        if (!(beside <= 0.1 * o.distance_mm)) {
          throw Error(
              ErrorCode::not_possible,
              fmt::format("evaluated dose: is one plane, and the reference must lie in it; it lies up to {:.2f} mm beside it", beside));
        }
      }
    }
  }
}

}  // namespace

GammaMap gamma_index(const VoxelView<float>& reference, const VoxelView<float>& evaluated, const GammaOptions& options, Run& run) {
  check(reference, evaluated, options);
  const Grid& grid = evaluated.grid();
  const double finest = std::min({grid.spacing_mm().x, grid.spacing_mm().y, grid.size(2) > 1 ? grid.spacing_mm().z : INFINITY});
  const double reach_mm = options.maximum * options.distance_mm;
  // Never so fine that a search has more than 65000 trials.
  const double step = std::max(std::min(options.distance_mm / steps_per_distance, 0.5 * finest), reach_mm / 25);
  const std::vector<Offset> offsets = offsets_of(grid, options, step);
  const Range range = range_around(evaluated, reach_mm, run);
  const Evaluated dose(evaluated);
  const Refinement refine(grid, options.distance_mm);
  const auto most = static_cast<float>(options.maximum);
  GammaMap map{.gamma = Voxels<float>::uninitialized(reference.grid())};
  struct Count {
    std::int64_t judged = 0, below = 0, outside = 0;
  };
  std::mutex lock;
  std::int64_t rows_done = 0;
  const auto [ni, nj, nk] = reference.grid().size();
  const Count count = parallel_reduce(
      run, nj * nk, 8, Count{},
      [&, ni = ni, nj = nj, nk = nk](std::int64_t begin, std::int64_t end) {
        Count part;
        for (std::int64_t r = begin; r < end; ++r) {
          for (std::int64_t i = 0; i < ni; ++i) {
            float& out = map.gamma[r * ni + i];
            out = NAN;
            const float wanted = reference[r * ni + i];
            if (!(wanted >= options.threshold_gy)) {
              ++part.below;
              continue;
            }
            const Vec3 world =
                reference.grid().world_from_voxel({static_cast<double>(i), static_cast<double>(r % nj), static_cast<double>(r / nj)});
            const Vec3 voxel = grid.voxel_from_world(world);
            const Place base{
                {static_cast<float>(voxel.x), static_cast<float>(voxel.y), grid.size(2) > 1 ? static_cast<float>(voxel.z) : 0.0F}};
            const auto difference = static_cast<float>(options.local_part > 0 ? options.local_part * wanted : options.dose_difference_gy);
            if (!dose.inside(base) || !(difference > 0)) {
              ++part.outside;
              continue;
            }
            ++part.judged;
            std::int64_t nearest = 0, stride = 1;
            for (int a = 0; a < 3; ++a) {
              const auto n = static_cast<std::size_t>(a);
              nearest += stride * std::clamp<std::int64_t>(std::llround(base.at[n]), 0, grid.size(a) - 1);
              stride *= grid.size(a);
            }
            const auto at = static_cast<std::size_t>(nearest);
            const float gap = std::max({0.0F, wanted - range.high[at], range.low[at] - wanted});
            if (gap >= most * difference) {
              out = most;
              continue;
            }
            float best = INFINITY;
            const Offset* found = nullptr;
            for (const Offset& offset : offsets) {
              if (offset.squared >= best) break;
              const Place place{{base.at[0] + offset.voxel[0], base.at[1] + offset.voxel[1], base.at[2] + offset.voxel[2]}};
              if (!dose.inside(place)) continue;
              const float d = (dose.dose(place) - wanted) / difference;
              const float squared = offset.squared + d * d;
              if (squared < best) {
                best = squared;
                found = &offset;
              }
            }
            if (found && best > 0) refine(dose, base, *found, wanted, difference, best);
            out = std::min(most, std::sqrt(best));
          }
        }
        const std::lock_guard guard(lock);
        rows_done += end - begin;
        run.progress(static_cast<double>(rows_done) / static_cast<double>(nj * nk), "gamma");
        return part;
      },
      [](Count& total, const Count& part) {
        total.judged += part.judged;
        total.below += part.below;
        total.outside += part.outside;
      });
  map.judged = count.judged;
  map.below = count.below;
  map.outside = count.outside;
  return map;
}

}  // namespace gantry
