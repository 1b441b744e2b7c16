// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiotherapy/gamma.h"

#include "gantry/operation/frames.h"
#include "gantry/radiotherapy/gamma_index.h"
#include "gantry/visualization/figure.h"
#include "gantry/volume/resample.h"

namespace gantry {

namespace {

VoxelView<float> dose_of(const Image& image, std::string_view subject) {
  require_single_component(image);
  if (image.frames() != 1) throw Error(ErrorCode::not_possible, fmt::format("{}: must have one frame; has {}", subject, image.frames()));
  VoxelView<float> dose = image.as<float>();
  for (std::int64_t n = 0; n < dose.count(); ++n) {
    if (!std::isfinite(dose[n])) throw Error(ErrorCode::not_possible, fmt::format("{}: must be finite; found {}", subject, dose[n]));
  }
  return dose;
}

/// The slice with the most points above 1; the one with the most judged points when there is none.
std::int64_t worst_slice(const Voxels<float>& gamma) {
  const auto [ni, nj, nk] = gamma.grid().size();
  std::int64_t worst = nk / 2, most_failed = -1, most_judged = -1;
  for (std::int64_t k = 0; k < nk; ++k) {
    std::int64_t failed = 0, judged = 0;
    for (std::int64_t n = k * ni * nj; n < (k + 1) * ni * nj; ++n) {
      failed += gamma[n] > 1 ? 1 : 0;
      judged += std::isnan(gamma[n]) ? 0 : 1;
    }
    if (failed > most_failed || (failed == most_failed && judged > most_judged)) {
      worst = k;
      most_failed = failed;
      most_judged = judged;
    }
  }
  return worst;
}

/// The slice for a figure, where NaN counts as 0: in its place when it is near to axial, else as a plane of its own.
Image flat(const VoxelView<float>& volume, std::int64_t k, const Grid& slice) {
  const bool axial = std::abs(slice.direction().column[2].z) > 0.9;
  auto plane = Voxels<float>::uninitialized(axial ? slice : Grid(slice.size(), slice.spacing_mm()));
  for (std::int64_t n = 0; n < plane.count(); ++n) {
    const float v = volume[k * plane.count() + n];
    plane[n] = std::isnan(v) ? 0 : v;
  }
  return plane;
}

Image drawn(const VoxelView<float>& reference, const Image& evaluated, const Voxels<float>& gamma, double highest, Run& run) {
  const std::int64_t k = worst_slice(gamma);
  const Grid& grid = reference.grid();
  const VoxelView<float> other = evaluated.as<float>();
  // On the reference's plane; where the planes of two single slices coincide only nearly, the evaluated one is moved onto it.
  Grid from = other.grid();
  if (from.size(2) == 1 && grid.size(2) == 1)
    from = Grid(from.size(), {from.spacing_mm().x, from.spacing_mm().y, grid.spacing_mm().z}, from.origin_mm(), from.direction());
  const Grid slice = grid.cropped({0, 0, k}, {grid.size(0), grid.size(1), 1});
  const Voxels<float> beside = resample(Image(evaluated).on(from).as<float>(), slice, Interpolation::linear, 0.0F, run);
  FigureSpec spec;
  spec.crop_to_body = false;
  spec.width_px = 480;
  spec.max_height_px = 480;
  spec.window = {0.5 * highest, highest, "Gy", ColorMap::viridis};
  std::vector<Image> parts{figure(flat(reference, k, slice), nullptr, spec, run), figure(flat(beside, 0, slice), nullptr, spec, run)};
  spec.window = {1, 2, "", ColorMap::diverging};
  parts.push_back(figure(flat(gamma, k, slice), nullptr, spec, run));
  return montage(parts, 3);
}

double quantile(const std::vector<float>& sorted, double part) {
  const double position = part * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(position);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (position - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

}  // namespace

void DoseGamma::describe(Description<DoseGamma>& d) {
  d.summary("Compares an evaluated dose with a reference by the gamma index: dose difference and distance to agreement in one number.");
  d.input("reference", "Reference dose in Gy: its points are judged");
  d.input("evaluated", "Evaluated dose in Gy: it is searched, linear between voxels");
  d.parameter("dose_percent", &DoseGamma::dose_percent, "Dose criterion, in percent of the normalization").unit("%").range(0.01, 100);
  d.parameter("distance_mm", &DoseGamma::distance_mm, "Distance criterion").unit("mm").range(0.01, 100);
  d.parameter("threshold_percent", &DoseGamma::threshold_percent,
              "Points with a lower reference dose, in percent of the normalization, are not judged")
      .unit("%")
      .range(0, 100);
  d.parameter("local", &DoseGamma::local, "The dose criterion is a percentage of each point's own reference dose");
  d.parameter("normalization", &DoseGamma::normalization, "The dose that is 100 %; none for the highest of the reference")
      .unit("Gy")
      .range(1e-9, 1e6);
  d.parameter("maximum", &DoseGamma::maximum, "Higher values are reported as this").range(1, 5);
  d.output("result", &Result::result, "Pass rate, numbers of points, distribution of gamma, criteria");
  d.output("map", &Result::map, "Gamma on the grid of the reference; NaN where not judged");
  d.output("figure", &Result::figure, "Reference, evaluated and gamma in the slice with the most failing points");
  d.example(
      "gantry radiotherapy gamma planned.dcm measured.dcm gamma.nii.gz --dose-percent 3 --distance-mm 3 --threshold-percent 10 --json");
  d.reference(
      "Low DA, Harms WB, Mutic S, Purdy JA. A technique for the quantitative evaluation of dose distributions. Medical Physics 1998; "
      "25:656-661.");
  d.reference(
      "Ju T, Simpson T, Deasy JO, Low DA. Geometric interpretation of the gamma dose distribution comparison technique. Medical Physics "
      "2008; 35:879-887.");
  d.reference(
      "Agnew CE, McGarry CK. A tool to include gamma analysis software into a quality assurance program. Radiotherapy and Oncology 2016; "
      "118:568-573.");
}

DoseGamma::Result DoseGamma::operator()(const Image& reference, const Image& evaluated, Run& run) const {
  check_parameters(*this);
  const VoxelView<float> wanted = dose_of(reference, "reference dose");
  const VoxelView<float> other = dose_of(evaluated, "evaluated dose");
  float highest = 0;
  for (std::int64_t n = 0; n < wanted.count(); ++n) highest = std::max(highest, wanted[n]);
  if (!(highest > 0)) throw Error(ErrorCode::not_possible, "reference dose: is nowhere positive");
  const double whole = normalization.value_or(highest);
  GammaOptions options{.distance_mm = distance_mm, .threshold_gy = threshold_percent / 100 * whole, .maximum = maximum};
  (local ? options.local_part : options.dose_difference_gy) = local ? dose_percent / 100 : dose_percent / 100 * whole;
  GammaMap map = gamma_index(wanted, other, options, run);
  if (map.judged == 0) {
    throw Error(
        ErrorCode::not_possible,
        fmt::format("gamma: no point can be judged; {} are below the threshold, {} outside the evaluated dose", map.below, map.outside));
  }
  if (map.outside > 0)
    run.warn(fmt::format("{} points above the threshold lie outside the evaluated dose and are not judged", map.outside));
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(map.judged));
  std::int64_t passed = 0;
  double sum = 0;
  for (std::int64_t n = 0; n < map.gamma.count(); ++n) {
    if (std::isnan(map.gamma[n])) continue;
    values.push_back(map.gamma[n]);
    passed += map.gamma[n] <= 1 ? 1 : 0;
    sum += map.gamma[n];
  }
  std::sort(values.begin(), values.end());
  Result result;
  result.result = {{"pass_rate_percent", 100.0 * static_cast<double>(passed) / static_cast<double>(map.judged)},
                   {"judged", map.judged},
                   {"below_threshold", map.below},
                   {"outside", map.outside},
                   {"mean", sum / static_cast<double>(map.judged)},
                   {"median", quantile(values, 0.5)},
                   {"percentile_95", quantile(values, 0.95)},
                   {"maximum", values.back()},
                   {"criteria",
                    {{"dose_percent", dose_percent},
                     {"distance_mm", distance_mm},
                     {"threshold_percent", threshold_percent},
                     {"local", local},
                     {"normalization_gy", whole},
                     {"interpolation", "linear"},
                     {"maximum", maximum}}}};
  result.figure = drawn(wanted, evaluated, map.gamma, whole, run);
  result.map = std::move(map.gamma);
  return result;
}

}  // namespace gantry
