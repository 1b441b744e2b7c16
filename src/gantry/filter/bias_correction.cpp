// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/filter/bias_correction.h"

#include "gantry/operation/frames.h"
#include "gantry/volume/mask.h"
#include "gantry/volume/measure.h"

namespace gantry {

void BiasCorrection::describe(Description<BiasCorrection>& d) {
  d.summary("Takes the smooth brightness field of coils off an MR image (N4).");
  d.input("image", "Image to correct; values above 0 take part");
  d.input("mask", "Where the field is estimated; without it, what is brighter than Otsu's threshold");
  d.parameter("levels", &BiasCorrection::levels, "Levels of the spline; spans double with each").range(1, 8);
  d.parameter("iterations", &BiasCorrection::iterations, "Most updates of a level").range(1, 1000);
  d.parameter("convergence", &BiasCorrection::convergence, "A level ends when the field's change varies less than this").range(0, 1);
  d.parameter("working_spacing", &BiasCorrection::working_spacing, "The field is estimated on an image averaged to about this spacing")
      .unit("mm")
      .range(0.1, 50);
  d.output("corrected", &Result::corrected, "Image divided by the field");
  d.output("field", &Result::field, "Factor by which each voxel was too bright");
  d.output("result", &Result::result, "Number of updates, extremes of the field");
  d.example("gantry filter n4 t1.nii.gz even.nii.gz --field field.nii.gz");
  d.reference(
      "Tustison NJ, Avants BB, Cook PA, et al. N4ITK: improved N3 bias correction. IEEE Transactions on Medical Imaging 2010; "
      "29:1310-1320.");
  d.reference(
      "Sled JG, Zijdenbos AP, Evans AC. A nonparametric method for automatic correction of intensity nonuniformity in MRI data. IEEE "
      "Transactions on Medical Imaging 1998; 17:87-97.");
  d.reference(
      "Lee S, Wolberg G, Shin SY. Scattered data interpolation with multilevel B-splines. IEEE Transactions on Visualization and Computer "
      "Graphics 1997; 3:228-244.");
}

BiasCorrection::Result BiasCorrection::operator()(const Image& image, const Labels* mask, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  if (image.frames() != 1) throw Error(ErrorCode::not_possible, fmt::format("image: must have one frame; has {}", image.frames()));
  const VoxelView<float> values = image.as<float>();
  for (std::int64_t n = 0; n < values.count(); ++n) {
    if (!std::isfinite(values[n])) throw Error(ErrorCode::not_possible, fmt::format("image: must be finite; found {}", values[n]));
  }
  Mask inside(values.grid(), std::uint8_t{0});
  if (mask) {
    if (!mask->image().grid().same_space(values.grid(), 1e-2)) throw Error(ErrorCode::parameter, "mask: must lie on the grid of the image");
    if (mask->image().frames() != 1 || mask->image().components() != 1)
      throw Error(ErrorCode::parameter, "mask: must have one component and one frame");
    const auto labels = mask->image().as<std::int32_t>();
    for (std::int64_t n = 0; n < values.count(); ++n) inside[n] = labels[n] != 0 ? 1 : 0;
  } else {
    const double threshold = otsu_threshold(values.values(), 256, run);
    for (std::int64_t n = 0; n < values.count(); ++n) inside[n] = values[n] > threshold ? 1 : 0;
  }
  run.progress(0.1, "field");
  const BiasField field = estimate_bias_field(
      values, inside, {.levels = levels, .iterations = iterations, .convergence = convergence, .working_spacing_mm = working_spacing}, run);
  Voxels<float> factors = field.factors(run);
  double low = INFINITY, high = -INFINITY;
  std::int64_t count = 0;
  for (std::int64_t n = 0; n < factors.count(); ++n) {
    if (inside[n] == 0) continue;
    low = std::min(low, static_cast<double>(factors[n]));
    high = std::max(high, static_cast<double>(factors[n]));
    ++count;
  }
  Result result;
  result.result = {{"iterations", field.iterations()}, {"field_minimum", low}, {"field_maximum", high}, {"mask_voxels", count}};
  auto corrected = Voxels<float>::uninitialized(values.grid());
  for (std::int64_t n = 0; n < corrected.count(); ++n) corrected[n] = values[n] / factors[n];
  result.corrected = std::move(corrected);
  result.field = std::move(factors);
  return result;
}

Cost BiasCorrection::cost(const Image& image, const Labels*) const {
  return {.bytes = static_cast<std::uint64_t>(image.count()) * 13, .seconds = 1 + static_cast<double>(image.count()) * 2e-8};
}

}  // namespace gantry
