// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/linear_search.h"

#include <algorithm>
#include <numbers>

#include "gantry/base/error.h"
#include "gantry/registration/mutual_information.h"
#include "gantry/registration/quasi_newton.h"

namespace gantry {

namespace {

constexpr int bins = 32;
constexpr double least_overlap = 0.25;

/// A map as the numbers that are searched: rotation or matrix times the radius, so that all of them count in mm, and shift.
class Numbers {
 public:
  Numbers(LinearKind kind, double radius_mm) : kind_(kind), radius_(radius_mm) {}
  std::size_t count() const { return kind_ == LinearKind::rigid ? 6 : 12; }

  /// `base` is the map at which all rotation numbers are zero.
  CentredMap map(std::span<const double> x, const CentredMap& base) const {
    CentredMap result;
    if (kind_ == LinearKind::rigid) {
      result.linear = rotation_about((1 / radius_) * Vec3{x[0], x[1], x[2]}) * base.linear;
    } else {
      for (std::size_t n = 0; n < 9; ++n)
        result.linear.column[n / 3][static_cast<int>(n % 3)] = base.linear.column[n / 3][static_cast<int>(n % 3)] + x[n] / radius_;
    }
    const std::size_t s = count() - 3;
    result.shift_mm = base.shift_mm + Vec3{x[s], x[s + 1], x[s + 2]};
    return result;
  }
  /// The derivatives of the information by the numbers.
  void derivatives(const MutualInformation::Value& value, std::span<const double> x, const CentredMap& base, std::span<double> out) const {
    if (kind_ == LinearKind::rigid) {
      for (int axis = 0; axis < 3; ++axis) {
        constexpr double h = 1e-5;
        Vec3 turn = (1 / radius_) * Vec3{x[0], x[1], x[2]};
        turn[axis] += h;
        const Mat3 above = rotation_about(turn) * base.linear;
        turn[axis] -= 2 * h;
        const Mat3 below = rotation_about(turn) * base.linear;
        double sum = 0;
        for (std::size_t c = 0; c < 3; ++c) sum += dot(value.by_linear.column[c], above.column[c] - below.column[c]);
        out[static_cast<std::size_t>(axis)] = sum / (2 * h) / radius_;
      }
    } else {
      for (std::size_t n = 0; n < 9; ++n) out[n] = value.by_linear.column[n / 3][static_cast<int>(n % 3)] / radius_;
    }
    const std::size_t s = count() - 3;
    for (int axis = 0; axis < 3; ++axis) out[s + static_cast<std::size_t>(axis)] = value.by_shift[axis];
  }

