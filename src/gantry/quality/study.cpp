// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/quality/study.h"

#include <algorithm>
#include <cmath>

#include "gantry/compute/parallel.h"
#include "gantry/operation/frames.h"
#include "gantry/quality/measures.h"
#include "gantry/quality/slices.h"
#include "gantry/visualization/chart.h"
#include "gantry/volume/mask.h"
#include "gantry/volume/measure.h"
#include "gantry/volume/morphology.h"

namespace gantry {

namespace {

/// The rows of the result, in the order in which they are added.
class Rows {
 public:
  void add(const char* id, std::optional<double> value, const char* unit, const std::string& reason = {}) {
    const bool known = value && std::isfinite(*value);
    json_[id] = {{"value", known ? Json(*value) : Json()}, {"unit", unit}, {"reason", known ? Json() : Json(reason)}};
    table_.add(
        {std::string(id), known ? Table::Cell(*value) : Table::Cell(), std::string(unit), known ? Table::Cell() : Table::Cell(reason)});
  }
  Json json() { return std::move(json_); }
  Table table() { return std::move(table_); }

 private:
  Json json_ = Json::object();
  Table table_ = Table({"measure", "value", "unit", "reason"});
};

/// The object, what lies around it, and the image with the level of what lies around it taken away.
struct Scene {
  Mask object;
  double threshold = 0, background = 0, signal = 0;
  std::int64_t voxels = 0;
};

/// The values of the voxels that `chosen` names, in their order.
template <class Chosen>
std::vector<float> values_where(const VoxelView<float>& image, const Run& run, const Chosen& chosen) {
  constexpr std::int64_t block = std::int64_t{1} << 18;
  std::vector<std::vector<float>> parts(static_cast<std::size_t>((image.count() + block - 1) / block));
  parallel_for(run, image.count(), block, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float>& part = parts[static_cast<std::size_t>(begin / block)];
    for (std::int64_t n = begin; n < end; ++n) {
      if (chosen(n)) part.push_back(image[n]);
    }
  });
  std::size_t count = 0;
  for (const auto& part : parts) count += part.size();
  std::vector<float> values;
  values.reserve(count);
  for (auto& part : parts) {
    values.insert(values.end(), part.begin(), part.end());
    part = {};
  }
  return values;
}

Scene scene_of(const VoxelView<float>& image, QualityModality modality, const Run& run) {
  Scene scene;
  scene.threshold = modality == QualityModality::ct ? -300 : otsu_threshold(image.values(), 256, run);
  const auto above = std::nextafter(static_cast<float>(scene.threshold), INFINITY);
  scene.object = largest_component(mask_between(image, above, std::numeric_limits<float>::max(), run), Connectivity::faces, run);
  std::vector<float> inside = values_where(image, run, [&](std::int64_t n) { return scene.object[n] != 0; });
  std::vector<float> outside = values_where(
      image, run, [&](std::int64_t n) { return scene.object[n] == 0 && std::isfinite(image[n]) && image[n] <= scene.threshold; });
  if (inside.empty()) {
    throw Error(ErrorCode::not_possible, modality == QualityModality::ct ? "image: must hold an object; nothing lies above -300 HU"
                                                                         : "image: must hold an object; all values are equal");
  }
  scene.voxels = static_cast<std::int64_t>(inside.size());
  scene.signal = quantile(std::move(inside), 0.5);
  scene.background = outside.empty() ? 0 : quantile(std::move(outside), 0.5);
  return scene;
}

/// Difference of the means of the two classes of values that part the object best (Otsu).
std::optional<double> contrast_of(const VoxelView<float>& image, const Mask& object, const Run& run) {
  const std::vector<float> values = values_where(image, run, [&](std::int64_t n) { return object[n] != 0; });
  const double cut = otsu_threshold(values, 256, run);
  double low = 0, high = 0, below = 0, above = 0;
  for (const float v : values) {
    (v > cut ? high : low) += v;
    (v > cut ? above : below) += 1;
  }
  if (below == 0 || above == 0) return std::nullopt;
  return high / above - low / below;
}

/// Share in percent of the voxels at the sides of the slices that are object, over slices that hold some.
double truncation_of(const Mask& object) {
  const Size3 size = object.grid().size();
  std::int64_t cut = 0, border = 0;
  for (std::int64_t k = 0; k < size[2]; ++k) {
    const std::uint8_t* const slice = object.data() + k * size[0] * size[1];
    if (std::none_of(slice, slice + size[0] * size[1], [](std::uint8_t v) { return v != 0; })) continue;
    for (std::int64_t n = 0; n < size[0] * size[1]; ++n) {
      const std::int64_t i = n % size[0], j = n / size[0];
      if (i > 0 && j > 0 && i + 1 < size[0] && j + 1 < size[1]) continue;
      ++border;
      cut += slice[n];
    }
  }
  return border > 0 ? 100.0 * static_cast<double>(cut) / static_cast<double>(border) : 0;
}

std::string too_few(const char* what) { return std::string("too few places ") + what; }

void add_noise(const VoxelView<float>& image, const Image& given, const Scene& scene, QualityModality modality, Rows& rows,
               const Run& run) {
  const std::optional<double> noise = quality::difference_noise(image, scene.object, run);
  const double signal = scene.signal - scene.background;
  const std::string reason = too_few("inside the object whose neighbours are inside");
  const auto over_noise = [&](std::optional<double> value) {
    return value && noise && *noise > 0 ? std::optional(*value / *noise) : std::nullopt;
  };
  const std::string no_ratio = noise ? "the image has no noise, or one value alone" : reason;
  const char* const unit = modality == QualityModality::ct ? "[hnsf'U]" : "1";
  rows.add("noise", noise, unit, reason);
  rows.add("signal", signal, unit);
  rows.add("signal_to_noise", over_noise(signal), "1", no_ratio);
  rows.add("contrast_to_noise", over_noise(contrast_of(image, scene.object, run)), "1", no_ratio);
  if (modality == QualityModality::ct) {
    const std::string few = too_few("of 9 mm at such values");
    rows.add("soft_tissue_noise", quality::local_noise(given, scene.object, 0, 150, run), unit, few);
    const Mask everywhere(image.grid(), 1);
    rows.add("lung_noise", quality::local_noise(given, everywhere, -990, -700, run), unit, few);
  }
  // A quarter of the signal must stand clear of the noise, or rays end on it.
  const bool clear = !noise || signal > 16 * *noise;
  auto lifted = Voxels<float>::uninitialized(image.grid());
  parallel_for(run, image.count(), 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) lifted[n] = static_cast<float>(image[n] - scene.background);
  });
  rows.add("edge_width", clear ? quality::edge_width_mm(lifted, 0.25 * signal) : std::nullopt, "mm",
           clear ? too_few("where a line meets the object's edge") : "the signal is below 16 times the noise");
  if (modality == QualityModality::mr || modality == QualityModality::other) {
    const quality::Ghosting ghosting = quality::background_ghosting(image, scene.threshold, scene.signal, run);
    rows.add("ghosting", ghosting.percent, "%",
             ghosting.blanked ? "the background was set to zero" : too_few("in the background, 12 mm from the object"));
  }
}

