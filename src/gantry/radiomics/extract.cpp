// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/radiomics/extract.h"

#include <cmath>

#include "gantry/operation/frames.h"
#include "gantry/visualization/chart.h"
#include "gantry/volume/mask.h"

namespace gantry {

namespace {

using radiomics::Dimensions;
using radiomics::Discretisation;

constexpr int most_levels = 1024;

struct Settings {
  radiomics::Processing processing;
  Discretisation texture{{}, 32, {}};
  Discretisation volume_histogram;
  Dimensions dimensions = Dimensions::all;
  bool bins_at_multiples = false;  ///< bins begin at a multiple of their width, as in pyradiomics
};

Settings settings_of(RadiomicsPreset preset) {
  Settings s;
  auto& p = s.processing;
  switch (preset) {
    case RadiomicsPreset::none:
      break;
    case RadiomicsPreset::ibsi_digital_phantom:
      s.texture = {1.0, 0, {}};
      break;
    case RadiomicsPreset::ibsi_config_a:
      p = {.round = true, .lowest = -500, .highest = 400};
      s.texture = {25.0, 0, {}};
      s.dimensions = Dimensions::slices;
      break;
    case RadiomicsPreset::ibsi_config_b:
      p = {.spacing_mm = Vec3{2, 2, 0}, .round = true, .lowest = -500, .highest = 400};
      s.dimensions = Dimensions::slices;
      break;
    case RadiomicsPreset::ibsi_config_c:
      p = {.spacing_mm = Vec3{2, 2, 2}, .round = true, .lowest = -1000, .highest = 400};
      s.texture = {25.0, 0, {}};
      s.volume_histogram = {2.5, 0, {}};
      s.dimensions = Dimensions::volume;
      break;
    case RadiomicsPreset::ibsi_config_d:
      p = {.spacing_mm = Vec3{2, 2, 2}, .round = true, .outliers = 3};
      s.dimensions = Dimensions::volume;
      break;
    case RadiomicsPreset::ibsi_config_e:
      p = {.spacing_mm = Vec3{2, 2, 2},
           .interpolation = Interpolation::cubic,
           .round = true,
           .lowest = -1000,
           .highest = 400,
           .outliers = 3};
      s.volume_histogram = {{}, 1000, {}};
      s.dimensions = Dimensions::volume;
      break;
    case RadiomicsPreset::pyradiomics_default:
      s.texture = {25.0, 0, {}};
      s.dimensions = Dimensions::volume;
      s.bins_at_multiples = true;
      break;
  }
  return s;
}

template <class T>
void replace(T& value, const std::optional<T>& given) {
  if (given) value = *given;
}

Settings settings_of(const RadiomicsExtraction& operation) {
  Settings s = settings_of(operation.preset);
  if (operation.spacing) s.processing.spacing_mm = operation.spacing;
  replace(s.processing.interpolation, operation.interpolation);
  replace(s.processing.round, operation.round);
  if (operation.lowest) s.processing.lowest = operation.lowest;
  if (operation.highest) s.processing.highest = operation.highest;
  if (operation.outliers) s.processing.outliers = operation.outliers;
  if (operation.bin_width) s.texture = {operation.bin_width, 0, {}};
  if (operation.bins) s.texture = {{}, *operation.bins, {}};
  if (operation.ivh_bin_width) s.volume_histogram = {operation.ivh_bin_width, 0, {}};
  if (operation.ivh_bins) s.volume_histogram = {{}, *operation.ivh_bins, {}};
  replace(s.dimensions, operation.dimensions);
  return s;
}

Mask mask_with(const Image& mask, const std::optional<int>& label, const Run& run) {
  if (!label) return mask_of(mask, run);
  const VoxelView<float> values = mask.as<float>();
  const auto wanted = static_cast<float>(*label);
  Mask result = mask_between(values, wanted, wanted, run);
  if (std::none_of(result.values().begin(), result.values().end(), [](std::uint8_t v) { return v != 0; })) {
    throw Error(ErrorCode::not_possible, fmt::format("label: must be a value of the mask; no voxel is {}", *label));
  }
  return result;
}

Image histogram_of(const radiomics::Levels& levels) {
  std::vector<double> count(static_cast<std::size_t>(levels.count), 0.0), level(count.size());
  double total = 0;
  for (const std::int32_t n : levels.level.values()) {
    if (n == 0) continue;
    ++count[static_cast<std::size_t>(n - 1)];
    ++total;
  }
  for (std::size_t n = 0; n < count.size(); ++n) {
    level[n] = static_cast<double>(n + 1);
    count[n] *= 100 / total;
  }
  Chart chart{.x_axis = "Grey level", .y_axis = "Voxels of the region (%)", .bars = true};
  chart.series.push_back({.name = "region", .x = std::move(level), .y = std::move(count)});
  return chart_image(chart, 720, 480);
}

/// The reference table of the digital phantom prints two codes of the intensity histogram one row too far up; its preset prints them so.
void codes_of_the_table(radiomics::Features& features) {
  for (auto& feature : features) {
    if (feature.tag == "GPMT") {
      feature.tag = "1PR8";
      feature.parameter = "10th percentile";
    } else if (feature.tag == "OZ0C") {
      feature.tag = "GPMT";
      feature.parameter = "90th percentile";
    }
  }
}

}  // namespace

void RadiomicsExtraction::describe(Description<RadiomicsExtraction>& d) {
  d.summary("Measures all features of IBSI 1 of a region: shape, intensity, histograms and six families of texture.");
  d.input("image", "The image");
  d.input("mask", "The region: voxels that are not 0, on the grid of the image");
  d.parameter("preset", &RadiomicsExtraction::preset,
              "Published settings; what is given besides replaces theirs. none: no new spacing, all voxels, 32 bins, all aggregations");
  d.parameter("label", &RadiomicsExtraction::label, "Value of the mask that marks the region; none for every value but 0").range(1, 65535);
  d.parameter("spacing", &RadiomicsExtraction::spacing, "Voxels to compute on; a third number of 0 keeps the slices")
      .unit("mm")
      .range(0, 100);
  d.parameter("interpolation", &RadiomicsExtraction::interpolation,
              "How the image is sampled on them (the mask: linear, at least one half)");
  d.parameter("round", &RadiomicsExtraction::round, "Intensities to whole numbers after interpolation, for Hounsfield units");
  d.parameter("lowest", &RadiomicsExtraction::lowest, "Lowest intensity of the region").range(-1e9, 1e9);
  d.parameter("highest", &RadiomicsExtraction::highest, "Highest intensity of the region").range(-1e9, 1e9);
  d.parameter("outliers", &RadiomicsExtraction::outliers, "Standard deviations about the mean beyond which a voxel is left out")
      .range(0.5, 100);
  d.parameter("bin_width", &RadiomicsExtraction::bin_width, "Grey levels of this width from the lowest intensity of the range (FBS)")
      .range(1e-9, 1e9);
  d.parameter("bins", &RadiomicsExtraction::bins, "Number of grey levels between lowest and highest intensity (FBN)").range(2, most_levels);
  d.parameter("ivh_bin_width", &RadiomicsExtraction::ivh_bin_width, "The same for the intensity-volume histogram").range(1e-9, 1e9);
  d.parameter("ivh_bins", &RadiomicsExtraction::ivh_bins,
              "The same for the intensity-volume histogram; neither: whole numbers stand for themselves, others take 1000 bins")
      .range(2, 100000);
  d.parameter("dimensions", &RadiomicsExtraction::dimensions, "Textures within the slices (2D, 2.5D), across them (3D), or all");
  d.rule([](const RadiomicsExtraction& e) {
    if (e.bin_width && e.bins) throw Error(ErrorCode::parameter, "bins: cannot be given together with bin_width");
    if (e.ivh_bin_width && e.ivh_bins) throw Error(ErrorCode::parameter, "ivh_bins: cannot be given together with ivh_bin_width");
    if (e.lowest && e.highest && !(*e.lowest <= *e.highest)) {
      throw Error(ErrorCode::parameter, fmt::format("highest: must be at least lowest ({}); got {}", *e.lowest, *e.highest));
    }
    if (e.spacing && !(e.spacing->x >= 0.01 && e.spacing->y >= 0.01 && (e.spacing->z == 0 || e.spacing->z >= 0.01))) {
      throw Error(ErrorCode::parameter, fmt::format("spacing: must be at least 0.01 mm (0 keeps the slices); got {}, {}, {}", e.spacing->x,
                                                    e.spacing->y, e.spacing->z));
    }
  });
  d.output("features", &Result::features, "The features, and what was computed on");
  d.output("table", &Result::table, "The features, one a row");
  d.output("levels", &Result::levels, "Grey levels of the region, 0 outside");
  d.output("figure", &Result::figure, "Histogram of the grey levels");
  d.example("gantry radiomics extract ct.nii.gz tumour.nii.gz features.json --preset ibsi-config-c --table features.csv");
  d.reference(
      "Zwanenburg A, Vallieres M, Abdalah MA, et al. The Image Biomarker Standardization Initiative: standardized quantitative radiomics "
      "for "
      "high-throughput image-based phenotyping. Radiology 2020; 295:328-338.");
  d.reference(
      "Zwanenburg A, Leger S, Vallieres M, Loeck S. Image biomarker standardisation initiative: reference manual. arXiv:1612.07003.");
}

RadiomicsExtraction::Result RadiomicsExtraction::operator()(const Image& image, const Image& mask, Run& run) const {
  check_parameters(*this);
  const auto require_one = [](const Image& given, std::string_view subject) {
    require_single_component(given);
    if (given.frames() != 1) throw Error(ErrorCode::not_possible, fmt::format("{}: must have one frame; has {}", subject, given.frames()));
  };
  require_one(image, "image");
  require_one(mask, "mask");
  if (!image.grid().same_space(mask.grid(), 1e-2)) {
    throw Error(ErrorCode::not_possible, "mask: must lie on the grid of the image; resample it first");
  }
  Settings settings = settings_of(*this);
  const radiomics::Region region =
      radiomics::prepare_region(image.as<float>(), mask_with(mask, label, run), settings.processing, radiomics::peak_radius_mm, run);
  run.progress(0.2, "grey levels");
  if (settings.texture.bin_width) {
    const std::vector<float> values = region.intensities();
    const double first = *std::min_element(values.begin(), values.end()), width = *settings.texture.bin_width;
    settings.texture.begin = settings.bins_at_multiples ? std::floor(first / width) * width : settings.processing.lowest.value_or(first);
  }
  const radiomics::Levels levels = radiomics::discretise(region, settings.texture, most_levels);

  radiomics::Features features;
  radiomics::add_morphology(region, features, run);
  run.progress(0.4, "intensity");
  radiomics::add_local_intensity(region, features, run);
  radiomics::add_intensity_statistics(region, features);
  radiomics::add_intensity_histogram(levels, features);
  radiomics::add_volume_histogram(
      radiomics::volume_histogram(region, settings.volume_histogram, settings.processing.lowest, settings.processing.highest), features);
  run.progress(0.5, "texture");
  radiomics::add_cooccurrence(levels, settings.dimensions, features, run);
  run.progress(0.6);
  radiomics::add_run_lengths(levels, settings.dimensions, features, run);
  run.progress(0.7);
  radiomics::add_size_zones(levels, settings.dimensions, features, run);
  run.progress(0.8);
  radiomics::add_distance_zones(levels, region.morphological, settings.dimensions, features, run);
  radiomics::add_tone_difference(levels, settings.dimensions, features, run);
  run.progress(0.9);
  radiomics::add_level_dependence(levels, settings.dimensions, features, run);
  if (preset == RadiomicsPreset::ibsi_digital_phantom) codes_of_the_table(features);

  Result result;
  result.table = Table({"tag", "name", "family", "aggregation", "parameter", "value"});
  Json rows = Json::array();
  for (const auto& f : features) {
    const bool known = std::isfinite(f.value);
    rows.push_back({{"tag", f.tag},
                    {"name", f.name},
                    {"family", f.family},
                    {"aggregation", f.aggregation},
                    {"parameter", f.parameter},
                    {"value", known ? Json(f.value) : Json()}});
    result.table.add({std::string(f.tag), std::string(f.name), std::string(f.family), f.aggregation, f.parameter,
                      known ? Table::Cell(f.value) : Table::Cell()});
  }
  const std::vector<float> values = region.intensities();
  const Size3 size = region.grid.size();
  const Vec3 spacing_mm = region.grid.spacing_mm();
  const auto in_mask = std::count(region.morphological.values().begin(), region.morphological.values().end(), 1);
  result.features = {{"features", std::move(rows)},
                     {"region",
                      {{"voxels", region.voxels},
                       {"voxels_of_mask", in_mask},
                       {"spacing_mm", {spacing_mm.x, spacing_mm.y, spacing_mm.z}},
                       {"size", {size[0], size[1], size[2]}},
                       {"grey_levels", levels.count},
                       {"lowest", *std::min_element(values.begin(), values.end())},
                       {"highest", *std::max_element(values.begin(), values.end())}}}};
  auto shown = Voxels<std::uint16_t>::uninitialized(levels.level.grid());
  for (std::int64_t n = 0; n < shown.count(); ++n) shown[n] = static_cast<std::uint16_t>(levels.level[n]);
  result.levels = std::move(shown);
  result.figure = histogram_of(levels);
  return result;
}

Cost RadiomicsExtraction::cost(const Image& image, const Image&) const {
  const auto voxels = static_cast<double>(image.grid().voxel_count());
  // Values, levels and mask; runs and zones; the spatial transforms, which have their own limit.
  const double spatial = std::min(128 * voxels, 2.0 * (1 << 30));
  return {.bytes = static_cast<std::uint64_t>(13 * voxels + spatial), .seconds = voxels * 1e-8 + 0.2};
}

}  // namespace gantry
