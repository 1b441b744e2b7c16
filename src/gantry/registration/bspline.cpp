// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/registration/bspline.h"

#include "gantry/registration/comparison_figure.h"
#include "gantry/registration/linear_search.h"
#include "gantry/registration/spline_search.h"
#include "gantry/registration/warp.h"

namespace gantry {

namespace {

/// Figures of a field over the known voxels of the fixed image.
struct FieldFigures {
  double smallest_jacobian = 1, folded_percent = 0, largest_mm = 0;
};

FieldFigures figures_of(const Transform& transform, const Prepared& fixed, const Run& run) {
  const Grid& grid = fixed.values.grid();
  const Voxels<float> volume = jacobian(transform, grid, run);
  FieldFigures figures{.smallest_jacobian = std::numeric_limits<double>::infinity()};
  std::int64_t folded = 0, known = 0;
  for (std::int64_t n = 0; n < volume.count(); ++n) {
    if (std::isnan(fixed.values[n])) continue;
    figures.smallest_jacobian = std::min(figures.smallest_jacobian, static_cast<double>(volume[n]));
    folded += volume[n] <= 0 ? 1 : 0;
    ++known;
  }
  figures.folded_percent = 100 * static_cast<double>(folded) / static_cast<double>(known);
  const VoxelView<float> field = transform.displacement_mm()->as<float>();
  for (std::int64_t n = 0; n < field.count(); n += 3) {
    figures.largest_mm = std::max(figures.largest_mm, norm(Vec3{field[n], field[n + 1], field[n + 2]}));
  }
  return figures;
}

}  // namespace

void SplineRegistration::describe(Description<SplineRegistration>& d) {
  d.summary("Brings a moving volume into place by a smooth deformation: highest local correlation, after rigid and affine steps.");
  d.input("fixed", "Volume that stays; the result lies on its grid");
  d.input("moving", "Volume that is deformed into place");
  d.input("fixed_mask", "Where the fixed volume counts (labels other than 0), on its grid");
  d.input("moving_mask", "Where the moving volume counts, on its grid");
  d.input("initial", "A linear transform that maps points of the fixed to the moving volume, instead of the rigid and affine steps");
  d.parameter("spacing", &SplineRegistration::spacing, "Distance of the control points at the last level").unit("mm").range(1, 100);
  d.parameter("finest", &SplineRegistration::finest,
              "Voxel size of the last level, never finer than the images; none for a sixth of the spacing")
      .unit("mm")
      .range(0.1, 50);
  d.parameter("bending", &SplineRegistration::bending, "Weight of the bending energy: larger is stiffer").unit("mm2").range(0, 1e6);
  d.parameter("iterations", &SplineRegistration::iterations, "Steps of each level at most").range(1, 1000);
  d.parameter("interpolation", &SplineRegistration::interpolation, "How values of the result come about");
  d.parameter("outside", &SplineRegistration::outside, "Value where the moving volume does not reach; none for its smallest value");
  d.output("registered", &Result::registered, "The moving volume on the grid of the fixed one");
  d.output("transform", &Result::transform, "Maps points of the fixed to the moving volume, LPS mm: .json or a field in mm (.nii.gz)");
  d.output("report", &Result::report, "Correlation, bending, smallest Jacobian, folded share, largest displacement, linear steps");
  d.output("figure", &Result::figure, "Before and after, and the deformed lattice on the fixed volume");
  d.example("gantry registration bspline inhale.nii.gz exhale.nii.gz exhale-on-inhale.nii.gz --transform moving-from-fixed.json");
  d.reference(
      "Rueckert D, Sonoda LI, Hayes C, Hill DLG, Leach MO, Hawkes DJ. Nonrigid registration using free-form deformations: application to "
      "breast MR images. IEEE Trans Med Imaging 1999; 18:712-721.");
  d.reference(
      "Avants BB, Epstein CL, Grossman M, Gee JC. Symmetric diffeomorphic image registration with cross-correlation. Medical Image "
      "Analysis 2008; 12:26-41.");
  d.reference("Nocedal J, Wright SJ. Numerical Optimization. 2nd edition, Springer 2006.");
}

SplineRegistration::Result SplineRegistration::operator()(const Image& fixed, const Image& moving, const Labels* fixed_mask,
                                                          const Labels* moving_mask, const Transform* initial, Run& run) const {
  check_parameters(*this);
  if (initial != nullptr && !initial->is_linear()) throw Error(ErrorCode::not_possible, "initial transform: must be linear");
  const Prepared here = prepare(fixed, fixed_mask, "fixed image", run), there = prepare(moving, moving_mask, "moving image", run);
  Result result;
  Transform start;
  if (initial != nullptr) {
    start = *initial;
  } else {
    Run rigid = run.part(0, 0.1), affine = run.part(0.1, 0.2);
    LinearSearchOptions options{.finest_mm = 4, .samples = 50000};
    options.start = search_linear(here, there, options, rigid).moving_from_fixed;
    options.kind = LinearKind::affine;
    options.far = false;
    const LinearSearchResult found = search_linear(here, there, options, affine);
    start = found.moving_from_fixed;
    result.report["linear"] = {{"mutual_information", found.information}, {"overlap", found.overlap}};
  }
  Run part = run.part(0.2, 0.9);
  const SplineSearchResult found = search_spline(
      here, there,
      {.spacing_mm = spacing, .finest_mm = finest.value_or(spacing / 6), .bending = bending, .iterations = iterations, .start = start},
      part);
  result.transform = found.moving_from_fixed;
  const FieldFigures figures = figures_of(result.transform, here, run);
  result.report["linear"]["matrix"] = start.to_json()["matrix"];
  result.report["linear"]["translation_mm"] = start.to_json()["translation_mm"];
  result.report["correlation"] = found.correlation;
  result.report["first_correlation"] = found.first_correlation;
  result.report["bending_energy"] = found.bending;
  result.report["smallest_jacobian"] = figures.smallest_jacobian;
  result.report["folded_percent"] = figures.folded_percent;
  result.report["largest_displacement_mm"] = figures.largest_mm;
  result.report["levels"] = found.levels;
  result.report["evaluations"] = found.evaluations;
  const double fill = outside.value_or(smallest_value(moving));
  result.registered = warp(moving, result.transform, fixed.grid(), interpolation, fill, run);
  const Image before = warp(moving, start, fixed.grid(), Interpolation::linear, fill, run);
  result.figure =
      comparison_figure(fixed, {here.low, here.high}, before, result.registered, {there.low, there.high}, result.transform, run);
  return result;
}

Cost SplineRegistration::cost(const Image& fixed, const Image& moving, const Labels*, const Labels*, const Transform*) const {
  double share = 1;
  for (int axis = 0; axis < 3; ++axis)
    share *= std::min(1.0, fixed.grid().spacing_mm()[axis] / std::max(0.1, finest.value_or(spacing / 6)));
  const auto voxels = static_cast<double>(fixed.grid().voxel_count());
  const double bytes = 24 * voxels + 8 * static_cast<double>(moving.grid().voxel_count()) + 80 * share * voxels;
  return {.bytes = static_cast<std::uint64_t>(bytes), .seconds = share * voxels * iterations * 2e-7 + voxels * 1e-6};
}

}  // namespace gantry