void add_slices(const VoxelView<float>& image, const std::vector<quality::SliceQuality>& slices, Rows& rows) {
  std::vector<float> shifts;
  std::optional<double> largest_shift, largest_jump;
  double empty = 0, repeated = 0;
  for (const auto& s : slices) {
    if (s.shift_mm) {
      shifts.push_back(static_cast<float>(*s.shift_mm));
      largest_shift = std::max(largest_shift.value_or(0), *s.shift_mm);
    }
    if (s.jump_percent) largest_jump = std::max(largest_jump.value_or(0), std::abs(*s.jump_percent));
    empty += s.empty ? 1 : 0;
    repeated += s.repeated ? 1 : 0;
  }
  const std::string reason = "fewer than three neighbouring slices hold enough of the object";
  rows.add("slice_shift", shifts.empty() ? std::nullopt : std::optional(quantile(shifts, 0.5)), "mm", reason);
  rows.add("largest_slice_shift", largest_shift, "mm", reason);
  rows.add("slice_signal_jump", largest_jump, "%", reason);
  const quality::SliceSteps steps = quality::slice_steps(image.grid());
  rows.add("slice_step", steps.median_mm, "mm");
  rows.add("slice_step_spread", steps.spread_percent, "%");
  rows.add("missing_slices", steps.missing, "1");
  rows.add("empty_slices", empty, "1");
  rows.add("repeated_slices", repeated, "1");
}

