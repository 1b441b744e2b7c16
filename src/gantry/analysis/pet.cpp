// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/analysis/pet.h"

#include <algorithm>
#include <cmath>

#include "gantry/analysis/pet_words.h"
#include "gantry/base/error.h"
#include "gantry/compute/parallel.h"
#include "gantry/dicom/suv.h"

namespace gantry::analysis {

namespace {

/// The listed lesions alone, as the label image of the result.
Labels lesion_labels(const LesionMap& map, std::size_t listed) {
  Voxels<std::uint16_t> image(map.labels.grid());
  for (std::int64_t n = 0; n < image.count(); ++n) {
    const std::int32_t v = map.labels[n];
    image[n] = v > 0 && static_cast<std::size_t>(v) <= listed ? static_cast<std::uint16_t>(v) : std::uint16_t{0};
  }
  std::vector<Label> table;
  for (std::size_t n = 1; n <= listed; ++n) {
    Label row = label_of(static_cast<int>(n), fmt::format("pet_lesion.{}", n), "connected voxels at or above the SUV threshold");
    row.id = fmt::format("pet_lesion.{}", n);
    row.name += fmt::format(" {}", n);
    table.push_back(std::move(row));
  }
  return {Image(std::move(image)), std::move(table)};
}

}  // namespace

SuvImage standardised_uptake(const SeriesInput& input, Run& run) {
  SuvImage out;
  if (input.image.frames() != 1) {
    out.refusal = "the series has several time points; SUV of dynamic series are not measured";
    return out;
  }
  if (input.image.components() != 1) {
    out.refusal = "the series is coloured";
    return out;
  }
  if (input.series == nullptr || input.series->instances.empty() || input.series->header.empty()) {
    const VoxelView<float> values = input.image.as<float>();
    float low = INFINITY;
    float high = -INFINITY;
    for (const float v : values.values()) {
      if (!std::isfinite(v)) continue;
      low = std::min(low, v);
      high = std::max(high, v);
    }
    if (!(low >= -1 && high >= 0.1F && high <= 500)) {
      out.refusal =
          fmt::format("the file says nothing about dose and weight, and values from {} to {} are no standardised uptake", low, high);
      return out;
    }
    out.image = Image(values.clone());
    out.lean_refusal = "the file holds neither sex nor height";
    out.method = "values taken as SUV by body weight as they are: the file says nothing about them";
    out.warnings.emplace_back("the file does not say what its values are: they are taken as SUV by body weight");
    return out;
  }
  const dicom::Suv suv = dicom::suv_factors(*input.series);
  out.warnings = suv.warnings;
  out.method = suv.method;
  out.refusal = suv.refusal;
  if (!out.refusal.empty()) return out;
  out.lean_factor = suv.lean_janmahasatian;
  out.body_surface_factor = suv.body_surface;
  out.lean_refusal = suv.lean_refusal;
  const Grid& grid = input.image.grid();
  const std::vector<double>& factors = suv.body_weight;
  const bool each = static_cast<std::int64_t>(factors.size()) == grid.size(2);
  const bool alike = !factors.empty() && std::all_of(factors.begin(), factors.end(), [&](double f) { return f == factors[0]; });
  if (!each && !alike) {
    out.image = dicom::load_suv(*input.series, suv, run);
    return out;
  }
  Voxels<float> values = input.image.as<float>().clone();
  const std::int64_t plane = grid.size(0) * grid.size(1);
  parallel_for(run, grid.size(2), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const auto factor = static_cast<float>(each ? factors[static_cast<std::size_t>(k)] : factors[0]);
      for (std::int64_t n = k * plane; n < (k + 1) * plane; ++n) values[n] *= factor;
    }
  });
  out.image = Image(std::move(values));
  return out;
}

SeriesResult analyze_pet(const SeriesInput& input, const Profile& profile, Run& run) {
  SeriesResult result;
  const SuvImage suv = standardised_uptake(input, run);
  result.warnings = suv.warnings;
  if (!suv.refusal.empty()) {
    write_pet_refusal(result, suv.refusal, input);
    return result;
  }
  LesionRules rules;
  if (!profile.parameters.is_null()) {
    rules.threshold = profile.number("suv_threshold", rules.threshold, 0.5, 100);
    rules.high_threshold = profile.number("suv_high_threshold", std::max(rules.high_threshold, rules.threshold), rules.threshold, 200);
    rules.share = profile.number("focus_share", rules.share, 0.1, 0.9);
    rules.minimum_volume_ml = profile.number("minimum_volume_ml", rules.minimum_volume_ml, 0, 100);
  }
  run.progress(0.2, "lesions");
  const LesionMap map = find_lesions(suv.image.as<float>(), rules, run);
  run.progress(0.7, "pictures");
  constexpr std::size_t most = 60;
  const std::size_t listed = std::min(most, map.lesions.size());
  result.labels = lesion_labels(map, listed);
  for (std::size_t n = 0; n < listed; ++n) {
    const Lesion& lesion = map.lesions[n];
    result.segments.push_back({fmt::format("pet_lesion.{}", n + 1),
                               static_cast<int>(n + 1),
                               lesion.uptake.volume_ml,
                               lesion.uptake.touches_border,
                               fmt::format("connected voxels at SUV >= {}", rules.threshold),
                               {}});
  }
  write_pet(result, PetMeasured{suv, map, rules, listed}, input, run);
  return result;
}

}  // namespace gantry::analysis
