// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/spline_search.h"

#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/registration/control_grid.h"
#include "gantry/registration/local_correlation.h"
#include "gantry/registration/mutual_information.h"
#include "gantry/registration/quasi_newton.h"
#include "gantry/registration/warp.h"

namespace gantry {

namespace {

constexpr float flat = 0.01F;  // of the range of values: windows with less contrast say nothing

/// The images of one level and how a displacement moves one onto the other.
class Level {
 public:
  Level(Voxels<float> fixed, Voxels<float> moving, const ControlGrid& control, const Transform& start, Vec3 box_first_voxel_mm,
        const Run& run)
      : fixed_(std::move(fixed)), moving_(std::move(moving)), control_(control), correlation_(fixed_, {2, 2, 2}, flat, run) {
    const Grid& grid = fixed_.grid();
    for (int axis = 0; axis < 3; ++axis)
      lines_[static_cast<std::size_t>(axis)] = control.line(axis, grid.size(axis), grid.spacing_mm()[axis], box_first_voxel_mm[axis]);
    const Grid& there = moving_.grid();
    const auto voxel = [&](Vec3 v) { return there.voxel_from_world(start(grid.world_from_voxel(v))); };
    origin_ = voxel({0, 0, 0});
    for (int axis = 0; axis < 3; ++axis) {
      Vec3 one;
      one[axis] = 1;
      step_.column[static_cast<std::size_t>(axis)] = voxel(one) - origin_;
      const Vec3 world = there.origin_mm() + one;
      by_world_.column[static_cast<std::size_t>(axis)] = there.voxel_from_world(world);
    }
    values_ = Voxels<float>::uninitialized(grid);
    slope_ = Voxels<float>::uninitialized(grid);
    for (auto& part : force_) part = Voxels<float>::uninitialized(grid);
  }

  /// - correlation and its derivative by the coefficients.
  double operator()(std::span<const double> coefficients, std::span<double> gradient, const Run& run) {
    move(coefficients, run);
    const double correlation = correlation_(values_, slope_, run);
    const auto scale = static_cast<float>(-1 / correlation_.voxel_count());
    parallel_for(run, values_.count(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        const float factor = scale * slope_[n];
        for (auto& part : force_) part[n] = factor == 0 ? 0.0F : part[n] * factor;
      }
    });
    gather(control_, force_, lines_, gradient, run);
    return -correlation;
  }
  /// Share of the known fixed voxels that fell on known moving values in the last call.
  double overlap() const {
    double both = 0;
    for (std::int64_t n = 0; n < values_.count(); ++n) both += std::isnan(values_[n]) || std::isnan(fixed_[n]) ? 0 : 1;
    return both / correlation_.voxel_count();
  }
  double spacing_mm() const {
    const Vec3 s = fixed_.grid().spacing_mm();
    return std::cbrt(s.x * s.y * s.z);
  }

 private:
  /// Moving values at the displaced places and, in `force_`, their derivative by the displacement in mm.
  void move(std::span<const double> coefficients, const Run& run) {
    const std::vector<float> control(coefficients.begin(), coefficients.end());
    const auto [ni, nj, nk] = fixed_.grid().size();
    const Size3& size = control_.size();
    const Size3 moving_size = moving_.grid().size();
    std::array<float, 9> m{};
    for (std::size_t n = 0; n < 9; ++n) m[n] = static_cast<float>(by_world_.column[n % 3][static_cast<int>(n / 3)]);
    parallel_for(run, nk, 1, [&, ni = ni, nj = nj](std::int64_t begin, std::int64_t end) {
      const auto plane = static_cast<std::size_t>(size[0] * size[1]);
      std::vector<float> slices(3 * plane), row(static_cast<std::size_t>(size[0])), u(static_cast<std::size_t>(3 * ni));
      for (std::int64_t k = begin; k < end; ++k) {
        for (std::size_t part = 0; part < 3; ++part)
          slice_of(size, control.data() + static_cast<std::int64_t>(part) * control_.count(), lines_[2], k, slices.data() + part * plane);
        for (std::int64_t j = 0; j < nj; ++j) {
          for (std::size_t part = 0; part < 3; ++part) {
            row_of(size, slices.data() + part * plane, lines_[1], j, row.data());
            values_of(row.data(), lines_[0], u.data() + static_cast<std::int64_t>(part) * ni);
          }
          const Vec3 base = origin_ + static_cast<double>(j) * step_.column[1] + static_cast<double>(k) * step_.column[2];
          for (std::int64_t i = 0; i < ni; ++i) {
            const Vec3 at = base + static_cast<double>(i) * step_.column[0];
            const float x = u[static_cast<std::size_t>(i)], y = u[static_cast<std::size_t>(ni + i)],
                        z = u[static_cast<std::size_t>(2 * ni + i)];
            LinearSample sample{};
            const bool known = sample_linear(moving_.data(), moving_size, static_cast<float>(at.x) + m[0] * x + m[1] * y + m[2] * z,
                                             static_cast<float>(at.y) + m[3] * x + m[4] * y + m[5] * z,
                                             static_cast<float>(at.z) + m[6] * x + m[7] * y + m[8] * z, sample);
            const std::int64_t n = (k * nj + j) * ni + i;
            values_[n] = known ? sample.value : std::numeric_limits<float>::quiet_NaN();
            for (std::size_t part = 0; part < 3; ++part)
              force_[part][n] = known ? m[part] * sample.di + m[3 + part] * sample.dj + m[6 + part] * sample.dk : 0.0F;
          }
        }
      }
    });
  }