/// Where values pile up at an end of their range.
void add_clipping(const VoxelView<float>& image, const Scene& scene, Rows& rows) {
  float low = INFINITY, high = -INFINITY;
  std::int64_t broken = 0;
  for (const float v : image.values()) {
    if (!std::isfinite(v)) {
      ++broken;
      continue;
    }
    low = std::min(low, v);
    high = std::max(high, v);
  }
  std::int64_t at_low = 0, at_high = 0;
  for (std::int64_t n = 0; n < image.count(); ++n) {
    at_low += image[n] == low ? 1 : 0;
    at_high += scene.object[n] != 0 && image[n] == high ? 1 : 0;
  }
  // One voxel holds the highest value of any image.
  rows.add("at_highest", at_high > 1 ? 100.0 * static_cast<double>(at_high) / static_cast<double>(scene.voxels) : 0, "%");
  rows.add("at_lowest", at_low > 1 ? 100.0 * static_cast<double>(at_low) / static_cast<double>(image.count()) : 0, "%");
  rows.add("not_finite", static_cast<double>(broken), "1");
  rows.add("truncated", truncation_of(scene.object), "%");
}

}  // namespace

void StudyQuality::describe(Description<StudyQuality>& d) {
  d.summary("Measures how good an image is without a reference: noise, contrast, sharpness, ghosts, slices, clipping, truncation.");
  d.input("image", "The image to judge");
  d.parameter("modality", &StudyQuality::modality,
              "What it is: ct takes what lies above -300 HU for the object and adds noise in soft tissue and lung; the others take Otsu's "
              "threshold");
  d.output("result", &Result::result, "The measures");
  d.output("table", &Result::table, "The measures, one a row");
  d.output("slices", &Result::slices, "The object in each slice");
  d.output("figure", &Result::figure, "Mean of the object from slice to slice");
  d.example("gantry quality study ct.nii.gz quality.json --modality ct --table quality.csv");
  d.reference("National Electrical Manufacturers Association. MS 1: determination of signal-to-noise ratio in diagnostic MR imaging.");
  d.reference("Immerkaer J. Fast noise variance estimation. Computer Vision and Image Understanding 1996; 64:300-302.");
}

StudyQuality::Result StudyQuality::operator()(const Image& image, Run& run) const {
  check_parameters(*this);
  require_single_component(image);
  if (image.frames() != 1) throw Error(ErrorCode::not_possible, fmt::format("image: must have one frame; has {}", image.frames()));
  const VoxelView<float> values = image.as<float>();
  const auto numbers = values.values();
  if (std::none_of(numbers.begin(), numbers.end(), [](float v) { return std::isfinite(v); })) {
    throw Error(ErrorCode::not_possible, "image: must hold finite values; it holds none");
  }
  const Scene scene = scene_of(values, modality, run);
  run.progress(0.3, "noise");
  Rows rows;
  add_noise(values, image, scene, modality, rows, run);
  run.progress(0.7, "slices");
  const std::vector<quality::SliceQuality> slices = quality::slice_quality(values, scene.object, scene.background, run);
  add_slices(values, slices, rows);
  add_clipping(values, scene, rows);

  Result result;
  result.result = {{"object", {{"threshold", scene.threshold}, {"voxels", scene.voxels}}}, {"measures", rows.json()}};
  result.table = rows.table();
  result.slices = Table({"slice", "position_mm", "voxels", "mean", "shift_mm"});
  Chart chart{.x_axis = "Slice position (mm)", .y_axis = "Mean of the object"};
  Chart::Series series{.name = "mean"};
  for (std::size_t k = 0; k < slices.size(); ++k) {
    const auto& s = slices[k];
    result.slices.add({static_cast<double>(k), s.position_mm, static_cast<double>(s.voxels),
                       s.voxels > 0 ? Table::Cell(s.mean) : Table::Cell(), s.shift_mm ? Table::Cell(*s.shift_mm) : Table::Cell()});
    series.x.push_back(s.position_mm);
    series.y.push_back(s.voxels > 0 ? s.mean : NAN);
  }
  chart.series.push_back(std::move(series));
  result.figure = chart_image(chart, 720, 420);
  return result;
}

Cost StudyQuality::cost(const Image& image) const {
  const auto voxels = static_cast<double>(image.grid().voxel_count());
  return {.bytes = static_cast<std::uint64_t>(voxels) * 20, .seconds = voxels * 6e-8};
}

}  // namespace gantry