 private:
  LinearKind kind_;
  double radius_;
};

struct Start {
  CentredMap map;
  double normalized = 0;
};

/// Shifts by up to half the fixed image along each axis (a lattice through the position in world and through centred images), best first,
/// none a neighbour of a better one.
std::vector<Start> far_starts(const MutualInformation& information, const Grid& fixed, Vec3 between_centres, const Run& run) {
  std::vector<Start> all;
  Vec3 extent, step;
  for (int axis = 0; axis < 3; ++axis) {
    const double length = static_cast<double>(fixed.size(axis)) * fixed.spacing_mm()[axis];
    extent[axis] = 0.5 * length;
    step[axis] = length / 10;
  }
  for (int a = -5; a <= 5; ++a) {
    for (int b = -5; b <= 5; ++b) {
      for (int c = -5; c <= 5; ++c) {
        Vec3 shift = between_centres;
        const std::array<int, 3> steps{a, b, c};
        for (int axis = 0; axis < 3; ++axis) {
          shift = shift + (static_cast<double>(steps[static_cast<std::size_t>(axis)]) * step[axis]) *
                              fixed.direction().column[static_cast<std::size_t>(axis)];
        }
        all.push_back({{{}, shift}, 0});
      }
    }
  }
  all.push_back({{{}, Vec3{}}, 0});
  for (Start& start : all) {
    const auto value = information(start.map, false, run);
    start.normalized = value.overlap >= least_overlap ? value.normalized : 0;
  }
  std::stable_sort(all.begin(), all.end(), [](const Start& a, const Start& b) { return a.normalized > b.normalized; });
  std::vector<Start> best;
  for (const Start& start : all) {
    const bool is_near = std::any_of(best.begin(), best.end(), [&](const Start& other) {
      return norm(start.map.shift_mm - other.map.shift_mm) < 1.8 * std::max({step.x, step.y, step.z});
    });
    if (start.normalized > 0 && !is_near) best.push_back(start);
    if (best.size() == 4) break;
  }
  return best;
}

Minimum climb(const MutualInformation& information, CentredMap& map, LinearKind kind, double spacing_mm, int iterations, Run& run) {
  const Numbers numbers(kind, information.radius_mm());
  std::vector<double> x(numbers.count(), 0.0);
  const CentredMap base = map;
  const Objective objective = [&](std::span<const double> at, std::span<double> gradient) {
    const auto value = information(numbers.map(at, base), true, run);
    if (value.overlap < 0.5 * least_overlap) return std::numeric_limits<double>::infinity();
    numbers.derivatives(value, at, base, gradient);
    for (double& g : gradient) g = -g;
    return -value.information;
  };
  const MinimizeOptions options{
      .iterations = iterations, .longest_step = 2 * spacing_mm, .shortest_step = 1e-3 * spacing_mm, .least_gain = 1e-6};
  const Minimum minimum = minimize(objective, x, options, run);
  map = numbers.map(x, base);
  return minimum;
}

}  // namespace

Mat3 rotation_about(Vec3 axis) {
  const double angle = norm(axis);
  if (angle < 1e-12) {
    return {{Vec3{1, axis.z, -axis.y}, Vec3{-axis.z, 1, axis.x}, Vec3{axis.y, -axis.x, 1}}};
  }
  const Vec3 u = (1 / angle) * axis;
  const double s = std::sin(angle), c = std::cos(angle);
  Mat3 result;
  for (int column = 0; column < 3; ++column) {
    Vec3 e;
    e[column] = 1;
    result.column[static_cast<std::size_t>(column)] = c * e + s * cross(u, e) + ((1 - c) * dot(u, e)) * u;
  }
  return result;
}

double angle_degrees(const Mat3& rotation) {
  const double trace = rotation.column[0].x + rotation.column[1].y + rotation.column[2].z;
  const Vec3 twice_sine{rotation.column[1].z - rotation.column[2].y, rotation.column[2].x - rotation.column[0].z,
                        rotation.column[0].y - rotation.column[1].x};
  return std::atan2(norm(twice_sine), trace - 1) * 180 / std::numbers::pi;
}

LinearSearchResult search_linear(const Prepared& fixed, const Prepared& moving, const LinearSearchOptions& options, Run& run) {
  const Vec3 centre = fixed.centre_mm;
  const auto transform_of = [&](const CentredMap& map) { return Transform(map.linear, centre + map.shift_mm - map.linear * centre); };
  CentredMap map{options.start.linear(), options.start(centre) - centre};
  const CentredMap first = map;
  double longest = 0;
  for (int axis = 0; axis < 3; ++axis)
    longest = std::max(longest, static_cast<double>(fixed.values.grid().size(axis)) * fixed.values.grid().spacing_mm()[axis]);
  std::vector<double> levels;  // voxel sizes from coarse to fine
  for (double spacing = options.finest_mm; spacing < longest / 24 || levels.empty(); spacing *= 2) levels.insert(levels.begin(), spacing);
  LinearSearchResult result;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    Run part = run.part(static_cast<double>(level) / static_cast<double>(levels.size()),
                        static_cast<double>(level + 1) / static_cast<double>(levels.size()));
    const Voxels<float> here = coarser(fixed.values, levels[level], run), there = coarser(moving.values, levels[level], run);
    const std::int64_t samples = std::min<std::int64_t>(options.samples, 2 * here.count());
    if (level == 0 && options.far) {
      const MutualInformation rough(here, there, centre, 8000, 16);
      double best = -1;
      for (const Start& start : far_starts(rough, here.grid(), moving.centre_mm - centre, run)) {
        CentredMap candidate = start.map;
        climb(rough, candidate, LinearKind::rigid, levels[0], 30, part);
        const double reached = rough(candidate, false, run).normalized;
        if (reached > best) {
          best = reached;
          map = candidate;
        }
      }
      if (best < 0) throw Error(ErrorCode::not_possible, "registration: the images do not overlap enough to be compared");
    }
    const MutualInformation information(here, there, centre, samples, bins);
    const bool last = level + 1 == levels.size();
    if (last) result.first_information = information(first, false, run).information;
    const Minimum minimum = climb(information, map, options.kind, levels[level], last ? 60 : 40, part);
    result.evaluations += minimum.evaluations;
    if (last) {
      const auto value = information(map, false, run);
      result.information = value.information;
      result.overlap = value.overlap;
    }
  }
  result.moving_from_fixed = transform_of(map);
  return result;
}

}  // namespace gantry