  Voxels<float> fixed_, moving_;
  const ControlGrid& control_;
  std::array<SplineLine, 3> lines_;
  LocalCorrelation correlation_;
  Vec3 origin_;    ///< voxel of the moving grid where voxel 0 of the fixed one comes to lie
  Mat3 step_;      ///< the same for one step along each fixed axis
  Mat3 by_world_;  ///< moving voxels per mm
  Voxels<float> values_, slope_;
  std::array<Voxels<float>, 3> force_;
};

/// The displacement on a grid that reaches as far as the control points do, with four voxels between two of them.
Image field_of(const ControlGrid& control, std::span<const double> coefficients, const Grid& fixed, Vec3 corner_voxel, double finest_mm,
               const Run& run) {
  const double step = std::max(control.spacing_mm() / 4, std::min(control.spacing_mm(), finest_mm));
  const double reach = 2 * control.spacing_mm();
  Size3 size{};
  std::array<SplineLine, 3> lines;
  Vec3 origin = fixed.world_from_voxel(corner_voxel);
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    const double length = static_cast<double>(control.size()[a] - 3) * control.spacing_mm() + 2 * reach;
    size[a] = static_cast<std::int64_t>(std::ceil(length / step - 1e-9)) + 1;
    lines[a] = control.line(axis, size[a], step, -reach);
    origin = origin - reach * fixed.direction().column[a];
  }
  const Grid grid(size, {step, step, step}, origin, fixed.direction());
  const PlanarField field = expand(control, coefficients, lines, grid, run);
  auto joined = Voxels<float>::uninitialized(grid, 3);
  parallel_for(run, grid.voxel_count(), 1 << 15, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      for (std::size_t part = 0; part < 3; ++part) joined[3 * n + static_cast<std::int64_t>(part)] = field.part[part][n];
    }
  });
  return joined;
}

}  // namespace

SplineSearchResult search_spline(const Prepared& fixed, const Prepared& moving, const SplineSearchOptions& options, Run& run) {
  const Grid& grid = fixed.values.grid();
  Vec3 box;
  double shortest = std::numeric_limits<double>::infinity();
  for (int axis = 0; axis < 3; ++axis) {
    box[axis] = static_cast<double>(grid.size(axis)) * grid.spacing_mm()[axis];
    shortest = std::min(shortest, box[axis]);
  }
  int levels = 1;
  while (levels < 4 && options.spacing_mm * std::exp2(levels) <= shortest / 2) ++levels;
  SplineSearchResult result;
  result.levels = levels;
  std::optional<ControlGrid> control;
  std::vector<double> coefficients;
  for (int level = 0; level < levels; ++level) {
    const double factor = std::exp2(levels - 1 - level);
    const ControlGrid here(box, options.spacing_mm * factor);
    coefficients = control ? control->refined(coefficients, here) : std::vector<double>(static_cast<std::size_t>(3 * here.count()), 0.0);
    control.emplace(here);
    Voxels<float> coarse = coarser(fixed.values, options.finest_mm * factor, run);
    Vec3 first;
    for (int axis = 0; axis < 3; ++axis) first[axis] = 0.5 * coarse.grid().spacing_mm()[axis];
    Level images(std::move(coarse), coarser(moving.values, options.finest_mm * factor, run), *control, options.start, first, run);
    const bool last = level + 1 == levels;
    if (level == 0 || last) {
      const std::vector<double> nothing(coefficients.size(), 0.0);
      std::vector<double> gradient(coefficients.size());
      result.first_correlation = -images(nothing, gradient, run);
      if (images.overlap() < 0.05) throw Error(ErrorCode::not_possible, "registration: the images do not overlap enough to be compared");
    }
    const Objective objective = [&](std::span<const double> x, std::span<double> gradient) {
      const double value = images(x, gradient, run);
      return value + options.bending * control->bending(x, options.bending, gradient, run);
    };
    // Of eight parts of work each level has eight times as much as the one before.
    Run part = run.part(level == 0 ? 0 : std::pow(8.0, level - levels), last ? 1 : std::pow(8.0, level + 1 - levels));
    const MinimizeOptions how{.iterations = options.iterations,
                              .longest_step = 2 * images.spacing_mm(),
                              .shortest_step = 0.01 * images.spacing_mm(),
                              .least_gain = 1e-3};
    const Minimum minimum = minimize(objective, coefficients, how, part);
    result.evaluations += minimum.evaluations;
    if (last) {
      std::vector<double> unused(coefficients.size());
      result.bending = control->bending(coefficients, 0, unused, run);
      result.correlation = -(minimum.value - options.bending * result.bending);
    }
  }
  const Image field = field_of(*control, coefficients, grid, {-0.5, -0.5, -0.5}, 0, run);
  result.moving_from_fixed =
      Transform(field.on(moved_grid(field.grid(), options.start)), options.start.linear(), options.start.translation_mm());
  return result;
}

}  // namespace gantry
